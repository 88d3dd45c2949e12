import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { plainText } from '../text.js';
import { JudgementView, SeriesFrame } from './monitoring.schema.js';
import { Instant, pageOf } from './paging.schema.js';

/**
 * `availability`: a valid request is good when it was answered. `latency`: when it was answered within a time. `quality`: an hour with labels is
 * good when a metric of it holds.
 */
export const sloKinds = ['availability', 'latency', 'quality'] as const;
export type SloKind = (typeof sloKinds)[number];

/** Metrics that an objective of the kind `quality` can be about; of errors (`mae`, `rmse`) the threshold is the most, of the others the least. */
export const sloMetrics = ['accuracy', 'precision', 'recall', 'f1', 'mae', 'rmse'] as const;
export type SloMetric = (typeof sloMetrics)[number];

const Target = z.number().gt(0).lt(1);
const PeriodDays = z.number().int().min(7).max(90);
const ThresholdMs = z.number().gt(0).max(86_400_000);
const Threshold = z.number().min(0).max(1e15);
const reason = plainText(limits.reasonLength).optional();

const objective = { name: ResourceName, target: Target, periodDays: PeriodDays.default(30), enabled: z.boolean().default(true), reason };
export const CreateSlo = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('availability'), ...objective }),
  z.strictObject({ kind: z.literal('latency'), ...objective, thresholdMs: ThresholdMs }),
  z.strictObject({ kind: z.literal('quality'), ...objective, metric: z.enum(sloMetrics), threshold: Threshold }),
]);
export type CreateSlo = z.infer<typeof CreateSlo>;

/** What is absent stays. Name and kind cannot be changed. */
export const ChangeSlo = z
  .strictObject({
    target: Target.optional(),
    periodDays: PeriodDays.optional(),
    enabled: z.boolean().optional(),
    thresholdMs: ThresholdMs.optional(),
    metric: z.enum(sloMetrics).optional(),
    threshold: Threshold.optional(),
    reason,
  })
  .refine(({ reason: _, ...change }) => Object.keys(change).length > 0, 'expected something to change');
export type ChangeSlo = z.infer<typeof ChangeSlo>;

/** Speaks of what an objective promises: a share of good events over a period. */
export const SloView = z.object({
  name: z.string(),
  deployment: z.string(),
  kind: z.enum(sloKinds),
  /** Share of good events, from 0 to 1. */
  target: z.number(),
  periodDays: z.number().int(),
  thresholdMs: z.number().nullable(),
  metric: z.enum(sloMetrics).nullable(),
  threshold: z.number().nullable(),
  enabled: z.boolean(),
  createdAt: Instant,
  createdBy: z.string(),
  updatedAt: Instant,
});
export type SloView = z.infer<typeof SloView>;
export const SloPage = pageOf(SloView);

/** `no_data`: neither firing nor resolved, for want of valid events. */
export const burnStatuses = ['ok', 'firing', 'no_data'] as const;
export type BurnStatus = (typeof burnStatuses)[number];

/** One pair of windows; it fires when the burn rate is above the factor in both. Burn 1 spends the budget exactly in the period. */
export const SloBurn = z.object({
  severity: z.enum(['page', 'ticket']),
  /** Share of the period's budget that is spent when it fires. */
  budgetShare: z.number(),
  longSeconds: z.number().int(),
  shortSeconds: z.number().int(),
  factor: z.number(),
  /** Null without valid events. */
  longBurn: z.number().nullable(),
  shortBurn: z.number().nullable(),
  longRatio: z.number().nullable(),
  shortRatio: z.number().nullable(),
  /** Bad and valid events of the long window. */
  bad: z.number(),
  valid: z.number(),
  /** Requests of the long window of which the latency buckets cannot tell on which side of the limit they were; taken as evenly spread. */
  uncertain: z.number(),
  status: z.enum(burnStatuses),
  /** Why it does not fire although both windows burn too fast: too few events to be sure. */
  held: z.string().nullable(),
});
export type SloBurn = z.infer<typeof SloBurn>;

export const SloPoint = z.object({
  at: Instant,
  bad: z.number(),
  valid: z.number(),
  errorRatio: z.number().nullable(),
  /** Of the period that ends with the step; below 0 when more than the budget is spent; null without valid events. */
  budgetRemaining: z.number().nullable(),
});
export type SloPoint = z.infer<typeof SloPoint>;

export const SloStatus = SloView.extend({
  status: z.enum(['ok', 'page', 'ticket', 'no_data', 'disabled']),
  /** Over the period up to now. */
  bad: z.number(),
  valid: z.number(),
  errorRatio: z.number().nullable(),
  budgetRemaining: z.number().nullable(),
  /** When the budget is used up if it goes on as in the last six hours; null: never, or not known. */
  exhaustedAt: Instant.nullable(),
  burn: z.array(SloBurn),
  points: z.array(SloPoint),
  /** What was last judged of it; null before the first time. */
  judgement: JudgementView.nullable(),
});
export type SloStatus = z.infer<typeof SloStatus>;
export const SloSeries = SeriesFrame.extend({ objectives: z.array(SloStatus) });
export type SloSeries = z.infer<typeof SloSeries>;
