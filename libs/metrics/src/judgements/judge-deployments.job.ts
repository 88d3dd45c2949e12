import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Judges what has been seen of every deployment since the last round. */
export const judgeDeployments = defineJob({ queue: 'monitoring', name: 'judge-deployments', payload: z.object({}), attempts: 1 });
