import type { Metadata } from 'next';
import { ReplayList } from '@/features/replays/replay-list';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Replays of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <ReplayList deployment={segment((await params).name)} />;
}
