import { z } from 'zod';
import { SeriesFrame } from './monitoring.schema.js';
import { Instant } from './paging.schema.js';

/** Stages of a request: the whole of it, waiting, the run, reading the inputs, writing the answer. */
export const latencyStages = ['duration', 'queue', 'compute', 'decode', 'encode'] as const;
export type LatencyStage = (typeof latencyStages)[number];

/** Serving per step; latencies in seconds, absent (null) without requests. */
export const ServingPoint = z.object({
  at: Instant,
  requests: z.number(),
  requestsPerSecond: z.number(),
  errors: z.number(),
  errorRatio: z.number().nullable(),
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
  queueP95: z.number().nullable(),
  computeP95: z.number().nullable(),
  decodeP95: z.number().nullable(),
  encodeP95: z.number().nullable(),
  rows: z.number(),
  /** Runs of the model; requests may share one. */
  runs: z.number(),
  rowsPerRun: z.number().nullable(),
  requestBytes: z.number(),
  responseBytes: z.number(),
  outcomes: z.record(z.string(), z.number()),
});
export type ServingPoint = z.infer<typeof ServingPoint>;

/** Times of one stage in seconds. Counts per bucket of `latencyEdges`, the last one open, add up over versions and spans. */
export const LatencyHistogram = z.object({
  count: z.number(),
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
  counts: z.array(z.number()),
});
export type LatencyHistogram = z.infer<typeof LatencyHistogram>;

/** A whole span as one. There is no cache of answers, and so nothing about one. */
export const ServingTotals = z.object({
  requests: z.number(),
  rows: z.number(),
  outcomes: z.record(z.string(), z.number()),
  latency: z.object({
    duration: LatencyHistogram,
    queue: LatencyHistogram,
    compute: LatencyHistogram,
    decode: LatencyHistogram,
    encode: LatencyHistogram,
  }),
  /** Runs by their rows: counts per bucket of `batchEdges`, the last one open. */
  batch: z.object({ counts: z.array(z.number()), runs: z.number(), rowsPerRun: z.number().nullable() }),
  requestBytes: z.number(),
  responseBytes: z.number(),
});
export type ServingTotals = z.infer<typeof ServingTotals>;

export const ServingSeries = SeriesFrame.extend({
  latencyEdges: z.array(z.number()),
  batchEdges: z.array(z.number()),
  versions: z.array(z.object({ version: z.number().int(), points: z.array(ServingPoint), totals: ServingTotals })),
  total: z.array(ServingPoint),
  totals: ServingTotals,
});
export type ServingSeries = z.infer<typeof ServingSeries>;
