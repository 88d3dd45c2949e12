import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Runs an evaluation from its beginning to its end. */
export const evaluateVersion = defineJob({
  queue: 'evaluation',
  name: 'evaluate-version',
  payload: z.object({ evaluationId: z.string() }),
  attempts: 5,
});

/** One job per evaluation at a time; the same id again while it waits or runs adds nothing. */
export function evaluateVersionJobId(evaluationId: string): string {
  return `evaluation.${evaluationId}`;
}
