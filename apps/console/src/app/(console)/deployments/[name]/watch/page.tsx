import type { Metadata } from 'next';
import { Watch } from '@/features/watch/watch';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Watch over ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Watch name={segment((await params).name)} />;
}
