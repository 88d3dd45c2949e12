import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Loads an uploaded version once in a process of its own and writes what it is. */
export const validateVersion = defineJob({
  queue: 'validation',
  name: 'validate-version',
  payload: z.object({ versionId: z.string() }),
  attempts: 5,
});

/** One job per version at a time; the same id again while it waits or runs adds nothing. */
export function validateVersionJobId(versionId: string): string {
  return `validate.${versionId}`;
}
