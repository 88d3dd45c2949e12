import { type DistanceTest, emptySide, rowsOf } from './distance.js';
import { exactTwoSample, kolmogorovLimit, oneSampleTail } from './kolmogorov-law.js';

/** Up to so many pairs of rows the paths are counted one by one. */
const mostPairs = 1e6;

/**
 * How p is worked out. `exact`: two-sided path count. `asymptotic`: the exact law of one sample at the harmonic size round(nm/(n + m)), as scipy
 * does. `limit`: Kolmogorov's series. `stephens`: the series at t = D(√e + 0.12 + 0.11/√e), e = nm/(n + m). `auto`: exact up to nm = 10⁶, else
 * asymptotic.
 */
export type SmirnovMethod = 'auto' | 'exact' | 'asymptotic' | 'limit' | 'stephens';

export interface SmirnovTest extends DistanceTest {
  /** Values left out because they are not finite. */
  readonly excluded: number;
}

/**
 * Two-sample Kolmogorov–Smirnov distance D = sup |F − G| of samples, evaluated after the last of equal values (`monitoring.md` 6.2). For discrete
 * data (≤ 20 distinct values) p is conservative and χ² the better question.
 */
export function kolmogorovSmirnov(reference: ArrayLike<number>, window: ArrayLike<number>, method: SmirnovMethod = 'auto'): SmirnovTest {
  const a = sortedFinite(reference);
  const b = sortedFinite(window);
  const rows = { n: a.length, m: b.length };
  const excluded = reference.length + window.length - rows.n - rows.m;
  const empty = emptySide(rows);
  if (empty !== undefined) return { ...empty, p: null, excluded };
  const distance = largestGap(a, b);
  return { value: distance, ...rows, status: 'ok', p: smirnovTail(distance, rows.n, rows.m, method), excluded };
}

export interface BinnedSmirnovTest extends DistanceTest {
  /** D of the samples themselves is at most `value + bound`: inside a bin neither function rises by more than the bin's share. */
  readonly bound: number | null;
}

/** The same from counts in ordered bins: D at the edges, which is a lower bound, so that p is conservative. */
export function kolmogorovSmirnovOfBins(reference: readonly number[], window: readonly number[], method: SmirnovMethod = 'auto'): BinnedSmirnovTest {
  const rows = rowsOf(reference, window);
  const empty = emptySide(rows);
  if (empty !== undefined) return { ...empty, p: null, bound: null };
  let [first, second, distance, bound] = [0, 0, 0, 0];
  for (const [bin, count] of reference.entries()) {
    const other = window[bin] ?? 0;
    first += count;
    second += other;
    distance = Math.max(distance, Math.abs(first / rows.n - second / rows.m));
    bound = Math.max(bound, count / rows.n, other / rows.m);
  }
  return { value: distance, ...rows, status: 'ok', p: smirnovTail(distance, rows.n, rows.m, method), bound: Math.min(bound, 1 - distance) };
}

/** Chance of a two-sample distance as large as `distance` between samples of n and m rows of one continuous distribution. */
export function smirnovTail(distance: number, n: number, m: number, method: SmirnovMethod = 'auto'): number {
  if (distance <= 0) return 1;
  const harmonic = (n * m) / (n + m);
  switch (method) {
    case 'exact':
      return exactTwoSample(distance, n, m);
    case 'asymptotic':
      return oneSampleTail(distance, Math.max(1, Math.round(harmonic)));
    case 'limit':
      return kolmogorovLimit(Math.sqrt(harmonic) * distance);
    case 'stephens':
      return kolmogorovLimit(distance * (Math.sqrt(harmonic) + 0.12 + 0.11 / Math.sqrt(harmonic)));
    case 'auto':
      return smirnovTail(distance, n, m, n * m <= mostPairs && Number.isInteger(n) && Number.isInteger(m) ? 'exact' : 'asymptotic');
  }
}

function largestGap(a: Float64Array, b: Float64Array): number {
  let [i, j, gap] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const at = Math.min(a[i] ?? 0, b[j] ?? 0);
    while (i < a.length && a[i] === at) i += 1;
    while (j < b.length && b[j] === at) j += 1;
    gap = Math.max(gap, Math.abs(i / a.length - j / b.length));
  }
  return gap;
}

/** The finite values in ascending order. */
export function sortedFinite(values: ArrayLike<number>): Float64Array {
  const finite = new Float64Array(values.length);
  let count = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (value === undefined || !Number.isFinite(value)) continue;
    finite[count] = value;
    count += 1;
  }
  return finite.subarray(0, count).sort();
}
