import { z } from 'zod';
import { limits } from '../limits.js';
import { plainText } from '../text.js';
import { Judgement, JudgementView, SeriesFrame } from './monitoring.schema.js';
import { Instant, WholeSeriesQuery } from './paging.schema.js';
import { ColumnLayout, referenceSources } from './profiles.schema.js';

/** As every series; `column` asks for the distributions of one. */
export const DriftQuery = WholeSeriesQuery.extend({ column: plainText(limits.columnNameLength).min(1).optional() });
export type DriftQuery = z.infer<typeof DriftQuery>;

/** One column in one step. */
export const DriftPoint = z.object({
  at: Instant,
  n: z.number(),
  /** PSI without its noise, at least 0; null with too few rows. */
  effect: z.number().nullable(),
  /** 95 % of the effect. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  psi: z.number().nullable(),
  /** What PSI would be on average without drift. */
  noise: z.number().nullable(),
  /** Chance of as much difference when nothing has changed; of this column alone. */
  p: z.number().nullable(),
  missingShare: z.number().nullable(),
  /** Categories: values that the reference never saw. */
  unseenShare: z.number().nullable(),
  /** Numbers: values beyond the reference's range. */
  outOfRangeShare: z.number().nullable(),
  mean: z.number().nullable(),
});
export type DriftPoint = z.infer<typeof DriftPoint>;

/** Well-known measures over the whole span, for comparison; they are shown, not judged. Null where one has no answer. */
export const DriftMeasures = z.object({
  ks: z.number().nullable(),
  ksP: z.number().nullable(),
  wasserstein: z.number().nullable(),
  wassersteinNoise: z.number().nullable(),
  /** Base 2. */
  jensenShannon: z.number().nullable(),
  hellinger: z.number().nullable(),
  chiSquare: z.number().nullable(),
  chiSquareP: z.number().nullable(),
  cramersV: z.number().nullable(),
  largestShareChange: z.number().nullable(),
  totalVariation: z.number().nullable(),
});
export type DriftMeasures = z.infer<typeof DriftMeasures>;

export const DriftColumn = z.object({
  column: z.string(),
  side: ColumnLayout.shape.side,
  kind: ColumnLayout.shape.kind,
  /** How strongly the predictions hang on it; equal parts where that is not known, 1 for outputs. */
  importance: z.number(),
  /** Effect × importance over the span: what the columns are ranked by. */
  impact: z.number(),
  /** The span asked for as one window against the reference: whether it differs, not whether that is an alarm. */
  span: Judgement,
  /** The same of missing values, unseen categories, values out of range and answers that are no numbers. */
  quality: Judgement,
  measures: DriftMeasures,
  points: z.array(DriftPoint),
});
export type DriftColumn = z.infer<typeof DriftColumn>;

/** One bin of a column on both sides. `low` and `high` bound a number; open ends and categories have none. */
export const DriftBin = z.object({
  label: z.string(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  reference: z.number(),
  now: z.number(),
  referenceShare: z.number(),
  nowShare: z.number(),
});
export type DriftBin = z.infer<typeof DriftBin>;

export const DriftSeries = SeriesFrame.extend({
  /** Drift is of one version: the one asked for, else the one that takes most of the traffic. Null when none does. */
  version: z.number().int().nullable(),
  /** Why there is nothing to show, when there is not. */
  off: z.string().nullable(),
  reference: z.object({ id: z.string(), source: z.enum(referenceSources), rows: z.number().int(), createdAt: Instant }).nullable(),
  /** While a reference is learned from the first rows. */
  learning: z.object({ rows: z.number(), wanted: z.number().int() }).nullable(),
  rows: z.number(),
  /** The whole span as one window. */
  span: Judgement.nullable(),
  /** By rank: outputs that differ, then by impact. */
  columns: z.array(DriftColumn),
  /** The newest judgements of drift and data quality: what alerts follow. */
  judgements: z.array(JudgementView),
  /** Only with `column`. */
  detail: z.object({ column: z.string(), referenceRows: z.number(), nowRows: z.number(), bins: z.array(DriftBin) }).nullable(),
});
export type DriftSeries = z.infer<typeof DriftSeries>;
