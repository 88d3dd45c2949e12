import type { Metadata } from 'next';
import { RolloutTab } from '@/features/rollouts/rollout-tab';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Rollout of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <RolloutTab name={segment((await params).name)} />;
}
