import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Publishes the validation again of versions whose message got lost. */
export const requeueValidations = defineJob({ queue: 'control', name: 'requeue-validations', payload: z.object({}), attempts: 1 });
