import type { ColumnLayout } from '@slipway/contracts';
import { chiSquareHomogeneity } from './chi-square-homogeneity.js';
import { normalTails } from './gamma-tail.js';
import { type JudgedCounts, type JudgingBins, judgingBins, referenceBins } from './judging-bins.js';
import { populationStabilityIndex, stabilityNoise } from './population-stability-index.js';

/** Rows that every bin needs for a judgement (`monitoring.md` 7). */
const rowsPerBin = 20;
/** And a column of few bins all the same. */
const fewestRows = 100;

/** What a window says about a column, before any limit. */
export interface ColumnComparison {
  /** Rows of the window and of what it is compared with. */
  readonly n: number;
  readonly referenceRows: number;
  /** Rows that a judgement needs. */
  readonly neededRows: number;
  /** Both keys, or why there are none. */
  readonly keys: ComparedKeys | undefined;
  readonly why?: string;
}

export interface ComparedKeys {
  readonly psi: number;
  /** What the index would be without drift, on average. */
  readonly noise: number;
  /** Size: the index without its noise; may be negative. */
  readonly effect: number;
  /** About where the effect lies, 95 %. */
  readonly interval: readonly [number, number];
  /** Significance: chance of as much difference in shape, place or spread, when nothing has changed. */
  readonly p: number;
}

/**
 * Compares a column's counts with those of its reference (or of earlier days). Size is PSI without the mean of its noise (B − 1)(1/n + 1/m).
 * Significance asks the same bins three ways and corrects for asking thrice: χ² homogeneity sees any shape, and for numbers the Mann–Whitney
 * and Mood scores of the bins see a shift and a change of spread, with the power of one degree of freedom. The reference counts as one draw.
 */
export function compareColumn(kind: ColumnLayout['kind'], reference: JudgedCounts, window: JudgedCounts): ColumnComparison {
  const neededRows = rowsNeeded(kind, reference);
  const rows = { n: window.n, referenceRows: reference.n, neededRows };
  if (reference.n < neededRows) return { ...rows, keys: undefined, why: `the reference has ${reference.n} rows of it, ${neededRows} are needed` };
  if (window.n < neededRows) return { ...rows, keys: undefined, why: `${window.n} rows are too few, ${neededRows} are needed` };
  const bins = judgingBins(kind, reference, window);
  if (bins.reference.length < 2) return { ...rows, keys: { psi: 0, noise: 0, effect: 0, interval: [0, 0], p: 1 } };
  return { ...rows, keys: keysOf(bins) };
}

/** Rows of a window without which nothing is judged: twenty for each bin, a hundred at least. */
export function rowsNeeded(kind: ColumnLayout['kind'], reference: JudgedCounts): number {
  return Math.max(fewestRows, rowsPerBin * referenceBins(kind, reference));
}

/** Two standard deviations of a normal law hold 95 %. */
const z95 = 1.959963984540054;

function keysOf(bins: JudgingBins): ComparedKeys {
  const [n, m] = [total(bins.reference), total(bins.window)];
  const psi = populationStabilityIndex(bins.reference, bins.window).value ?? 0;
  const noise = stabilityNoise(bins.reference.length, n, m);
  const effect = psi - noise;
  const scale = 1 / n + 1 / m;
  // A noncentral χ² of B − 1 degrees of freedom and noncentrality effect/scale, as far as two moments tell.
  const sd = scale * Math.sqrt(2 * (bins.reference.length - 1) + (4 * Math.max(0, effect)) / scale);
  return { psi, noise, effect, interval: [Math.max(0, effect - z95 * sd), Math.max(0, effect + z95 * sd)], p: significance(bins) };
}

function significance({ reference, window, ordered }: JudgingBins): number {
  const shape = chiSquareHomogeneity(reference, window, { pool: false }).p ?? 1;
  if (ordered < 3) return shape;
  const { location, spread } = rankScores(reference.slice(0, ordered), window.slice(0, ordered));
  return Math.min(1, 3 * Math.min(shape, location, spread));
}

/** p of a shift (H. Mann and D. Whitney, 1947) and of a change of spread (A. Mood, 1954, freed of the shift) from mid-ranks of ordered bins. */
function rankScores(reference: readonly number[], window: readonly number[]): { location: number; spread: number } {
  const [n, m] = [total(reference), total(window)];
  const weights = reference.map((count, bin) => (count + (window[bin] ?? 0)) / (n + m));
  let before = 0;
  const ranks = weights.map((weight) => {
    before += weight;
    return before - weight / 2 - 0.5;
  });
  const squares = ranks.map((rank) => rank * rank);
  const variance = covariance(weights, ranks, ranks);
  const slope = variance > 0 ? covariance(weights, squares, ranks) / variance : 0;
  const residuals = squares.map((square, bin) => square - slope * (ranks[bin] ?? 0));
  const tails = (scores: readonly number[]) => {
    const spreadOfScores = covariance(weights, scores, scores);
    if (!(spreadOfScores > 1e-12)) return 1;
    const difference = scores.reduce((sum, score, bin) => sum + score * ((window[bin] ?? 0) / m - (reference[bin] ?? 0) / n), 0);
    return normalTails(difference / Math.sqrt(spreadOfScores * (1 / n + 1 / m)));
  };
  return { location: tails(ranks), spread: tails(residuals) };
}

function covariance(weights: readonly number[], a: readonly number[], b: readonly number[]): number {
  let [meanA, meanB, product] = [0, 0, 0];
  for (let bin = 0; bin < weights.length; bin += 1) {
    const weight = weights[bin] ?? 0;
    meanA += weight * (a[bin] ?? 0);
    meanB += weight * (b[bin] ?? 0);
    product += weight * (a[bin] ?? 0) * (b[bin] ?? 0);
  }
  return product - meanA * meanB;
}

function total(counts: readonly number[]): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}
