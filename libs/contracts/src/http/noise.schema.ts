import { z } from 'zod';
import { JudgementView, SeriesFrame } from './monitoring.schema.js';
import { Instant } from './paging.schema.js';

/**
 * How the noise of predictions is measured: the same input over again in one instance; the same input in every instance of a revision; copies
 * with their numbers disturbed a little; the same input in two versions; and inputs that callers have sent more than once.
 */
export const noiseProbes = ['repeat', 'replica', 'jitter', 'version', 'natural'] as const;
export type NoiseProbe = (typeof noiseProbes)[number];

/** What a probe is judged against, and where it is known from. Relative like the points. */
export const NoiseBaseline = z.object({
  /** `expected`: there ought to be none. */
  source: z.enum(['expected', 'reference', 'validation', 'learned']),
  n: z.number(),
  p50: z.number(),
  p95: z.number(),
  flipRatio: z.number().nullable(),
});
export type NoiseBaseline = z.infer<typeof NoiseBaseline>;

/**
 * Noise of one step. Of each measurement the unbiased variance over its answers is taken (of several outputs of a row: their sum), and its root
 * relative to the size of the mean answer.
 */
export const NoisePoint = z.object({
  at: Instant,
  /** Measurements; for `natural` the inputs that came more than once. */
  n: z.number(),
  /** Measurements that came to nothing: the model failed on them, or answered late. */
  failed: z.number(),
  /** Runs of the model that they cost. */
  runs: z.number(),
  /** Quantiles of the relative noise, from bins of a third of their value; null without measurements. */
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  max: z.number().nullable(),
  /** Mean of the variance, in the unit of the outputs squared. */
  meanVariance: z.number().nullable(),
  /** Share of answers whose label is not the most frequent one of their measurement; null where there are no labels. */
  flipRatio: z.number().nullable(),
});
export type NoisePoint = z.infer<typeof NoisePoint>;

export const NoiseProbeSeries = z.object({
  probe: z.enum(noiseProbes),
  version: z.number().int(),
  baseline: NoiseBaseline.nullable(),
  points: z.array(NoisePoint),
});
export type NoiseProbeSeries = z.infer<typeof NoiseProbeSeries>;

/** What measuring has cost, against what it may. */
export const NoiseBudget = z.object({
  /** Requests of callers that were served in the window. */
  requests: z.number(),
  /** Runs of the model for measuring. */
  extraRuns: z.number(),
  /** One by the other; null without requests. */
  ratio: z.number().nullable(),
  /** Runs on kept inputs that compare the instances every few minutes, also where nobody sends anything; part of `extraRuns`. */
  canaryRuns: z.number(),
  /** The wish of the active revision, in percent. */
  percent: z.number(),
});
export type NoiseBudget = z.infer<typeof NoiseBudget>;

export const NoiseSeries = SeriesFrame.extend({
  /** Why nothing is measured, when nothing is. */
  off: z.string().nullable(),
  probes: z.array(NoiseProbeSeries),
  budget: NoiseBudget,
  /** The newest of each probe and version. */
  judgements: z.array(JudgementView),
});
export type NoiseSeries = z.infer<typeof NoiseSeries>;

/** What an instance says of one probe; bounded. `answer` is what is compared between instances or versions. */
export const ProbeReport = z.object({
  runs: z.number().int().min(0),
  /** Absent where the probe asks for the answer itself. */
  spread: z
    .object({ variance: z.number(), relative: z.number(), labels: z.number().int().min(0), flips: z.number().int().min(0) })
    .nullable()
    .optional(),
  answer: z.object({ values: z.array(z.number().nullable()).max(1024), label: z.union([z.string().max(4096), z.number(), z.null()]) }).optional(),
  /** Why there is nothing to be measured, in a sentence. */
  off: z.string().max(1024).optional(),
});
export type ProbeReport = z.infer<typeof ProbeReport>;

/** What an instance has counted of inputs that came more than once, by the hour. */
export const NaturalReport = z.object({
  windows: z
    .array(
      z.object({
        startAtMs: z.number(),
        n: z.number(),
        labels: z.number(),
        flips: z.number(),
        varianceSum: z.number(),
        relativeSum: z.number(),
        relativeMax: z.number(),
        bins: z.array(z.number()).max(256),
      }),
    )
    .max(4),
});
export type NaturalReport = z.infer<typeof NaturalReport>;
