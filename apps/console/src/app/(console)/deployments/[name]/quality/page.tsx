import type { Metadata } from 'next';
import { Quality } from '@/features/deployments/quality';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Quality of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Quality name={segment((await params).name)} />;
}
