import type { Judgement, NoiseBaseline, NoiseProbe } from '@slipway/contracts';
import { binAtRank, binQuantile, countAbove, countOf, type NoiseBins, rankOfQuantile } from './noise-bins.js';
import type { NoiseTotals } from './noise-totals.js';
import type { ReplicaDetail } from './noise-window.js';
import { binomialTail, exceedanceTail } from './tail-probability.js';

/** The quantile of a window that is judged, and how many times the baseline's it may be. */
export const judgedQuantile = 0.95;
const factor = 3;
/** Chance of a false alarm of one window, at most. */
const mostLevel = 1e-3;
/** One judgement of jitter and one of another version an hour: what the alarms of a month are spread over. */
const windowsPerMonth = 720;
const rankedProbes = 2;

/**
 * Relative differences below which two answers are the same: of one input in one instance, run alone, what an unstable order of additions leaves of
 * 32-bit floats; and of answers from other batches or other processors, where the order of additions is another one altogether.
 */
export const tolerances = { repeat: 1e-6, natural: 1e-5, replica: 1e-5 } as const;
type ExactProbe = keyof typeof tolerances;
export type RankedProbe = Exclude<NoiseProbe, ExactProbe>;

/** One in so many measurements may differ without a word. */
const toleratedShare = 1e-3;
/** Measurements below which nothing is said. */
export const leastMeasurements: Readonly<Record<NoiseProbe, number>> = { repeat: 3, natural: 5, replica: 1, jitter: 20, version: 30 };
/** Below these a multiple of the baseline is a trifle: of the size of the prediction. */
const leastNoise: Readonly<Record<RankedProbe, number>> = { jitter: 1e-3, version: 1e-3 };

/** A baseline with its sizes: new measurements are ranked among them. */
export interface RankedBaseline extends NoiseBaseline {
  readonly bins: NoiseBins;
}

/** Chance of a false alarm that one ranked window may have. @param alarmsPerMonth what those of one version may bring (`allowedAlarms`) */
export function noiseLevel(alarmsPerMonth: number): number {
  return Math.min(mostLevel, alarmsPerMonth / (windowsPerMonth * rankedProbes));
}

export function isExact(probe: NoiseProbe): probe is ExactProbe {
  return probe in tolerances;
}

/**
 * Judges what ought to differ by nothing: an alarm when more measurements differ by more than the tolerance than one in a thousand explains.
 */
export function judgeExact(probe: 'repeat' | 'natural', totals: NoiseTotals): Judgement {
  const tolerance = tolerances[probe];
  const differing = countAbove(totals.bins, tolerance);
  const p = binomialTail(differing, totals.n, toleratedShare);
  const seen = measured(totals, tolerance);
  if (totals.n < leastMeasurements[probe] && p >= mostLevel) return tooFew(probe, seen);
  const what = probe === 'repeat' ? 'The same input, run over again in one instance,' : 'Inputs that callers sent more than once';
  const of = `${differing} of ${totals.n} ${probe === 'repeat' ? 'measurements' : 'inputs'}`;
  if (p < mostLevel) {
    const causes =
      probe === 'repeat' ? 'random operators, dropout left on, or mixed execution providers' : 'the model itself, or instances that differ';
    const reason = `${what} got different answers: ${of} differed by more than ${show(tolerance)} of the answer, 95 % by up to ${show(seen.value)} (${causes}).`;
    return { ...seen, verdict: 'alarm', reason };
  }
  return { ...seen, verdict: 'ok', reason: `${what} got the same answers: ${of} differed by more than ${show(tolerance)}.` };
}

/**
 * Judges instances of one revision against each other: an alarm from the first difference on, until they have agreed twice in a row.
 * @param isRandom the version differs from itself in one instance as well
 */
export function judgeReplicas(totals: NoiseTotals, details: readonly ReplicaDetail[], isRandom: boolean): Judgement {
  const seen = measured(totals, tolerances.replica);
  if (totals.n < leastMeasurements.replica) return tooFew('replica', seen);
  const differing = countAbove(totals.bins, tolerances.replica);
  const open = details.filter(({ differedAtMs, agreedInRow }) => differedAtMs !== undefined && agreedInRow < agreedToClear);
  if (differing > 0 && isRandom) {
    const reason = `Instances answered one input differently in ${differing} of ${totals.n} comparisons, but the version differs from itself in a single instance too.`;
    return { ...seen, verdict: 'insufficient', reason };
  }
  const [worst] = open;
  if (worst !== undefined) {
    const { groups = [] } = worst;
    const [most = [], ...others] = groups;
    const who = others.length === 0 ? '' : `: ${listed(others.flat())} against ${listed(most)}`;
    const reason = `Instances of one version answer the same input differently${who}, by up to ${show(totals.relativeMax)} of the answer: mixed files or broken weights.`;
    return { ...seen, value: totals.relativeMax, verdict: 'alarm', reason };
  }
  const since = differing === 0 ? '' : `, after ${differing} that did not`;
  return {
    ...seen,
    verdict: 'ok',
    reason: `All instances gave the same answer to the same input in ${totals.n - differing} of ${totals.n} comparisons${since}.`,
  };
}

