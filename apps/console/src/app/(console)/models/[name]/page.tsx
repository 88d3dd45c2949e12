import type { Metadata } from 'next';
import { ModelPage } from '@/features/models/model-page';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <ModelPage name={segment((await params).name)} />;
}
