import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { plainText } from '../text.js';
import { delimiters, tableFormats } from './batch-predictions.schema.js';
import { Judgement, JudgementView } from './monitoring.schema.js';
import { Instant, PageQuery, pageOf } from './paging.schema.js';
import { ColumnCounts, ColumnLayout, ColumnReference, LabelledReference, NoiseReference, ReferenceView } from './profiles.schema.js';

const ColumnName = plainText(limits.columnNameLength).min(1);
const distinct = (names: readonly string[]) => new Set(names).size === names.length;

/** What a reference profile is made of: a labelled set of the model, or the reference of a version that takes and gives the same. */
export const CreateReference = z
  .strictObject({ dataset: ResourceName.optional(), from: z.number().int().min(1).max(2_147_483_647).optional() })
  .refine(({ dataset, from }) => (dataset === undefined) !== (from === undefined), 'expected exactly one of "dataset" and "from"');
export type CreateReference = z.infer<typeof CreateReference>;

/** Beside a file of rows that is sent for a reference: the fields of a form, or the query. Rows need no labels. */
export const ReferenceFields = z.strictObject({
  /** The column with the true class or value, where the rows have one. */
  labelColumn: ColumnName.optional(),
  /** Columns that are no input. */
  idColumns: z.array(ColumnName).max(limits.batchIdColumns).refine(distinct, 'expected each column once').default([]),
  /** The columns that make up the one input of the model, in its order. */
  columns: z.array(ColumnName).min(1).max(limits.batchColumns).refine(distinct, 'expected each column once').optional(),
  format: z.enum(tableFormats).optional(),
  header: z.boolean().default(true),
  delimiter: z.enum(delimiters).optional(),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits (SHA-256)')
    .optional(),
});
export type ReferenceFields = z.infer<typeof ReferenceFields>;

/** Where a reference comes from, as it was asked for. */
export const ReferenceOrigin = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('dataset'), name: z.string(), digest: z.string() }),
  z.object({ kind: z.literal('file'), name: z.string().nullable(), digest: z.string() }),
  z.object({ kind: z.literal('version'), version: z.number().int(), reference: z.string() }),
  /** Learned from the rows that were answered since then. */
  z.object({ kind: z.literal('traffic'), since: Instant, rowsWanted: z.number().int() }),
]);
export type ReferenceOrigin = z.infer<typeof ReferenceOrigin>;

export const ReferenceItem = ReferenceView.extend({
  origin: ReferenceOrigin,
  /** Whether its rows had labels, so that quality can be estimated without them. */
  labelled: z.boolean(),
});
export type ReferenceItem = z.infer<typeof ReferenceItem>;
export const ReferencePage = pageOf(ReferenceItem);
export type ReferencePage = z.infer<typeof ReferencePage>;
export const ReferenceQuery = PageQuery;
export type ReferenceQuery = z.infer<typeof ReferenceQuery>;

/** One column of a reference: how it is counted, what was counted, and what is known besides. */
export const ReferenceColumn = ColumnLayout.extend({ counts: ColumnCounts, ...ColumnReference.shape });
export type ReferenceColumn = z.infer<typeof ReferenceColumn>;

/** A reference with its distributions. Null parts: it is not ready, or its rows had no labels. */
export const ReferenceDetail = ReferenceItem.extend({
  layout: z.string().nullable(),
  columns: z.array(ReferenceColumn),
  labels: LabelledReference.nullable(),
  noise: NoiseReference.nullable(),
});
export type ReferenceDetail = z.infer<typeof ReferenceDetail>;

export const LearnReference = z.strictObject({ reason: plainText(limits.reasonLength).optional() });
export type LearnReference = z.infer<typeof LearnReference>;

/** How far an estimate of quality without labels can be trusted: A as far as its band says, B with care, C not for more than a hint. */
export const trustGrades = ['A', 'B', 'C'] as const;
export const TrustGrade = z.object({
  grade: z.enum(trustGrades),
  /** How well a classifier tells rows of the window from rows of the reference: 0.5 not at all, 1 always. */
  domainAuc: z.number().nullable(),
  /** `rows`: a classifier was trained on rows; `profile`: the figure is derived from counts. */
  domainFrom: z.enum(['rows', 'profile']),
  /** Share of values outside of what the reference has seen, of the column with the most. */
  outOfRangeShare: z.number().nullable(),
  /** Expected calibration error of the scores on the reference, as they are used; null for regressions. */
  ece: z.number().nullable(),
  /** Why it is no better, in a sentence each. */
  reasons: z.array(z.string()),
});
export type TrustGrade = z.infer<typeof TrustGrade>;

/** Quality of one window as estimated without labels, and as it turned out where labels have come. */
export const EstimatedQualityPoint = z.object({
  from: Instant,
  to: Instant,
  version: z.number().int(),
  /** Rows that it was estimated from. */
  n: z.number().int(),
  metric: z.string(),
  estimate: z.number(),
  /** ± 3 sampling errors. */
  band: z.tuple([z.number(), z.number()]),
  grade: TrustGrade,
  /** From labels, once enough have come for the window. */
  realised: z.number().nullable(),
  /** estimate − realised. */
  error: z.number().nullable(),
});
export type EstimatedQualityPoint = z.infer<typeof EstimatedQualityPoint>;

/** The `estimated` part of a quality series. */
export const EstimatedQuality = z.object({
  /** Why there is none, when there is none. */
  off: z.string().nullable(),
  /** The window that was asked for as a whole, by version and metric, judged as it is now. */
  window: z.array(EstimatedQualityPoint.extend({ judgement: Judgement.nullable() })),
  /** Step by step, where a step has rows enough. */
  points: z.array(EstimatedQualityPoint),
  /** Of closed windows, as they were judged. */
  judgements: z.array(JudgementView),
  /** How past estimates did against labels that came later, per metric: mean |estimate − realised| and how many lay within their band. */
  trackRecord: z.array(
    z.object({
      metric: z.string(),
      windows: z.number().int(),
      meanAbsoluteError: z.number(),
      withinBandShare: z.number(),
    }),
  ),
});
export type EstimatedQuality = z.infer<typeof EstimatedQuality>;
