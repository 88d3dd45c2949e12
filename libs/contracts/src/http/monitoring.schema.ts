import { z } from 'zod';
import { limits } from '../limits.js';
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

/** Quality per step, from labels, filed under the time of the prediction. */
export const QualityPoint = z.object({
  at: Instant,
  version: z.number().int(),
  predicted: z.number(),
  labelled: z.number(),
  accuracy: Judgement.nullable(),
  recall: Judgement.nullable(),
  precision: Judgement.nullable(),
  f1: Judgement.nullable(),
  mae: Judgement.nullable(),
  rmse: Judgement.nullable(),
});
export type QualityPoint = z.infer<typeof QualityPoint>;
export const QualitySeries = SeriesFrame.extend({
  taskKind: z.enum(['binary', 'multiclass', 'regression', 'other']).nullable(),
  /** Why quality is off, when it is. */
  off: z.string().nullable(),
  /** Recall and F1: of the positive class for a binary task, macro average for a multiclass one. */
  average: z.enum(['binary', 'macro']).nullable(),
  total: z.array(QualityPoint),
  /** One point per version over the whole window. */
  versions: z.array(QualityPoint),
  /** Per step and version; in `total` the versions of a step are one, under the version that made most of its predictions. */
  byVersion: z.array(z.object({ version: z.number().int(), points: z.array(QualityPoint) })).default([]),
  confusion: z.object({ classes: z.array(z.string()), counts: z.array(z.array(z.number())) }).nullable(),
});
export type QualitySeries = z.infer<typeof QualitySeries>;

export const LabelInput = z
  .strictObject({
    predictionId: z.string().max(128).optional(),
    clientId: z.string().max(256).optional(),
    label: z.union([z.string().max(1024), z.number(), z.boolean()]),
    observedAt: Instant.optional(),
    source: z.string().max(128).optional(),
  })
  .refine((label) => (label.predictionId === undefined) !== (label.clientId === undefined), 'expected exactly one of "predictionId" and "clientId"');
export type LabelInput = z.infer<typeof LabelInput>;
export const CreateLabels = z.strictObject({ labels: z.array(LabelInput).min(1).max(limits.labelsPerRequest) });
export type CreateLabels = z.infer<typeof CreateLabels>;
export const labelResults = ['matched', 'unmatched', 'late', 'duplicate', 'revised'] as const;
export type LabelResult = (typeof labelResults)[number];
export const LabelsAccepted = z.object({
  results: z.array(z.object({ predictionId: z.string().nullable(), clientId: z.string().nullable(), result: z.enum(labelResults) })),
  counts: z.record(z.enum(labelResults), z.number()),
});
export type LabelsAccepted = z.infer<typeof LabelsAccepted>;
