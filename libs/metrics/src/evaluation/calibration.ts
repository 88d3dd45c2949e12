import { type Weights, weightOf } from './labelled-rows.js';
import type { RankedScores } from './ranking.js';
import { StableSum } from './stable-sum.js';

export const calibrationBins = 10;
/** The inner edges as numpy's `linspace` has them. */
const innerEdges = Array.from({ length: calibrationBins - 1 }, (_, index) => (index + 1) * 0.1);

/** Rows of about the same score: how sure the model was, and how often it was right to be. */
export interface ReliabilityBin {
  /** The lowest and the highest score in it. */
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly meanScore: number;
  readonly observedShare: number;
}

/**
 * Bins of equal width: [0, 0.1], (0.1, 0.2] … (0.9, 1]. Empty ones are left out.
 * @param isTrue whether what the score speaks of was so
 */
export function equalWidthBins(ranked: RankedScores, isTrue: Uint8Array, weights?: Weights): ReliabilityBin[] {
  const bins = Array.from({ length: calibrationBins }, () => new BinSums());
  for (const index of ranked.order) {
    const score = ranked.scores[index] ?? 0;
    let bin = 0;
    while (bin < innerEdges.length && score > (innerEdges[bin] ?? 1)) bin += 1;
    bins[bin]?.add(score, isTrue[index] === 1, weightOf(weights, index));
  }
  return bins.filter((bin) => bin.n > 0).map((bin) => bin.close());
}

/** Bins of equally many rows, by ascending score; where they do not divide evenly the first ones have one more, as numpy's `array_split`. */
export function equalMassBins(ranked: RankedScores, isTrue: Uint8Array, weights?: Weights): ReliabilityBin[] {
  let total = 0;
  for (const index of ranked.order) total += weightOf(weights, index);
  const bins = Array.from({ length: calibrationBins }, () => new BinSums());
  const roomOf = (bin: number) => Math.floor(total / calibrationBins) + (bin < total % calibrationBins ? 1 : 0);
  let bin = 0;
  for (const index of ranked.order) {
    let left = weightOf(weights, index);
    while (left > 0) {
      const sums = bins[bin];
      if (sums === undefined) break;
      const part = Math.min(left, roomOf(bin) - sums.n);
      if (part > 0) sums.add(ranked.scores[index] ?? 0, isTrue[index] === 1, part);
      left -= part;
      if (sums.n >= roomOf(bin)) bin += 1;
    }
  }
  return bins.filter((each) => each.n > 0).map((each) => each.close());
}

/** Expected calibration error Σ (nᵦ/N)·|mean score − share observed|; undefined without rows. */
export function calibrationError(bins: readonly ReliabilityBin[]): number | undefined {
  const total = bins.reduce((sum, bin) => sum + bin.n, 0);
  if (total === 0) return undefined;
  const error = new StableSum();
  for (const bin of bins) error.add((bin.n / total) * Math.abs(bin.meanScore - bin.observedShare));
  return error.value;
}

class BinSums {
  n = 0;
  private readonly scores = new StableSum();
  private truths = 0;
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;

  add(score: number, isTrue: boolean, weight: number): void {
    if (weight === 0) return;
    this.n += weight;
    this.scores.add(weight * score);
    if (isTrue) this.truths += weight;
    this.low = Math.min(this.low, score);
    this.high = Math.max(this.high, score);
  }

  close(): ReliabilityBin {
    return { low: this.low, high: this.high, n: this.n, meanScore: this.scores.value / this.n, observedShare: this.truths / this.n };
  }
}
