import { BatchPredictions } from '@/features/batch-predictions/batch-predictions';

export const metadata = { title: 'Batch predictions' };

export default function Page() {
  return <BatchPredictions />;
}
