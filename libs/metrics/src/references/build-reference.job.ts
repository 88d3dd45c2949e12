import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Runs a version over a file of rows and makes a reference profile of what comes out. */
export const buildReferenceProfile = defineJob({
  queue: 'evaluation',
  name: 'build-reference',
  payload: z.object({ referenceId: z.string() }),
  attempts: 5,
});

/** One job per reference at a time; the same id again while it waits or runs adds nothing. */
export function buildReferenceJobId(referenceId: string): string {
  return `reference.${referenceId}`;
}
