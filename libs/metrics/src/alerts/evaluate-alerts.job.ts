import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Judges every alert rule and moves its alert. */
export const evaluateAlerts = defineJob({ queue: 'monitoring', name: 'evaluate-alerts', payload: z.object({}), attempts: 1 });
