import { type ClassifiedRows, type Scores, type Weights, weightOf } from './labelled-rows.js';
import { StableSum } from './stable-sum.js';

/** The smallest probability that counts, numpy's machine epsilon of float64: the worst row costs −ln(2.22·10⁻¹⁶) = 36.04. */
const epsilon = 2 ** -52;

/** Mean over the rows of a loss that each of them has by itself. */
export function meanOver(rows: Int32Array, lossOf: (row: number) => number, weights?: Weights): number | undefined {
  const sum = new StableSum();
  let n = 0;
  for (const [index, row] of rows.entries()) {
    const weight = weightOf(weights, index);
    if (weight === 0) continue;
    sum.add(weight * lossOf(row));
    n += weight;
  }
  return n === 0 ? undefined : sum.value / n;
}

/** −ln of the probability of the true class, in nats; probabilities are kept within [ε, 1 − ε]. */
export function logLossOf({ truth, scores }: Pick<ClassifiedRows, 'truth'> & { readonly scores: Scores }): (row: number) => number {
  return (row) => {
    const own = truth[row] ?? 0;
    // A class that the model has no score for is one that it holds to be impossible.
    const probability = own < scores.columns ? scoreAt(scores, row, own) : 0;
    return -Math.log(Math.min(1 - epsilon, Math.max(epsilon, probability)));
  };
}

/**
 * Brier score of a row. With a positive class (two classes): (p − y)² of its probability p, 0 to 1. Else the sum over classes, 0 to 2.
 * @param positive place of the positive class; undefined where there is none
 */
export function brierOf({ truth, scores }: Pick<ClassifiedRows, 'truth'> & { readonly scores: Scores }, positive?: number): (row: number) => number {
  if (positive !== undefined) return (row) => (scoreAt(scores, row, positive) - (truth[row] === positive ? 1 : 0)) ** 2;
  return (row) => {
    const sum = new StableSum();
    for (let column = 0; column < scores.columns; column += 1) sum.add((scoreAt(scores, row, column) - (column === truth[row] ? 1 : 0)) ** 2);
    if ((truth[row] ?? 0) >= scores.columns) sum.add(1);
    return sum.value;
  };
}

/**
 * Place of the true class among the scores, from 0. Equal scores: the later class first, as scikit-learn's `top_k_accuracy_score` has it.
 */
export function rankOfTruth({ truth, scores }: Pick<ClassifiedRows, 'truth'> & { readonly scores: Scores }): (row: number) => number {
  return (row) => {
    const own = truth[row] ?? 0;
    if (own >= scores.columns) return scores.columns;
    const score = scoreAt(scores, row, own);
    let rank = 0;
    for (let column = 0; column < scores.columns; column += 1) {
      const other = scoreAt(scores, row, column);
      if (other > score || (other === score && column > own)) rank += 1;
    }
    return rank;
  };
}

export function scoreAt(scores: Scores, row: number, column: number): number {
  return scores.values[row * scores.columns + column] ?? Number.NaN;
}

/** Whether a row has a score for every class. */
export function isScored(scores: Scores, row: number): boolean {
  for (let column = 0; column < scores.columns; column += 1) if (!Number.isFinite(scoreAt(scores, row, column))) return false;
  return true;
}

/** Whether the scores of a row are probabilities: none outside of [0, 1], and together 1 as far as 32-bit numbers can tell. */
export function isDistribution(scores: Scores, row: number): boolean {
  let sum = 0;
  for (let column = 0; column < scores.columns; column += 1) {
    const score = scoreAt(scores, row, column);
    if (score < 0 || score > 1) return false;
    sum += score;
  }
  return Math.abs(sum - 1) <= 1e-3;
}
