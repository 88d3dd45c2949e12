import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Makes hours of sources, days of hours, and forgets what is past its retention. */
export const rollUpProfiles = defineJob({ queue: 'monitoring', name: 'roll-up-profiles', payload: z.object({}), attempts: 1 });
