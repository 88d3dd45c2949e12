import type { ColumnCounts } from '@slipway/contracts';

/** Moments of finite values. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  readonly m2: number;
}

/** Moments of both together. Values so large that their squares are beyond a double leave the largest one. */
export function addMoments(a: Moments, b: Moments): Moments {
  if (b.n === 0) return a;
  if (a.n === 0) return b;
  const n = a.n + b.n;
  // Halves first: the distance of two doubles may be more than a double holds.
  const delta = b.mean - a.mean;
  const mean = Number.isFinite(delta) ? a.mean + delta * (b.n / n) : a.mean * (a.n / n) + b.mean * (b.n / n);
  return { n, mean, m2: Math.min(a.m2 + b.m2 + delta * delta * ((a.n / n) * b.n), Number.MAX_VALUE) };
}

/** How many of a column's values are finite: what its moments are of. */
export function finiteOf({ n, missing, infinite }: Pick<ColumnCounts, 'n' | 'missing' | 'infinite'>): number {
  return n - missing - infinite;
}
