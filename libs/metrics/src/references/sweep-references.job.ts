import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Begins the references that automatic sets ask for, freezes those that have learned enough, and publishes again the jobs whose message got lost. */
export const sweepReferences = defineJob({ queue: 'control', name: 'sweep-references', payload: z.object({}), attempts: 1 });
