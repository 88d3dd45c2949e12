import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Makes the partitions of the coming days and drops those past their retention. */
export const maintainTelemetry = defineJob({ queue: 'monitoring', name: 'maintain-telemetry', payload: z.object({}), attempts: 3 });

/** Joins parked labels whose prediction has arrived. */
export const resolveParkedLabels = defineJob({ queue: 'monitoring', name: 'resolve-parked-labels', payload: z.object({}), attempts: 1 });
