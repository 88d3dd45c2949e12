import type { Metadata } from 'next';
import { PredictionPage } from '@/features/predictions/prediction-page';
import { type RouteProps, segment } from '@/lib/route-params';

export const metadata: Metadata = { title: 'Prediction' };

export default async function Page({ params }: RouteProps<'id'>) {
  return <PredictionPage id={segment((await params).id)} />;
}
