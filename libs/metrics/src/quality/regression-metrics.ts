import type { Estimate } from './classification-metrics.js';
import { meanInterval } from './intervals.js';

/** Sums over rows of the error e = predicted − true; they add up over windows. */
export interface ErrorSums {
  readonly n: number;
  readonly absolute: number;
  readonly squared: number;
  /** Of the fourth power: gives the spread of the squared error. */
  readonly fourth: number;
}

/** Adds up sums of windows. */
export function addErrorSums(all: readonly ErrorSums[]): ErrorSums {
  const sum = (pick: (sums: ErrorSums) => number) => all.reduce((total, sums) => total + pick(sums), 0);
  return { n: sum((one) => one.n), absolute: sum((one) => one.absolute), squared: sum((one) => one.squared), fourth: sum((one) => one.fourth) };
}

/** Mean absolute error with the normal interval of the mean; null without rows. */
export function meanAbsoluteError(sums: ErrorSums): Estimate | null {
  if (sums.n === 0) return null;
  const [low, high] = meanInterval(sums.absolute, sums.squared, sums.n);
  return { value: sums.absolute / sums.n, interval: [Math.max(0, low), high] };
}

/** Root mean squared error; its interval is that of the mean squared error, rooted; null without rows. */
export function rootMeanSquaredError(sums: ErrorSums): Estimate | null {
  if (sums.n === 0) return null;
  const [low, high] = meanInterval(sums.squared, sums.fourth, sums.n);
  return { value: Math.sqrt(sums.squared / sums.n), interval: [Math.sqrt(Math.max(0, low)), Math.sqrt(high)] };
}
