import type { NoiseBaseline, NoiseBudget, NoisePoint, NoiseProbe, NoiseProbeSeries } from '@slipway/contracts';
import { noiseProbes } from '@slipway/contracts';
import { iso, type SeriesFrame } from '../series/series-frame.js';
import { isExact, tolerances } from './judge-noise.js';
import { type KnownNoise, rankedBaseline } from './noise-baseline.js';
import { binQuantile } from './noise-bins.js';
import { addTotals, type NoiseTotals, noTotals } from './noise-totals.js';
import { noiseWindowMs } from './noise-window.js';
import type { NoiseHour } from './noise-window.store.js';

/** Series of a deployment's noise: one per probe and version that was measured, a point per step that has measurements. */
export function noiseSeries(hours: readonly NoiseHour[], frame: SeriesFrame, known: ReadonlyMap<number, KnownNoise>): NoiseProbeSeries[] {
  const versions = [...new Set(hours.map(({ version }) => version))].sort((a, b) => a - b);
  return versions.flatMap((version) =>
    noiseProbes.flatMap((probe) => {
      const own = hours.filter((hour) => hour.version === version && hour.probe === probe);
      if (own.length === 0) return [];
      return [{ probe, version, baseline: baselineOf(probe, known.get(version)), points: pointsOf(own, frame) }];
    }),
  );
}

/** What measuring has cost. @param requests of callers in the same window */
export function noiseBudget(hours: readonly NoiseHour[], requests: number, percent: number): NoiseBudget {
  const { runs: extraRuns, canaryRuns } = hours.reduce((sum, { totals }) => addTotals(sum, totals), noTotals());
  return { requests, extraRuns, ratio: requests === 0 ? null : extraRuns / requests, canaryRuns, percent };
}

/** A frame whose steps are whole hours, since measurements are kept by the hour. */
export function hourlyFrame({ fromMs, toMs, stepSeconds }: SeriesFrame): SeriesFrame {
  const step = Math.ceil((stepSeconds * 1000) / noiseWindowMs) * noiseWindowMs;
  return { fromMs: Math.floor(fromMs / step) * step, toMs, stepSeconds: step / 1000 };
}

function baselineOf(probe: NoiseProbe, known: KnownNoise | undefined): NoiseBaseline | null {
  const own = known?.probes[probe];
  if (known !== undefined && own !== undefined) {
    const { n, p50, p95, flipRatio } = rankedBaseline(known, probe) ?? own;
    return { source: known.source, n, p50, p95, flipRatio };
  }
  return isExact(probe) ? { source: 'expected', n: 0, p50: 0, p95: tolerances[probe], flipRatio: 0 } : null;
}

function pointsOf(hours: readonly NoiseHour[], { fromMs, stepSeconds }: SeriesFrame): NoisePoint[] {
  const steps = new Map<number, NoiseTotals>();
  for (const { startAtMs, totals } of hours) {
    const atMs = startAtMs - ((startAtMs - fromMs) % (stepSeconds * 1000));
    steps.set(atMs, addTotals(steps.get(atMs) ?? noTotals(), totals));
  }
  return [...steps].sort(([a], [b]) => a - b).map(([atMs, totals]) => pointOf(atMs, totals));
}

function pointOf(atMs: number, { n, failed, runs, bins, relativeMax, varianceSum, labels, flips }: NoiseTotals): NoisePoint {
  return {
    at: iso(atMs),
    n,
    failed,
    runs,
    p50: binQuantile(bins, 0.5),
    p95: binQuantile(bins, 0.95),
    max: n === 0 ? null : relativeMax,
    meanVariance: n === 0 ? null : varianceSum / n,
    flipRatio: labels === 0 ? null : flips / labels,
  };
}
