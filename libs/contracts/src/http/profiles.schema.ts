import { z } from 'zod';
import { Instant } from './paging.schema.js';

/** Of the values in one row of a large tensor: moments and bounds of the finite ones, shares of zeros and of NaN among all; of texts, how many. */
export const profileSummaries = ['mean', 'sd', 'min', 'max', 'zeros', 'missing', 'count'] as const;
export type ProfileSummary = (typeof profileSummaries)[number];

/**
 * How one column of the inputs or outputs is counted. Frozen with the reference profile, so that counts of any instance, host and time add up
 * exactly.
 */
export const ColumnLayout = z.object({
  /** The tensor's name where a row has one value in it, else `name[i]`, or the feature's own name where the reference knows it. */
  name: z.string(),
  side: z.enum(['input', 'output']),
  tensor: z.string(),
  /** Which value of the tensor's row, or which channel of one that is summarised; null for a tensor without channels and for what the task names. */
  index: z.number().int().nullable(),
  kind: z.enum(['numeric', 'categorical']),
  /** Set for a tensor of too many values to be counted one by one: the column then counts this summary of each row (or of each row's channel). */
  summary: z.enum(profileSummaries).optional(),
  /**
   * Numeric: ascending inner edges, the smallest and the largest reference value first and last, quantiles between. Bin 0 holds x < edges[0], bin
   * i holds edges[i-1] ≤ x < edges[i], the last one x ≥ its edge; so `edges.length + 1` bins. The last edge is just above the largest value.
   */
  edges: z.array(z.number()).optional(),
  /** Categorical: values with bins of their own; one bin more for all others (unseen). */
  categories: z.array(z.string()).optional(),
});
export type ColumnLayout = z.infer<typeof ColumnLayout>;

export const ProfileLayout = z.object({
  /** SHA-256 over the columns: counts add up only where it is equal. */
  id: z.string(),
  columns: z.array(ColumnLayout),
});
export type ProfileLayout = z.infer<typeof ProfileLayout>;

/** Counts of one column. `bins` covers neither missing nor infinite values. Moments are of the finite values. */
export const ColumnCounts = z.object({
  /** Values seen, missing and infinite ones included. */
  n: z.number(),
  missing: z.number(),
  infinite: z.number(),
  zeros: z.number(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number(),
  /** Sum of squared deviations from the mean. */
  m2: z.number(),
  bins: z.array(z.number()),
  /** Categorical: registers of a HyperLogLog over the values without a bin of their own, base64; absent when there were none. */
  unseen: z.string().optional(),
});
export type ColumnCounts = z.infer<typeof ColumnCounts>;

/** Counts of many rows in one layout; mergeable in any order. */
export const Profile = z.object({ layout: z.string(), rows: z.number(), columns: z.array(ColumnCounts) });
export type Profile = z.infer<typeof Profile>;

export const referenceSources = ['uploaded', 'learned', 'inherited'] as const;
export const referenceStatuses = ['BUILDING', 'READY', 'FAILED'] as const;

/** What is known of a reference's column beyond its bins. */
export const ColumnReference = z.object({
  quantiles: z.object({ p05: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p95: z.number() }).nullable(),
  sd: z.number().nullable(),
  /** Distinct values, counted up to 10 000. */
  distinct: z.number().int(),
  /** How strongly the predictions hang on it, 0 to 1, all columns together 1; null where it is not known. */
  importance: z.number().nullable(),
});
export type ColumnReference = z.infer<typeof ColumnReference>;

/** From the labels of a reference: what estimates without labels stand on. */
export const LabelledReference = z.object({
  rows: z.number().int(),
  /** Realised metrics by name, with their spread over chunks. */
  metrics: z.record(
    z.string(),
    z.object({
      value: z.number(),
      /** Over chunks of `chunkRows` rows in the order of the rows. */
      sd: z.number(),
      chunkRows: z.number().int(),
      /** Standard deviation of drawing rows at random, times the root of their number. */
      perRow: z.number(),
    }),
  ),
  positiveClass: z.string().optional(),
  /** Per class (the positive one alone for a binary task): a monotone map from score to probability as breakpoints. */
  calibration: z.record(z.string(), z.object({ x: z.array(z.number()), y: z.array(z.number()), isIdentity: z.boolean() })).optional(),
  /** Expected calibration error before and after, the latter on rows that the map had not seen. */
  ece: z.object({ before: z.number(), after: z.number() }).optional(),
  /** Multiclass: from the score of the predicted class to how likely it is the right one. */
  confidence: z
    .object({
      x: z.array(z.number()),
      y: z.array(z.number()),
      isIdentity: z.boolean(),
      ece: z.object({ before: z.number(), after: z.number() }),
    })
    .optional(),
  /** Regression: quantiles of the residual at 0.1 %, 1 %, 5 %, 25 %, 50 %, 75 %, 95 %, 99 %, 99.9 %. */
  residualQuantiles: z.array(z.number()).optional(),
  /** Regression: mean |error| by decile of the prediction × quintile of one input; the last cell of a line is that of the line as a whole. */
  errorTable: z
    .object({
      predictionEdges: z.array(z.number()),
      column: z.string().nullable(),
      columnEdges: z.array(z.number()),
      meanAbsolute: z.array(z.array(z.number())),
      meanSquared: z.array(z.array(z.number())),
      rows: z.array(z.array(z.number())),
    })
    .optional(),
});
export type LabelledReference = z.infer<typeof LabelledReference>;

/** The variance of answers when the reference was made; see `noise.schema.ts` for how they are measured. */
export const NoiseReference = z.record(
  z.string(),
  z.object({
    n: z.number(),
    p50: z.number(),
    p95: z.number(),
    flipRatio: z.number().nullable(),
    /** Counts by size (see `noise-bins.ts` of the metrics): what later windows are ranked against. */
    bins: z.array(z.number()).max(256).optional(),
  }),
);
export type NoiseReference = z.infer<typeof NoiseReference>;

/** The body of a reference profile: immutable, named by its digest. */
export const ReferenceBody = z.object({
  rows: z.number().int(),
  layout: ProfileLayout,
  profile: Profile,
  /** By position of the layout's columns. */
  columns: z.array(ColumnReference),
  /** How far shifts of columns add up when rows are to be told apart: 0 all tell the same, 1 each tells something of its own. */
  independence: z.number().min(0).max(1).optional(),
  labelled: LabelledReference.nullable(),
  noise: NoiseReference.nullable(),
});
export type ReferenceBody = z.infer<typeof ReferenceBody>;

export const ReferenceView = z.object({
  id: z.string(),
  model: z.string(),
  version: z.number().int(),
  source: z.enum(referenceSources),
  status: z.enum(referenceStatuses),
  /** Why it failed. */
  reason: z.string().nullable(),
  /** The one that judgements stand on now: the newest that is ready. */
  active: z.boolean(),
  rows: z.number().int().nullable(),
  digest: z.string().nullable(),
  createdAt: Instant,
  createdBy: z.string(),
});
export type ReferenceView = z.infer<typeof ReferenceView>;
