import type { Metadata } from 'next';
import { EvaluationsPage } from '@/features/evaluations/evaluations-page';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Evaluations of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <EvaluationsPage model={segment((await params).name)} />;
}
