import type { Metadata } from 'next';
import { Health } from '@/features/deployments/health';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Health name={segment((await params).name)} />;
}
