export type Interval = readonly [number, number];

/** Two-sided 95 % of the normal distribution. */
export const z95 = 1.959963984540054;

/** Wilson score interval of a proportion, 95 % (E. B. Wilson, 1927): inside [0, 1] and usable for small samples and proportions of 0 and 1. */
export function wilsonInterval(successes: number, n: number): Interval {
  if (n === 0) return [0, 1];
  const share = successes / n;
  const centre = (share + (z95 * z95) / (2 * n)) / (1 + (z95 * z95) / n);
  const half = (z95 / (1 + (z95 * z95) / n)) * Math.sqrt((share * (1 - share)) / n + (z95 * z95) / (4 * n * n));
  // At the ends the exact bound is the end itself; rounding would leave it by an ulp.
  return [successes === 0 ? 0 : Math.max(0, centre - half), successes === n ? 1 : Math.min(1, centre + half)];
}

/** 95 % interval of an estimate with a normal error, cut off where the quantity ends. */
export function normalInterval(value: number, standardError: number, [least, most]: Interval = [-Infinity, Infinity]): Interval {
  return [Math.max(least, value - z95 * standardError), Math.min(most, value + z95 * standardError)];
}

/**
 * Interval of the mean of independent values from their own intervals, by recovering variances from the limits (MOVER; Zou and Donner,
 * 2008): the distances to the limits add up in squares.
 * @param weights of the values; unstated: all the same
 */
export function meanOfIntervals(parts: readonly { readonly value: number; readonly interval: Interval }[], weights?: readonly number[]): Interval {
  const weightOf = (index: number) => weights?.[index] ?? (weights === undefined ? 1 : 0);
  const total = parts.reduce((sum, _, index) => sum + weightOf(index), 0);
  if (total === 0) return [0, 1];
  const mean = parts.reduce((sum, { value }, index) => sum + weightOf(index) * value, 0) / total;
  const apart = (bound: 0 | 1) =>
    Math.sqrt(parts.reduce((sum, { value, interval }, index) => sum + (weightOf(index) * (value - interval[bound])) ** 2, 0)) / total;
  return [Math.max(0, mean - apart(0)), Math.min(1, mean + apart(1))];
}
