import { z } from 'zod';
import { limits } from '../limits.js';
import { plainText } from '../text.js';
import { ReliabilityBins } from './evaluations.schema.js';
import { Judgement, JudgementView, SeriesFrame } from './monitoring.schema.js';
import { Instant } from './paging.schema.js';
import { EstimatedQuality } from './references.schema.js';

/** Whether enough of a window's labels have come to judge by it. `none`: it has none, or labels never came here. */
export const maturities = ['none', 'provisional', 'mature'] as const;
export const Maturity = z.object({
  state: z.enum(maturities),
  /** Labelled rows among the predicted ones. */
  coverage: z.number().nullable(),
  /** What windows of that age usually have; null while that is not known. */
  expected: z.number().nullable(),
});
export type Maturity = z.infer<typeof Maturity>;

/** Metrics by name, see `classificationMetrics` and `regressionMetrics`. A metric without a value says why in its reason. */
export const QualityMetrics = z.record(z.string(), Judgement);
export type QualityMetrics = z.infer<typeof QualityMetrics>;

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
  /** All of them, those above included. */
  metrics: QualityMetrics,
  maturity: Maturity,
});
export type QualityPoint = z.infer<typeof QualityPoint>;

/** How wrong single predictions are. Regression: predicted − true. Classes: 1 − probability of the true class, or 1 for a wrong one. */
export const ErrorPoint = z.object({
  at: Instant,
  n: z.number(),
  mean: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  meanAbsolute: z.number().nullable(),
});
export type ErrorPoint = z.infer<typeof ErrorPoint>;

const ClassOrValue = z.union([z.string(), z.number()]).nullable();
/** A labelled prediction that was far off. Its inputs are with the record (`GET /v1/predictions/{id}`), where the deployment keeps any. */
export const WorstSample = z.object({
  predictionId: z.string(),
  at: Instant,
  version: z.number().int(),
  error: z.number(),
  predicted: ClassOrValue,
  label: ClassOrValue,
  score: z.number().nullable(),
  /** Further off than 99.9 % of the reference, or more than 5 modified z beyond the others. */
  outstanding: z.boolean(),
});
export type WorstSample = z.infer<typeof WorstSample>;

/** Whether the rows that have labels are like all rows. */
export const LabelBias = z.object({
  /** PSI between the scores (values, classes) of labelled and of all predictions, less its noise. An alarm is the badge. */
  judgement: Judgement,
  /** Accuracy or mean absolute error with each row weighted by the inverse of its bin's coverage. */
  adjusted: z.object({ metric: z.string(), value: z.number(), weighted: z.number() }).nullable(),
});
export type LabelBias = z.infer<typeof LabelBias>;

/** How labels come in, learned from the deployment's own past. */
export const LabelArrivals = z.object({
  /** Share of the predictions that get a label in the end; null while that is not known. */
  usualCoverage: z.number().nullable(),
  /** The age from which windows are mature. */
  matureAfterSeconds: z.number().nullable(),
  /** Of the labels that come: how many have come by that age. */
  curve: z.array(z.object({ ageSeconds: z.number(), share: z.number() })),
});
export type LabelArrivals = z.infer<typeof LabelArrivals>;

export const QualityClass = z.object({ class: z.string(), actual: z.number(), predicted: z.number(), metrics: QualityMetrics });
export const QualitySlice = z.object({
  slice: z.string(),
  predicted: z.number(),
  labelled: z.number(),
  /** Accuracy or mean absolute error. */
  metric: z.string(),
  judgement: Judgement,
  /** Share of all wrong rows, or of the whole absolute error. */
  contribution: z.number().nullable(),
});
export type QualitySlice = z.infer<typeof QualitySlice>;

export const QualitySeries = SeriesFrame.extend({
  taskKind: z.enum(['binary', 'multiclass', 'regression', 'other']).nullable(),
  /** Why quality is off, when it is. */
  off: z.string().nullable(),
  /** Recall and F1: of the positive class for a binary task, macro average for a multiclass one. */
  average: z.enum(['binary', 'macro']).nullable(),
  /** `rows`: measured from every labelled row; `counts`: from additive counts, where areas, calibration and medians have a bound told in their reason. */
  measuredFrom: z.enum(['rows', 'counts']),
  slice: z.string().nullable(),
  total: z.array(QualityPoint),
  /** One point per version over the whole window. */
  versions: z.array(QualityPoint),
  /** Per step and version; in `total` the versions of a step are one, under the version that made most of its predictions. */
  byVersion: z.array(z.object({ version: z.number().int(), points: z.array(QualityPoint) })),
  confusion: z.object({ classes: z.array(z.string()), counts: z.array(z.array(z.number())) }).nullable(),
  /** Class by class over the whole window. */
  perClass: z.array(QualityClass),
  calibration: z.object({ of: z.enum(['positive', 'predicted']), bins: ReliabilityBins }).nullable(),
  /** Slices over the whole window, those that contribute most to the error first. */
  slices: z.array(QualitySlice),
  errors: z.array(ErrorPoint),
  worst: z.array(WorstSample),
  bias: LabelBias.nullable(),
  arrivals: LabelArrivals,
  /** What was judged in the window: quality, prediction errors, labels. */
  judgements: z.array(JudgementView),
  /** Without labels; null where it was not asked for. */
  estimated: EstimatedQuality.nullable(),
});
export type QualitySeries = z.infer<typeof QualitySeries>;

const exactlyOne = 'expected exactly one of "predictionId", "clientId" and "joinKey"';
export const LabelInput = z
  .strictObject({
    predictionId: z.string().max(128).optional(),
    clientId: z.string().max(256).optional(),
    /** What the input that names a row (`monitoring.joinKey`) held. */
    joinKey: z.union([plainText(1024).min(1), z.number(), z.boolean()]).optional(),
    label: z.union([z.string().max(1024), z.number(), z.boolean()]),
    observedAt: Instant.optional(),
    source: z.string().max(128).optional(),
  })
  .refine(({ predictionId, clientId, joinKey }) => [predictionId, clientId, joinKey].filter((name) => name !== undefined).length === 1, exactlyOne);
export type LabelInput = z.infer<typeof LabelInput>;
export const CreateLabels = z.strictObject({ labels: z.array(LabelInput).min(1).max(limits.labelsPerRequest) });
export type CreateLabels = z.infer<typeof CreateLabels>;
export const labelResults = ['matched', 'unmatched', 'late', 'duplicate', 'revised'] as const;
export type LabelResult = (typeof labelResults)[number];
const LabelCounts = z.record(z.enum(labelResults), z.number());
/** Of JSON: what became of each label, in order. */
export const LabelsAccepted = z.object({
  results: z.array(
    z.object({
      predictionId: z.string().nullable(),
      clientId: z.string().nullable(),
      joinKey: z.string().nullable().optional(),
      result: z.enum(labelResults),
    }),
  ),
  counts: LabelCounts,
});
export type LabelsAccepted = z.infer<typeof LabelsAccepted>;
/** Of a file of labels: how many became what, and the lines that are no labels; the others are taken. */
export const LabelFileAccepted = z.object({
  rows: z.number().int(),
  counts: LabelCounts,
  /** By line, as many as there are lines with labels, up to a bound. Absent beyond it. */
  results: z.array(z.object({ line: z.number().int(), result: z.enum(labelResults) })).optional(),
  rejected: z.number().int(),
  /** The first of the rejected lines. */
  errors: z.array(z.object({ line: z.number().int(), message: z.string() })),
});
export type LabelFileAccepted = z.infer<typeof LabelFileAccepted>;
