import type { Metadata } from 'next';
import { Objectives } from '@/features/watch/objectives';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Objectives of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <Objectives name={segment((await params).name)} />;
}
