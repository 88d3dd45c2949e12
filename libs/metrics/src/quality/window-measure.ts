import type { Estimate } from './classification-metrics.js';
import type { Interval } from './intervals.js';

/** A metric of a window. */
export interface WindowMeasure {
  readonly value: number | null;
  /** 95 %; null where none can be given. */
  readonly interval: Interval | null;
  /** Rows it was measured over. */
  readonly n: number;
  /** Why it has no value, as the end of a sentence; null where it has one. */
  readonly why: string | null;
  /** How far the value may be from that of the rows themselves, because they were counted in bins; 0: not at all. */
  readonly bound: number;
}

/** Values that are no numbers do not leave this library. */
export function measureOf(estimate: { readonly value: number; readonly interval: Interval | null }, n: number, bound = 0): WindowMeasure {
  const { value, interval } = estimate;
  if (!Number.isFinite(value)) return noMeasure('it is too large to be told', n);
  return { value, interval: interval?.every((end) => Number.isFinite(end)) ? interval : null, n, why: null, bound };
}

export function noMeasure(why: string, n = 0): WindowMeasure {
  return { value: null, interval: null, n, why, bound: 0 };
}

export function measureOr(estimate: Estimate | null, n: number, why: string): WindowMeasure {
  return estimate === null ? noMeasure(why, n) : measureOf(estimate, n);
}
