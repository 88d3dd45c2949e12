import type { Metadata } from 'next';
import { Resources } from '@/features/deployments/resources';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Resources of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Resources name={segment((await params).name)} />;
}
