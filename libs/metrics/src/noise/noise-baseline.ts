import type { NoiseBaseline, NoiseProbe, NoiseReference } from '@slipway/contracts';
import type { RankedBaseline } from './judge-noise.js';
import { addBins, binQuantile, countOf, emptyBins } from './noise-bins.js';
import type { NoiseHour } from './noise-window.store.js';

/** What is known of a version's noise from before it served. */
export interface KnownNoise {
  readonly source: 'reference' | 'validation';
  readonly probes: NoiseReference;
}

/** Measurements that are enough to say what is usual. */
export const learnedMeasurements = 100;

/** A baseline among whose sizes new measurements can be ranked; undefined where none was taken, or only its quantiles are known. */
export function rankedBaseline(known: KnownNoise | undefined, probe: NoiseProbe): RankedBaseline | undefined {
  const own = known?.probes[probe];
  if (known === undefined || own?.bins === undefined || countOf(own.bins) === 0) return undefined;
  const { n, p50, p95, flipRatio, bins } = own;
  return { source: known.source, n, p50, p95, flipRatio, bins };
}

/**
 * Adds hours to the sizes that were seen so far, until there are enough to say what is usual; from then on they stay as they are. Hours are not
 * judged by what is learned from them.
 * @param hours those that have ended since the last time
 */
export function learnBaseline(
  before: readonly number[] | undefined,
  hours: readonly NoiseHour[],
): { readonly bins: number[]; readonly baseline: RankedBaseline | undefined } {
  let bins = [...(before ?? emptyBins())];
  if (countOf(bins) >= learnedMeasurements) return { bins, baseline: learned(bins) };
  for (const { totals } of hours) if (countOf(bins) < learnedMeasurements) bins = addBins(bins, totals.bins);
  return { bins, baseline: undefined };
}

function learned(bins: readonly number[]): RankedBaseline {
  const baseline: NoiseBaseline = {
    source: 'learned',
    n: countOf(bins),
    p50: binQuantile(bins, 0.5) ?? 0,
    p95: binQuantile(bins, 0.95) ?? 0,
    flipRatio: null,
  };
  return { ...baseline, bins };
}
