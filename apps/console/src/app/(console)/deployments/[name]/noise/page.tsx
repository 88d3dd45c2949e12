import type { Metadata } from 'next';
import { Noise } from '@/features/watch/noise';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Noise of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Noise name={segment((await params).name)} />;
}
