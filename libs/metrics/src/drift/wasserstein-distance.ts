import { type Distance, emptySide, rowsOf } from './distance.js';
import { sortedFinite } from './kolmogorov-smirnov.js';

export interface Wasserstein extends Distance {
  /** Divided by the reference's standard deviation (population; at least 0.001·|median| and 1e-9). */
  readonly normalised: number | null;
  /** What `normalised` averages without drift: 1.25·√(1/n + 1/m), for features of any shape (`monitoring.md` 6.3). */
  readonly noise: number | null;
  /** Values left out because they are not finite. */
  readonly excluded: number;
}

/** Wasserstein-1 distance ∫|F − G|dx of two samples, in the unit of the feature. */
export function wassersteinDistance(reference: ArrayLike<number>, window: ArrayLike<number>): Wasserstein {
  const a = sortedFinite(reference);
  const b = sortedFinite(window);
  const rows = { n: a.length, m: b.length };
  const excluded = reference.length + window.length - rows.n - rows.m;
  const empty = emptySide(rows);
  if (empty !== undefined) return { ...empty, normalised: null, noise: null, excluded };
  const median = ((a[(rows.n - 1) >> 1] ?? 0) + (a[rows.n >> 1] ?? 0)) / 2;
  return finished(areaBetweenSorted(a, b), spread(a), median, { ...rows, excluded });
}

/** Counts in bins with the mean of the values in each; the mean of an empty bin is not looked at. */
export interface BinnedValues {
  readonly counts: readonly number[];
  readonly means: readonly number[];
}

/**
 * The same from counts in bins, every bin's rows taken to lie at its own stored mean, also in the outer, open bins. The reference's standard
 * deviation is that of the bins unless given, so give it where it is known.
 */
export function wassersteinOfBins(reference: BinnedValues, window: BinnedValues, sd?: number): Wasserstein {
  const rows = rowsOf(reference.counts, window.counts);
  const empty = emptySide(rows);
  if (empty !== undefined) return { ...empty, normalised: null, noise: null, excluded: 0 };
  const own = atoms(reference, rows.n);
  const points = [...own.map(([at, share]): Step => [at, share, 0]), ...atoms(window, rows.m).map(([at, share]): Step => [at, 0, share])];
  const mean = own.reduce((sum, [at, share]) => sum + at * share, 0);
  const binned = Math.sqrt(own.reduce((sum, [at, share]) => sum + share * (at - mean) ** 2, 0));
  return finished(areaBetween(points), sd ?? binned, medianOf(own), { ...rows, excluded: 0 });
}

/** A value and how much the two distribution functions rise there. */
type Step = readonly [at: number, first: number, second: number];

function areaBetween(points: readonly Step[]): number {
  const sorted = [...points].sort((one, other) => one[0] - other[0]);
  let [first, second, area] = [0, 0, 0];
  for (const [index, [at, up, otherUp]] of sorted.entries()) {
    first += up;
    second += otherUp;
    const next = sorted[index + 1]?.[0];
    if (next !== undefined) area += Math.abs(first - second) * (next - at);
  }
  return area;
}

/** The same of two sorted samples, without making steps of them. */
function areaBetweenSorted(a: Float64Array, b: Float64Array): number {
  let [i, j, area] = [0, 0, 0];
  let at = Math.min(a[0] ?? 0, b[0] ?? 0);
  while (i < a.length || j < b.length) {
    const next = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY);
    area += Math.abs(i / a.length - j / b.length) * (next - at);
    at = next;
    while (i < a.length && a[i] === at) i += 1;
    while (j < b.length && b[j] === at) j += 1;
  }
  return area;
}

function finished(value: number, sd: number, median: number, counts: { n: number; m: number; excluded: number }): Wasserstein {
  const normalised = value / Math.max(sd, 0.001 * Math.abs(median), 1e-9);
  return { value, normalised, noise: wassersteinNoise(counts.n, counts.m), ...counts, status: 'ok' };
}

/** Mean of the normalised distance without drift. */
export function wassersteinNoise(n: number, m: number): number {
  return 1.25 * Math.sqrt(1 / n + 1 / m);
}

function spread(values: Float64Array): number {
  let [mean, squares] = [0, 0];
  for (const [index, value] of values.entries()) {
    const before = mean;
    mean += (value - mean) / (index + 1);
    squares += (value - before) * (value - mean);
  }
  return Math.sqrt(squares / values.length);
}

function atoms({ counts, means }: BinnedValues, total: number): [number, number][] {
  return counts.flatMap((count, bin): [number, number][] => {
    if (count === 0) return [];
    const at = means[bin];
    if (at === undefined || !Number.isFinite(at)) throw new RangeError(`expected a finite mean of bin ${bin}, given ${at}`);
    return [[at, count / total]];
  });
}

function medianOf(own: readonly (readonly [number, number])[]): number {
  let below = 0;
  for (const [at, share] of [...own].sort((one, other) => one[0] - other[0])) {
    below += share;
    if (below >= 0.5) return at;
  }
  return own.at(-1)?.[0] ?? 0;
}
