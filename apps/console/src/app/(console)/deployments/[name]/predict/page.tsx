import type { Metadata } from 'next';
import { Playground } from '@/features/deployments/playground';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Playground of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Playground name={segment((await params).name)} />;
}
