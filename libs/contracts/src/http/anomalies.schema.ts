import { z } from 'zod';
import { JudgementView, SeriesFrame } from './monitoring.schema.js';
import { Instant } from './paging.schema.js';

/** Series of a deployment that are watched for anomalies, in windows of five minutes. */
export const anomalySeries = ['traffic', 'error_ratio', 'latency_p50', 'latency_p95', 'cpu', 'memory', 'prediction_mean', 'labels'] as const;
export type AnomalySeriesName = (typeof anomalySeries)[number];

/** How the expected value was found: from the same time of earlier days, or from the last values where fewer than two days are known. */
export const expectationKinds = ['season', 'recent'] as const;
export type ExpectationKind = (typeof expectationKinds)[number];

export const AnomalyPoint = z.object({
  at: Instant,
  /** Null where nothing was measured: a gap, not a zero. */
  value: z.number().nullable(),
  expected: z.number().nullable(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  /** How rare: 3 is rarer than 1 in 1 000 of what this series did before. */
  score: z.number().nullable(),
  isAnomaly: z.boolean(),
});
export type AnomalyPoint = z.infer<typeof AnomalyPoint>;

export const AnomalySeries = SeriesFrame.extend({
  series: z.array(
    z.object({
      name: z.enum(anomalySeries),
      unit: z.string(),
      points: z.array(AnomalyPoint),
    }),
  ),
  /** Those that end in the span, the oldest first. */
  judgements: z.array(JudgementView),
});
export type AnomalySeries = z.infer<typeof AnomalySeries>;
