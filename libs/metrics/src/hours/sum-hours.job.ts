import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Sums the hours that are over, and those that late windows have changed. */
export const sumHours = defineJob({ queue: 'monitoring', name: 'sum-hours', payload: z.object({}), attempts: 1 });
