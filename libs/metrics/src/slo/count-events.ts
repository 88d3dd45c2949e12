import type { Outcome } from '@slipway/contracts';
import { errorShare } from '../series/error-share.js';
import { latencyEdges } from '../windows/latency-buckets.js';
import type { EventCounts, Goal } from './objective.js';

/** Sums of what was served in a span. */
export interface ServedCounts {
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Counts per bucket of `latencyEdges`. */
  readonly duration: readonly number[];
}

/**
 * Valid and bad requests of a span (`monitoring.md` 6.13). What the caller did wrong or took back is not valid; refusals for want of room,
 * timeouts and faults are bad. For a latency objective, slow answers are bad as well; requests that ended at their deadline are among the
 * slow ones already.
 */
export function countRequests(goal: Exclude<Goal, { kind: 'quality' }>, served: ServedCounts | undefined): EventCounts {
  if (served === undefined) return { bad: 0, valid: 0 };
  const { errors, valid } = errorShare(served.outcomes);
  if (goal.kind === 'availability') return { bad: errors, valid };
  const { slow, uncertain } = slowerThan(served.duration, goal.thresholdMs / 1000);
  const overdue = served.outcomes.deadline_exceeded ?? 0;
  return { bad: Math.min(valid, errors + Math.max(0, slow - overdue)), valid, uncertain };
}

/**
 * Requests slower than a time. Exact where the time is an edge of the buckets; inside a bucket its requests are taken as evenly spread, and all of
 * them are uncertain.
 */
export function slowerThan(counts: readonly number[], seconds: number): { readonly slow: number; readonly uncertain: number } {
  let slow = 0;
  let uncertain = 0;
  for (let bucket = 0; bucket <= latencyEdges.length; bucket += 1) {
    const count = counts[bucket] ?? 0;
    const lower = bucket === 0 ? 0 : (latencyEdges[bucket - 1] ?? 0);
    const upper = latencyEdges[bucket] ?? Number.POSITIVE_INFINITY;
    if (seconds <= lower) slow += count;
    else if (seconds < upper) {
      slow += upper === Number.POSITIVE_INFINITY ? count : (count * (upper - seconds)) / (upper - lower);
      uncertain = count;
    }
  }
  return { slow, uncertain };
}

/** An hour of labelled predictions, as an objective of quality sees it. */
export interface QualityHour {
  readonly endMs: number;
  /** Null where the metric could not be told, or of too few labels. */
  readonly value: number | null;
}

/** Hours in which the metric could be told, and those among them in which it did not hold. */
export function countHours(goal: Extract<Goal, { kind: 'quality' }>, hours: readonly QualityHour[]): EventCounts {
  const told = hours.flatMap(({ value }) => (value === null ? [] : [value]));
  const isError = goal.metric === 'mae' || goal.metric === 'rmse';
  return { valid: told.length, bad: told.filter((value) => (isError ? value > goal.threshold : value < goal.threshold)).length };
}
