import type { SloMetric } from '@slipway/contracts';

/** What an objective calls good. */
export type Goal =
  | { readonly kind: 'availability' }
  | { readonly kind: 'latency'; readonly thresholdMs: number }
  | { readonly kind: 'quality'; readonly metric: SloMetric; readonly threshold: number };

/** A service level objective: a share of good events over a period. */
export interface Objective {
  readonly name: string;
  readonly goal: Goal;
  /** Share of good events, from 0 to 1. */
  readonly target: number;
  readonly periodDays: number;
}

/** Events of a span. `uncertain`: at most so many of `bad` may be good, or of the others bad, since they were counted in buckets. */
export interface EventCounts {
  readonly bad: number;
  readonly valid: number;
  readonly uncertain?: number;
}
