import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Removes artefacts that no version refers to. */
export const collectArtefactsJob = defineJob({ queue: 'control', name: 'collect-artefacts', payload: z.object({}), attempts: 1 });
