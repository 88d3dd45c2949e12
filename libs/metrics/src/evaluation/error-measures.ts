import { type RegressedRows, type Weights, weightOf } from './labelled-rows.js';
import { StableSum } from './stable-sum.js';

const epsilon = 2 ** -52;

/** Rows with an answer, and what does not change from one resample to the next. */
export interface ErrorRows {
  readonly truth: Float64Array;
  readonly predicted: Float64Array;
  /** Places of the rows by ascending absolute error. */
  readonly byError: Int32Array;
}

/** The rows that have an answer. */
export function errorRows({ truth, predicted }: RegressedRows): ErrorRows {
  const answered = (_: number, row: number) => Number.isFinite(predicted[row] ?? Number.NaN);
  const [kept, said] = [truth.filter(answered), predicted.filter(answered)];
  const errors = kept.map((value, row) => Math.abs((said[row] ?? 0) - value));
  const byError = Int32Array.from(kept.keys()).sort((a, b) => (errors[a] ?? 0) - (errors[b] ?? 0) || a - b);
  return { truth: kept, predicted: said, byError };
}

export const meanAbsolute = (rows: ErrorRows, weights?: Weights) => meanOf(rows, weights, (y, f) => Math.abs(f - y));
export const meanSquared = (rows: ErrorRows, weights?: Weights) => meanOf(rows, weights, (y, f) => (f - y) ** 2);
/** Mean of predicted − true. */
export const meanError = (rows: ErrorRows, weights?: Weights) => meanOf(rows, weights, (y, f) => f - y);

export function rootMeanSquared(rows: ErrorRows, weights?: Weights): number | undefined {
  const mean = meanSquared(rows, weights);
  return mean === undefined ? undefined : Math.sqrt(mean);
}

/** Half of the absolute errors are below; the mean of the middle two where their number is even. */
export function medianAbsolute({ truth, predicted, byError }: ErrorRows, weights?: Weights): number | undefined {
  let total = 0;
  for (const row of byError) total += weightOf(weights, row);
  if (total === 0) return undefined;
  const [lower, upper] = [Math.ceil(total / 2), Math.floor(total / 2) + 1];
  let seen = 0;
  let low: number | undefined;
  for (const row of byError) {
    seen += weightOf(weights, row);
    const error = Math.abs((predicted[row] ?? 0) - (truth[row] ?? 0));
    if (low === undefined && seen >= lower) low = error;
    if (low !== undefined && seen >= upper) return lower === upper ? error : (low + error) / 2;
  }
  return low;
}

/** R² = 1 − SSE/SST. Undefined when all true values are one and the same (scikit-learn gives 0 or 1 there), and below two rows. */
export function determination(rows: ErrorRows, weights?: Weights): number | undefined {
  const spread = spreadOfTruth(rows, weights);
  const squared = meanSquared(rows, weights);
  return spread === undefined || squared === undefined ? undefined : 1 - squared / spread;
}

/** 1 − variance of the error / variance of the true values: R² without the blame for a constant bias. */
export function explainedVariance(rows: ErrorRows, weights?: Weights): number | undefined {
  const spread = spreadOfTruth(rows, weights);
  const bias = meanError(rows, weights);
  if (spread === undefined || bias === undefined) return undefined;
  const variance = meanOf(rows, weights, (y, f) => (f - y - bias) ** 2) ?? 0;
  return 1 - variance / spread;
}

/** Σ|e| / Σ|y|; undefined when all true values are 0. */
export function weightedAbsolutePercentage(rows: ErrorRows, weights?: Weights): number | undefined {
  const size = meanOf(rows, weights, (y) => Math.abs(y));
  const error = meanAbsolute(rows, weights);
  return size === undefined || size === 0 || error === undefined ? undefined : error / size;
}

/** Mean of |e| / max(|y|, ε), as scikit-learn has it: it explodes where a true value is near 0. */
export const meanAbsolutePercentage = (rows: ErrorRows, weights?: Weights) =>
  meanOf(rows, weights, (y, f) => Math.abs(f - y) / Math.max(Math.abs(y), epsilon));

/** Whether a mean of percentages says anything: no |y| is below 1 % of their median (`monitoring.md` 6.8). */
export function percentagesMakeSense({ truth }: ErrorRows): boolean {
  const sizes = truth.map(Math.abs).sort();
  const { length } = sizes;
  const median = length % 2 === 1 ? (sizes[(length - 1) / 2] ?? 0) : ((sizes[length / 2 - 1] ?? 0) + (sizes[length / 2] ?? 0)) / 2;
  return (sizes[0] ?? 0) >= 0.01 * median && median > 0;
}

function spreadOfTruth(rows: ErrorRows, weights: Weights): number | undefined {
  const mean = meanOf(rows, weights, (y) => y);
  if (mean === undefined) return undefined;
  const spread = meanOf(rows, weights, (y) => (y - mean) ** 2) ?? 0;
  return spread === 0 ? undefined : spread;
}

function meanOf({ truth, predicted }: ErrorRows, weights: Weights, termOf: (truth: number, predicted: number) => number): number | undefined {
  const sum = new StableSum();
  let n = 0;
  for (let row = 0; row < truth.length; row += 1) {
    const weight = weightOf(weights, row);
    if (weight === 0) continue;
    sum.add(weight * termOf(truth[row] ?? 0, predicted[row] ?? 0));
    n += weight;
  }
  return n === 0 ? undefined : sum.value / n;
}
