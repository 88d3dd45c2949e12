import { z } from 'zod';
import { Instant } from './paging.schema.js';

/** The one shape of a judgement, the same in REST, console, alerts and evidence. */
export const Judgement = z.object({
  value: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  n: z.number(),
  threshold: z.number().nullable(),
  verdict: z.enum(['ok', 'alarm', 'insufficient']),
  reason: z.string(),
});
export type Judgement = z.infer<typeof Judgement>;

/** What is judged over and over while a deployment serves. */
export const judgementKinds = [
  'quality',
  'estimated_quality',
  'prediction_error',
  'drift',
  'data_quality',
  'noise',
  'failures',
  'anomaly',
  'slo',
  'labels',
] as const;
export type JudgementKind = (typeof judgementKinds)[number];

/**
 * A judgement with what it is about. `subject` names the metric, feature, probe, series or objective and is empty for the deployment as a
 * whole; `version` and `slice` are null where it is about all of them.
 */
export const JudgementView = Judgement.extend({
  kind: z.enum(judgementKinds),
  subject: z.string(),
  version: z.number().int().nullable(),
  slice: z.string().nullable(),
  from: Instant,
  to: Instant,
  judgedAt: Instant,
  /** What it was judged from: other measures of the same thing, contributions, samples. */
  evidence: z.record(z.string(), z.unknown()),
});
export type JudgementView = z.infer<typeof JudgementView>;
export const JudgementsQuery = z.strictObject({
  kind: z.enum(judgementKinds).optional(),
  verdict: z.enum(['ok', 'alarm', 'insufficient']).optional(),
});
export type JudgementsQuery = z.infer<typeof JudgementsQuery>;
/** The newest judgement of each thing. */
export const JudgementList = z.object({ items: z.array(JudgementView) });
export type JudgementList = z.infer<typeof JudgementList>;

export const SeriesFrame = z.object({ from: Instant, to: Instant, stepSeconds: z.number().int() });
