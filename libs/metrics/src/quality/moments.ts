/**
 * Count, mean and sum of squared deviations of some values. Two of them merge without the cancellation that sums of squares suffer from
 * (T. F. Chan, G. H. Golub and R. J. LeVeque, 1979), and what was merged can be taken out again.
 */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** Σ(x − mean)². */
  readonly m2: number;
}

/** No row counts less than once, whatever it stands for: what is left below this is rounding. */
export const leastCount = 0.5;

export const noMoments: Moments = { n: 0, mean: 0, m2: 0 };

/** With one value more. */
export function addValue({ n, mean, m2 }: Moments, value: number): Moments {
  const apart = value - mean;
  const next = mean + apart / (n + 1);
  return { n: n + 1, mean: next, m2: m2 + apart * (value - next) };
}

/** Both together. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const n = a.n + b.n;
  if (a.n === 0 || n === 0) return n === 0 ? noMoments : b;
  if (b.n === 0) return a;
  const apart = b.mean - a.mean;
  return { n, mean: a.mean + (apart * b.n) / n, m2: a.m2 + b.m2 + (apart * apart * a.n * b.n) / n };
}

/** What is left of `all` without `part`, which must be in it. */
export function removeMoments(all: Moments, part: Moments): Moments {
  const n = all.n - part.n;
  if (n < leastCount) return noMoments;
  const mean = all.mean + ((all.mean - part.mean) * part.n) / n;
  const apart = part.mean - mean;
  // Rounding may leave a hair less than nothing.
  return { n, mean, m2: n === 1 ? 0 : Math.max(0, all.m2 - part.m2 - (apart * apart * n * part.n) / all.n) };
}

/** As if every value were there `factor` times as often. */
export function scaleMoments({ n, mean, m2 }: Moments, factor: number): Moments {
  return { n: n * factor, mean, m2: m2 * factor };
}

export function sumOfMoments({ n, mean }: Moments): number {
  return n * mean;
}

/** Σx². */
export function squaresOf({ n, mean, m2 }: Moments): number {
  return m2 + n * mean * mean;
}

/** Unbiased variance of the values; 0 below two. */
export function varianceOf({ n, m2 }: Moments): number {
  return n < 2 ? 0 : m2 / (n - 1);
}
