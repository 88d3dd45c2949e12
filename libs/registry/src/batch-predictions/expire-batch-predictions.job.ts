import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Removes batch predictions that ended longer ago than they are kept, with their files. */
export const expireBatchPredictions = defineJob({ queue: 'control', name: 'expire-batch-predictions', payload: z.object({}), attempts: 1 });
