import type { Metadata } from 'next';
import { Versions } from '@/features/deployments/versions';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Versions of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Versions name={segment((await params).name)} />;
}
