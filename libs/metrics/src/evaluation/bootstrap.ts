import type { Interval } from '../quality/intervals.js';
import type { Weights } from './labelled-rows.js';
import { seededRandom } from './seeded-random.js';
import { StableSum } from './stable-sum.js';

/** Metrics by name, of rows that count as often as the weights say; undefined where one has no value. */
export type Statistics = (weights: Weights) => Readonly<Record<string, number | undefined>>;

/** Two-sided 95 % of the normal distribution. */
const z = 1.959963984540054;
const share = 0.95;
/** Work that one bootstrap may cost, in rows times columns looked at. */
const budget = 1e8;
/** From this many resamples on their own quantiles are the limits. */
const quantilesFrom = 200;

/** How many resamples are affordable: never fewer than 30, which are enough for a standard error. */
export function resamplesFor(rows: number, columns: number, most: number): number {
  return Math.max(30, Math.min(most, Math.floor(budget / Math.max(1, rows * columns))));
}

/**
 * Values of metrics over resamples of `count` rows with replacement (B. Efron, 1979). All metrics see the same resamples, so differences of
 * two of them are paired. The same seed gives the same values. A resample in which a metric has no value is left out of its list.
 */
export function bootstrap(
  count: number,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
  statistics: Statistics,
): Map<string, number[]> {
  const values = new Map<string, number[]>();
  if (count === 0) return values;
  const random = seededRandom(seed);
  const weights = new Uint32Array(count);
  for (let resample = 0; resample < resamples; resample += 1) {
    weights.fill(0);
    for (let draw = 0; draw < count; draw += 1) {
      const row = Math.floor(random() * count);
      weights[row] = (weights[row] ?? 0) + 1;
    }
    for (const [name, value] of Object.entries(statistics(weights))) {
      const list = values.get(name) ?? [];
      if (value !== undefined) list.push(value);
      values.set(name, list);
    }
  }
  return values;
}

/**
 * 95 % interval from the values over resamples: their quantiles, or, from few of them, the value and their standard deviation.
 * Undefined when more than half of the resamples had no value.
 */
export function intervalOf(value: number, resampled: readonly number[], resamples: number): Interval | undefined {
  if (resampled.length < resamples / 2 || resampled.length < 2) return undefined;
  if (resamples >= quantilesFrom) {
    const sorted = Float64Array.from(resampled).sort();
    return [Math.min(value, quantile(sorted, (1 - share) / 2)), Math.max(value, quantile(sorted, (1 + share) / 2))];
  }
  const mean = sumOf(resampled) / resampled.length;
  const variance = sumOf(resampled.map((each) => (each - mean) ** 2)) / (resampled.length - 1);
  return [value - z * Math.sqrt(variance), value + z * Math.sqrt(variance)];
}

/** Two-sided p-value of "no difference" from differences over resamples: how often they fall on the other side of 0, never below 1/(B + 1). */
export function bootstrapP(differences: readonly number[]): number {
  const below = differences.filter((difference) => difference <= 0).length;
  const above = differences.filter((difference) => difference >= 0).length;
  return Math.min(1, (2 * (Math.min(below, above) + 1)) / (differences.length + 1));
}

/** Linear between the two nearest, as numpy's default. */
function quantile(sorted: Float64Array, at: number): number {
  const place = at * (sorted.length - 1);
  const lower = sorted[Math.floor(place)] ?? 0;
  const upper = sorted[Math.ceil(place)] ?? 0;
  return lower + (upper - lower) * (place - Math.floor(place));
}

function sumOf(values: readonly number[]): number {
  const sum = new StableSum();
  for (const value of values) sum.add(value);
  return sum.value;
}
