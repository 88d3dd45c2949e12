import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Runs a batch prediction to its end, or from its checkpoint on. */
export const runBatchPrediction = defineJob({
  queue: 'batch',
  name: 'run-batch-prediction',
  payload: z.object({ batchPredictionId: z.string() }),
  attempts: 5,
});

/** One job per batch prediction at a time; the same id again while it waits or runs adds nothing. */
export function runBatchPredictionJobId(batchPredictionId: string): string {
  return `batch-prediction.${batchPredictionId}`;
}
