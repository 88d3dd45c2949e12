/**
 * Sizes of relative noise in bins that are the same everywhere, so that counts of any hour, instance and gateway add up: eight to each factor
 * of ten between 1e-9 and 1e3, so that a bin's upper end is a third above its lower one, and one bin on either side. What is not above the first
 * edge counts as none at all.
 */
const binsPerDecade = 8;
const lowestDecade = -9;
const decades = 12;

/** Bin i holds what is above edge i − 1 and at most edge i. */
export const noiseEdges: readonly number[] = Array.from({ length: decades * binsPerDecade + 1 }, (_, at) => edgeAt(at));
export const noiseBinCount = noiseEdges.length + 1;

/** The largest relative noise that is told from a larger one; answers that cannot be compared at all count as this. */
export const mostRelative = 1e6;

export type NoiseBins = readonly number[];

/** Counts of nothing. */
export function emptyBins(): number[] {
  return new Array<number>(noiseBinCount).fill(0);
}

/** The bin of a relative noise; what is not a number counts among the largest. */
export function noiseBinOf(relative: number): number {
  if (Number.isNaN(relative)) return noiseBinCount - 1;
  let [low, high] = [0, noiseEdges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (relative <= (noiseEdges[middle] ?? Number.POSITIVE_INFINITY)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bins of measurements. */
export function binsOf(measured: Iterable<number>): number[] {
  const bins = emptyBins();
  for (const relative of measured) {
    const bin = noiseBinOf(relative);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins;
}

export function addBins(a: NoiseBins, b: NoiseBins): number[] {
  return Array.from({ length: noiseBinCount }, (_, bin) => (a[bin] ?? 0) + (b[bin] ?? 0));
}

export function countOf(bins: NoiseBins): number {
  return bins.reduce((sum, count) => sum + count, 0);
}

/** How many are surely above a limit: those in bins that lie above it as a whole. */
export function countAbove(bins: NoiseBins, limit: number): number {
  let count = 0;
  for (let bin = 1; bin < noiseBinCount; bin += 1) if ((noiseEdges[bin - 1] ?? 0) >= limit) count += bins[bin] ?? 0;
  return count;
}

/** The ends of the bin that the `rank`-th smallest lies in (1 is the smallest); undefined where there are fewer. */
export function binAtRank(bins: NoiseBins, rank: number): { readonly lower: number; readonly upper: number } | undefined {
  let below = 0;
  for (let bin = 0; bin < noiseBinCount; bin += 1) {
    below += bins[bin] ?? 0;
    if (below >= rank && below > 0)
      return { lower: bin === 0 ? 0 : (noiseEdges[bin - 1] ?? 0), upper: bin === 0 ? 0 : (noiseEdges[bin] ?? mostRelative) };
  }
  return undefined;
}

/** The rank that stands for a quantile of so many. */
export function rankOfQuantile(n: number, quantile: number): number {
  return Math.min(n, Math.max(1, Math.ceil(quantile * n)));
}

/** A quantile, as the middle of its bin on the scale of factors; null without measurements. */
export function binQuantile(bins: NoiseBins, quantile: number): number | null {
  const bin = binAtRank(bins, rankOfQuantile(countOf(bins), quantile));
  return bin === undefined ? null : Math.sqrt(bin.lower * bin.upper);
}

/** Whole decades as they are written, not as a power comes out: 1e-6 must be the limit that it says. */
function edgeAt(at: number): number {
  const decade = lowestDecade + at / binsPerDecade;
  return Number.isInteger(decade) ? Number(`1e${decade}`) : 10 ** decade;
}
