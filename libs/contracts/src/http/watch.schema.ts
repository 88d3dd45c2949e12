import { z } from 'zod';
import { plainText } from '../text.js';
import { Instant } from './paging.schema.js';

/** How a deployment is judged; changing it needs no new revision. */
export const WatchSettings = z.strictObject({
  /** False alarms that one model may cost its people in a month, over all judgements of drift together. */
  alarmsPerMonth: z.number().min(0.01).max(100).default(1),
  drift: z
    .strictObject({
      /** Size that a change must have besides being significant: PSI without its noise. */
      minEffect: z.number().min(0.01).max(10).default(0.1),
      /** Inputs and outputs that are shown but never alarm. */
      ignore: z.array(plainText(256).min(1)).max(256).default([]),
    })
    .prefault({}),
  reference: z
    .strictObject({
      /** Rows that a reference is learned from where none was uploaded. */
      learnRows: z.number().int().min(200).max(100_000).default(1_000),
    })
    .prefault({}),
  labels: z
    .strictObject({
      /** A label for an older prediction is answered `late`. */
      latenessDays: z.number().int().min(1).max(400).default(90),
    })
    .prefault({}),
});
export type WatchSettings = z.infer<typeof WatchSettings>;
export const WatchSettingsView = WatchSettings.extend({ updatedAt: Instant.nullable(), updatedBy: z.string().nullable() });
export type WatchSettingsView = z.infer<typeof WatchSettingsView>;
