import type { Metadata } from 'next';
import { Drift } from '@/features/watch/drift';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Data of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Drift name={segment((await params).name)} />;
}
