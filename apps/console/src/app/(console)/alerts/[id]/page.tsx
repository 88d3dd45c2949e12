import type { Metadata } from 'next';
import { AlertPage } from '@/features/alerts/alert-page';
import { type RouteProps, segment } from '@/lib/route-params';

export const metadata: Metadata = { title: 'Alert' };

export default async function Page({ params }: RouteProps<'id'>) {
  return <AlertPage id={segment((await params).id)} />;
}
