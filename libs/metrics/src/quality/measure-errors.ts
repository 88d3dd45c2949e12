import { errorRows, medianAbsolute, percentagesMakeSense } from '../evaluation/error-measures.js';
import { sizeOfBin, valueBinError } from './count-bins.js';
import { type Interval, normalInterval, z95 } from './intervals.js';
import type { ScoredRows } from './measure-scores.js';
import { type Moments, squaresOf, varianceOf } from './moments.js';
import type { ErrorCounts, QualityCounts } from './quality-counts.js';
import { measureOf, noMeasure, type WindowMeasure } from './window-measure.js';

const noRows = 'no labelled row has a prediction';
const sameTruth = 'all true values are one and the same';
const names = ['mae', 'rmse', 'medae', 'bias', 'r2', 'explainedVariance', 'wape', 'mape'] as const;

/** Metrics of a regression (`monitoring.md` 6.8). */
export function measureErrors({ errors }: QualityCounts, rows?: ScoredRows): Record<string, WindowMeasure> {
  if (errors === null || errors.error.n === 0) return Object.fromEntries(names.map((name) => [name, noMeasure(noRows)]));
  const { n } = errors.error;
  return {
    mae: measureOf(meanOf(errors.absolute, [0, Infinity]), n),
    rmse: measureOf(rootOf(errors.squared), n),
    medae: median(errors, rows),
    bias: measureOf(meanOf(errors.error), n),
    r2: determination(errors, squaresOf(errors.error)),
    explainedVariance: determination(errors, errors.error.m2),
    wape: weightedPercentage(errors),
    mape: percentage(errors, rows),
  };
}

function meanOf(moments: Moments, within?: Interval): { value: number; interval: Interval } {
  return { value: moments.mean, interval: normalInterval(moments.mean, Math.sqrt(varianceOf(moments) / moments.n), within) };
}

/** The interval is that of the mean square, rooted. */
function rootOf(squared: Moments): { value: number; interval: Interval } {
  const { value, interval } = meanOf(squared, [0, Infinity]);
  return { value: Math.sqrt(value), interval: [Math.sqrt(interval[0]), Math.sqrt(interval[1])] };
}

/**
 * 1 − `unexplained` / Σ(y − ȳ)². Undefined when all true values are one and the same (scikit-learn gives 0 or 1 there). The interval is that of a squared
 * correlation with normal errors (I. Olkin and J. D. Finn, 1995): a first word, no more, where errors are far from normal.
 */
function determination({ truth }: ErrorCounts, unexplained: number): WindowMeasure {
  const { n, m2 } = truth;
  // What rounding leaves of equal values is no spread.
  if (!(m2 > n * (Math.abs(truth.mean) * 2 ** -50) ** 2)) return noMeasure(sameTruth, n);
  const value = 1 - unexplained / m2;
  const standardError = Math.sqrt((4 * Math.max(0, value) * (1 - value) ** 2) / n);
  return measureOf({ value, interval: value > 0 && n > 3 ? normalInterval(value, standardError, [-Infinity, 1]) : null }, n);
}

/** Σ|e| / Σ|y|; its interval by the delta method for a ratio of means. */
function weightedPercentage({ absolute, size, product }: ErrorCounts): WindowMeasure {
  const { n } = absolute;
  if (!(size.mean > 0)) return noMeasure('all true values are 0', n);
  const value = absolute.mean / size.mean;
  const covariance = product.mean - absolute.mean * size.mean;
  const variance = Math.max(0, absolute.m2 / n - 2 * value * covariance + value * value * (size.m2 / n));
  return measureOf({ value, interval: normalInterval(value, Math.sqrt(variance / n) / size.mean, [0, Infinity]) }, n);
}

/** Hidden where a true value is below 1 % of their median, since a mean of percentages would say nothing. */
function percentage(errors: ErrorCounts, rows: ScoredRows | undefined): WindowMeasure {
  const makesSense = rows === undefined ? binsMakeSense(errors.sizeBins) : percentagesMakeSense(errorRows(rows.values));
  if (!makesSense) return noMeasure('a true value is below 1 % of their median, and percentages of it would say nothing', errors.error.n);
  return measureOf(meanOf(errors.percentage, [0, Infinity]), errors.error.n);
}

function binsMakeSense(bins: Readonly<Record<string, number>>): boolean {
  const sizes = sortedSizes(bins);
  const least = sizes[0]?.size ?? 0;
  const middle = sizeAt(sizes, 0.5);
  return middle > 0 && least >= 0.01 * middle;
}

/** The interval: order statistics whose ranks are those of a binomial with p = ½. */
function median({ absoluteBins, error: { n } }: ErrorCounts, rows: ScoredRows | undefined): WindowMeasure {
  const sizes = sortedSizes(absoluteBins);
  const half = (z95 * Math.sqrt(n)) / 2 / n;
  const interval: Interval = [sizeAt(sizes, Math.max(0, 0.5 - half)), sizeAt(sizes, Math.min(1, 0.5 + half))];
  const exact = rows === undefined ? undefined : medianAbsolute(errorRows(rows.values));
  if (exact !== undefined) return measureOf({ value: exact, interval: [Math.min(exact, interval[0]), Math.max(exact, interval[1])] }, n);
  const value = sizeAt(sizes, 0.5);
  return measureOf({ value, interval }, n, value * valueBinError);
}

/** The size in the middle of what was counted. */
export function medianSize(bins: Readonly<Record<string, number>>): number {
  return sizeAt(sortedSizes(bins), 0.5);
}

interface Size {
  readonly size: number;
  readonly count: number;
}

function sortedSizes(bins: Readonly<Record<string, number>>): Size[] {
  return Object.entries(bins)
    .map(([bin, count]) => ({ size: sizeOfBin(bin), count }))
    .sort((a, b) => a.size - b.size);
}

function sizeAt(sizes: readonly Size[], share: number): number {
  const total = sizes.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { size, count } of sizes) {
    seen += count;
    if (seen >= share * total) return size;
  }
  return sizes.at(-1)?.size ?? 0;
}