const agreedToClear = 2;

/**
 * Judges noise that has a size of its own: an alarm when the window's 95 % quantile is above three times the baseline's, and more measurements than
 * chance allows rank above the baseline's quantile (`exceedanceTail`).
 * @param level chance of a false alarm; see `noiseLevel`
 */
export function judgeRanked(probe: RankedProbe, totals: NoiseTotals, baseline: RankedBaseline | undefined, level: number): Judgement {
  const references = baseline === undefined ? 0 : countOf(baseline.bins);
  const rank = rankOfQuantile(references, judgedQuantile);
  const bin = baseline === undefined ? undefined : binAtRank(baseline.bins, rank);
  const limit = bin === undefined ? null : Math.max(leastNoise[probe], factor * bin.upper);
  const seen = measured(totals, limit);
  const what = probe === 'jitter' ? 'Answers to slightly disturbed inputs' : 'Answers of both versions to the same inputs';
  if (limit === null || bin === undefined || baseline === undefined) {
    return {
      ...seen,
      verdict: 'insufficient',
      reason: `${what} are apart by up to ${show(seen.value)} (95 %), and it is not known yet what is usual.`,
    };
  }
  if (totals.n < leastMeasurements[probe]) return tooFew(probe, seen);
  const above = countAbove(totals.bins, bin.upper);
  const p = exceedanceTail(above, totals.n, rank, references);
  const quantile = binAtRank(totals.bins, rankOfQuantile(totals.n, judgedQuantile))?.lower ?? 0;
  const facts = `95 % by up to ${show(seen.value)} of the answer, usual ${show(baseline.p95)} (${baselineNames[baseline.source]}, ${references} measurements)`;
  const test = `${above} of ${totals.n} above what 95 % were below, p ${show(p)}`;
  if (quantile > limit && p < level) return { ...seen, verdict: 'alarm', reason: `${what} are further apart than they were: ${facts}; ${test}.` };
  return { ...seen, verdict: 'ok', reason: `${what} are as far apart as usual: ${facts}; ${test}.` };
}

const baselineNames = {
  expected: 'expected',
  reference: 'on reference rows',
  validation: 'when validated',
  learned: 'learned from its first hours',
} as const;

function measured(totals: NoiseTotals, threshold: number | null): Omit<Judgement, 'verdict' | 'reason'> {
  const { bins, n } = totals;
  const value = binQuantile(bins, judgedQuantile);
  // Order statistics around the quantile: 95 % by the normal law of their rank.
  const spread = 1.96 * Math.sqrt(n * judgedQuantile * (1 - judgedQuantile));
  const low = binAtRank(bins, Math.max(1, Math.floor(judgedQuantile * n - spread)))?.lower;
  const high = binAtRank(bins, Math.min(n, Math.ceil(judgedQuantile * n + spread) + 1))?.upper;
  const interval: [number, number] | null = low === undefined || high === undefined ? null : [low, high];
  return { value, interval, n, threshold };
}

function tooFew(probe: NoiseProbe, seen: Omit<Judgement, 'verdict' | 'reason'>): Judgement {
  const what = {
    repeat: 'repeats',
    natural: 'inputs that came more than once',
    replica: 'comparisons of instances',
    jitter: 'measurements',
    version: 'comparisons',
  };
  return { ...seen, verdict: 'insufficient', reason: `${seen.n} ${what[probe]} so far; from ${leastMeasurements[probe]} on they are judged.` };
}

/** For a sentence: two significant digits, no long zeros. */
function show(value: number | null): string {
  if (value === null) return 'nothing';
  return value === 0 ? '0' : Number(value.toPrecision(2)).toString();
}

function listed(instances: readonly string[]): string {
  return instances.length <= 3 ? instances.join(', ') : `${instances.slice(0, 3).join(', ')} and ${instances.length - 3} more`;
}
