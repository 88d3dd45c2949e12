import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Begins the evaluations that automatic sets ask for, and publishes the job again of those whose message got lost or whose worker is gone. */
export const sweepEvaluations = defineJob({ queue: 'control', name: 'sweep-evaluations', payload: z.object({}), attempts: 1 });
