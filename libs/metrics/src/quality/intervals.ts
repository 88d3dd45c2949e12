export type Interval = readonly [number, number];

/** Two-sided 95 % of the normal distribution. */
const z = 1.959963984540054;

/** Wilson score interval of a proportion, 95 % (E. B. Wilson, 1927): inside [0, 1] and usable for small samples and proportions of 0 and 1. */
export function wilsonInterval(successes: number, n: number): Interval {
  if (n === 0) return [0, 1];
  const share = successes / n;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  // At the ends the exact bound is the end itself; rounding would leave it by an ulp.
  return [successes === 0 ? 0 : Math.max(0, centre - half), successes === n ? 1 : Math.min(1, centre + half)];
}

/** Normal interval of a mean from its sums, 95 %. */
export function meanInterval(sum: number, sumOfSquares: number, n: number): Interval {
  const mean = sum / n;
  const variance = n < 2 ? 0 : Math.max(0, (sumOfSquares - n * mean * mean) / (n - 1));
  const half = z * Math.sqrt(variance / n);
  return [mean - half, mean + half];
}

/**
 * Interval of the plain mean of independent values from their own intervals, by recovering variances from the limits (MOVER; Zou and Donner,
 * 2008): the distances to the limits add up in squares.
 */
export function meanOfIntervals(parts: readonly { readonly value: number; readonly interval: Interval }[]): Interval {
  const mean = parts.reduce((sum, { value }) => sum + value, 0) / parts.length;
  const below = Math.sqrt(parts.reduce((sum, { value, interval }) => sum + (value - interval[0]) ** 2, 0)) / parts.length;
  const above = Math.sqrt(parts.reduce((sum, { value, interval }) => sum + (interval[1] - value) ** 2, 0)) / parts.length;
  return [Math.max(0, mean - below), Math.min(1, mean + above)];
}
