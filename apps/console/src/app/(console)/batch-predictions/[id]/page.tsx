import type { Metadata } from 'next';
import { BatchPredictionPage } from '@/features/batch-predictions/batch-prediction-page';
import { type RouteProps, segment } from '@/lib/route-params';

export const metadata: Metadata = { title: 'Batch prediction' };

export default async function Page({ params }: RouteProps<'id'>) {
  return <BatchPredictionPage id={segment((await params).id)} />;
}
