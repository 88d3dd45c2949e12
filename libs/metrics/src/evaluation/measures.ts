import type { Measure } from '@slipway/contracts';
import type { Interval } from '../quality/intervals.js';

/** A value with what is known of its error. Values that are no numbers do not leave this library. */
export function measured(value: number, interval: Interval | undefined, n: number): Measure {
  if (!Number.isFinite(value)) return undefinedMeasure(n, 'the value is too large to be told');
  const bounds: [number, number] | null = interval?.every((bound) => Number.isFinite(bound)) ? [interval[0], interval[1]] : null;
  return { value, interval: bounds, n, status: 'ok', reason: null };
}

export function undefinedMeasure(n: number, reason: string): Measure {
  return { value: null, interval: null, n, status: 'undefined', reason };
}

/** There is a value, but nobody should judge by it. */
export function insufficient(measure: Measure, reason: string): Measure {
  return measure.status === 'ok' ? { ...measure, status: 'insufficient', reason } : measure;
}
