import type { AnswerSpread } from './answer-spread.js';
import { addBins, emptyBins, noiseBinOf } from './noise-bins.js';

/** Sums over measurements of one probe; those of any sources add up. */
export interface NoiseTotals {
  /** Measurements. */
  readonly n: number;
  /** Those that came to nothing. */
  readonly failed: number;
  /** Runs of the model that were made for them, also for those that failed. */
  readonly runs: number;
  /** Those of `runs` that were made on kept inputs, whether or not there was traffic. */
  readonly canaryRuns: number;
  readonly labels: number;
  readonly flips: number;
  readonly varianceSum: number;
  readonly relativeSum: number;
  readonly relativeMax: number;
  readonly bins: readonly number[];
}

export function noTotals(): NoiseTotals {
  return { n: 0, failed: 0, runs: 0, canaryRuns: 0, labels: 0, flips: 0, varianceSum: 0, relativeSum: 0, relativeMax: 0, bins: emptyBins() };
}

/** Totals of one measurement. */
export function totalsOf({ variance, relative, labels, flips }: AnswerSpread): NoiseTotals {
  const bins = emptyBins();
  bins[noiseBinOf(relative)] = 1;
  return { ...noTotals(), n: 1, labels, flips, varianceSum: variance, relativeSum: relative, relativeMax: relative, bins };
}

export function addTotals(a: NoiseTotals, b: NoiseTotals): NoiseTotals {
  return {
    n: a.n + b.n,
    failed: a.failed + b.failed,
    runs: a.runs + b.runs,
    canaryRuns: a.canaryRuns + b.canaryRuns,
    labels: a.labels + b.labels,
    flips: a.flips + b.flips,
    varianceSum: a.varianceSum + b.varianceSum,
    relativeSum: a.relativeSum + b.relativeSum,
    relativeMax: Math.max(a.relativeMax, b.relativeMax),
    bins: addBins(a.bins, b.bins),
  };
}
