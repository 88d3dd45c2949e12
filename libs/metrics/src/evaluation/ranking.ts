import { type Weights, weightOf } from './labelled-rows.js';
import { StableSum } from './stable-sum.js';

/** Scores in ascending order, found once and used for every resample. */
export interface RankedScores {
  readonly scores: Float64Array;
  /** Places in `scores`, by ascending score; equal scores in their own order. */
  readonly order: Int32Array;
}

export function rankScores(scores: Float64Array): RankedScores {
  const order = Int32Array.from(scores.keys()).sort((a, b) => at(scores, a) - at(scores, b) || a - b);
  return { scores, order };
}

/**
 * Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half (Mann–Whitney with mid-ranks;
 * `monitoring.md` 6.7). Undefined with one class only.
 */
export function rocAuc({ scores, order }: RankedScores, isPositive: Uint8Array, weights?: Weights): number | undefined {
  let positives = 0;
  let negatives = 0;
  let wins = 0;
  eachTie(scores, order, (from, to) => {
    const tie = countTie(order, from, to, isPositive, weights);
    wins += tie.positives * (negatives + tie.negatives / 2);
    positives += tie.positives;
    negatives += tie.negatives;
  });
  return positives === 0 || negatives === 0 ? undefined : wins / positives / negatives;
}

/**
 * Variance of the area under the ROC curve from how the areas of single rows vary (E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, 1988).
 * Undefined with fewer than two rows of a side.
 */
export function rocAucVariance({ scores, order }: RankedScores, isPositive: Uint8Array, weights?: Weights): number | undefined {
  let positives = 0;
  let negatives = 0;
  const ties: { readonly positives: number; readonly negatives: number }[] = [];
  eachTie(scores, order, (from, to) => {
    const tie = countTie(order, from, to, isPositive, weights);
    positives += tie.positives;
    negatives += tie.negatives;
    ties.push(tie);
  });
  if (positives < 2 || negatives < 2) return undefined;
  const [ofPositives, ofNegatives] = [new Spread(), new Spread()];
  let [positivesBelow, negativesBelow] = [0, 0];
  for (const tie of ties) {
    ofPositives.add((negativesBelow + tie.negatives / 2) / negatives, tie.positives);
    ofNegatives.add((positives - positivesBelow - tie.positives / 2) / positives, tie.negatives);
    positivesBelow += tie.positives;
    negativesBelow += tie.negatives;
  }
  return ofPositives.variance / positives + ofNegatives.variance / negatives;
}

/** Average precision Σ (Rᵢ − Rᵢ₋₁)·Pᵢ at distinct thresholds, without interpolation. Undefined without positives. */
export function averagePrecision({ scores, order }: RankedScores, isPositive: Uint8Array, weights?: Weights): number | undefined {
  const area = new StableSum();
  let found = 0;
  let taken = 0;
  for (let to = order.length; to > 0; ) {
    let from = to - 1;
    while (from > 0 && at(scores, at(order, from - 1)) === at(scores, at(order, to - 1))) from -= 1;
    const tie = countTie(order, from, to, isPositive, weights);
    found += tie.positives;
    taken += tie.positives + tie.negatives;
    if (tie.positives > 0) area.add((tie.positives * found) / taken);
    to = from;
  }
  return found === 0 ? undefined : area.value / found;
}

function eachTie(scores: Float64Array, order: Int32Array, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && at(scores, at(order, to)) === at(scores, at(order, from))) to += 1;
    visit(from, to);
    from = to;
  }
}

function countTie(order: Int32Array, from: number, to: number, isPositive: Uint8Array, weights: Weights) {
  let positives = 0;
  let negatives = 0;
  for (let place = from; place < to; place += 1) {
    const index = at(order, place);
    const weight = weightOf(weights, index);
    if (isPositive[index] === 1) positives += weight;
    else negatives += weight;
  }
  return { positives, negatives };
}

function at(values: Float64Array | Int32Array, index: number): number {
  return values[index] ?? 0;
}

/** Variance of values that each count so many times (B. P. Welford, 1962, with weights). */
class Spread {
  private n = 0;
  private mean = 0;
  private m2 = 0;

  add(value: number, weight: number): void {
    if (weight === 0) return;
    this.n += weight;
    const apart = value - this.mean;
    this.mean += (apart * weight) / this.n;
    this.m2 += weight * apart * (value - this.mean);
  }

  get variance(): number {
    return this.n < 2 ? 0 : this.m2 / (this.n - 1);
  }
}
