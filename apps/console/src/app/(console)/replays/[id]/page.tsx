import type { Metadata } from 'next';
import { ReplayPage } from '@/features/replays/replay-page';
import { type RouteProps, segment } from '@/lib/route-params';

export const metadata: Metadata = { title: 'Replay' };

export default async function Page({ params }: RouteProps<'id'>) {
  return <ReplayPage id={segment((await params).id)} />;
}
