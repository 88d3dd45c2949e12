import type { Metadata } from 'next';
import { ComparePage } from '@/features/evaluations/compare-page';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Comparison of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <ComparePage model={segment((await params).name)} />;
}
