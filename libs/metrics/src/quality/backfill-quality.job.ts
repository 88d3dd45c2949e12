import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Counts predictions and labels of before quality was kept. */
export const backfillQuality = defineJob({ queue: 'monitoring', name: 'backfill-quality', payload: z.object({}), attempts: 1 });
