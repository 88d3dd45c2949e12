import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Takes one rollout one step further. It may run twice, late or never: a sweep finds what a lost job left undone. */
export const advanceRollout = defineJob({
  queue: 'control',
  name: 'advance-rollout',
  payload: z.object({ rolloutId: z.string() }),
  attempts: 5,
});

/** Names the work: one rollout, one step of it. */
export function advanceRolloutJobId(rolloutId: string, step: number): string {
  return `advance.${rolloutId}.${step}`;
}
