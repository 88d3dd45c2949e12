import { z } from 'zod';

/** What a hook of a rollout is asked or told: an event in the form that Standard Webhooks recommend. */
export const HookNotice = z.object({
  /** For example `rollout.stage_entered`; a question is `rollout.asked`. */
  type: z.string(),
  timestamp: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type HookNotice = z.infer<typeof HookNotice>;
