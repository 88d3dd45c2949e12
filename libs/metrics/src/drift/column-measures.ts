import type { ColumnCounts, ColumnLayout } from '@slipway/contracts';
import { chiSquareHomogeneity } from './chi-square-homogeneity.js';
import { kolmogorovSmirnovOfBins } from './kolmogorov-smirnov.js';
import { hellingerDistance, jensenShannonDistance, largestShareChange, totalVariation } from './share-distances.js';
import { type BinnedValues, wassersteinOfBins } from './wasserstein-distance.js';

/** The same comparison in the measures that people know from elsewhere: shown, not judged. Null where a measure has no answer. */
export interface ColumnMeasures {
  /** Numbers only: D from the bins (a lower bound) and its p. */
  readonly ks: number | null;
  readonly ksP: number | null;
  /** Numbers only: Wasserstein-1 in standard deviations of the reference, and what it would be without drift. */
  readonly wasserstein: number | null;
  readonly wassersteinNoise: number | null;
  /** Base 2. */
  readonly jensenShannon: number | null;
  readonly hellinger: number | null;
  readonly chiSquare: number | null;
  readonly chiSquareP: number | null;
  readonly cramersV: number | null;
  readonly largestShareChange: number | null;
  readonly totalVariation: number | null;
}

/** All measures over the frozen bins of a column. @param sd of the reference's values, where it is known better than from its counts */
export function columnMeasures(layout: ColumnLayout, reference: ColumnCounts, window: ColumnCounts, sd?: number | null): ColumnMeasures {
  const [first, second] = [reference.bins, window.bins];
  const isNumeric = layout.kind === 'numeric' && layout.edges !== undefined;
  const finite = reference.n - reference.missing - reference.infinite;
  const ks = isNumeric ? kolmogorovSmirnovOfBins(first, second, 'stephens') : undefined;
  const own = sd ?? (finite > 0 ? Math.sqrt(reference.m2 / finite) : undefined);
  const wasserstein = isNumeric ? wassersteinOfBins(binned(layout, reference), binned(layout, window), own) : undefined;
  const chiSquare = chiSquareHomogeneity(first, second);
  return {
    ks: ks?.value ?? null,
    ksP: ks?.p ?? null,
    wasserstein: wasserstein?.normalised ?? null,
    wassersteinNoise: wasserstein?.noise ?? null,
    jensenShannon: jensenShannonDistance(first, second).value,
    hellinger: hellingerDistance(first, second).value,
    chiSquare: chiSquare.value,
    chiSquareP: chiSquare.p,
    cramersV: chiSquare.cramersV,
    largestShareChange: largestShareChange(first, second).value,
    totalVariation: totalVariation(first, second).value,
  };
}

/** Counts with a place for each bin: the middle of inner bins, half-way to the extreme for the outer ones. */
function binned({ edges = [] }: ColumnLayout, { bins, min, max }: ColumnCounts): BinnedValues {
  const means = bins.map((_, bin) => {
    const low = bin === 0 ? Math.min(min ?? edges[0] ?? 0, edges[0] ?? 0) : (edges[bin - 1] ?? 0);
    const high = bin === edges.length ? Math.max(max ?? low, low) : (edges[bin] ?? low);
    return Number.isFinite(high) ? low + (high - low) / 2 : low;
  });
  return { counts: bins, means };
}
