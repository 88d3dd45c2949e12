import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Publishes the job again of batch predictions whose message got lost or whose worker is gone. */
export const requeueBatchPredictions = defineJob({ queue: 'control', name: 'requeue-batch-predictions', payload: z.object({}), attempts: 1 });
