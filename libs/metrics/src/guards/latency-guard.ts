import type { GuardJudgement, GuardOutcome, SideEvidence } from '@slipway/contracts';
import { latencyBucketCount, latencyEdges, latencyQuantile, sumOf } from '../windows/latency-buckets.js';
import { alarmLevel, passLevel } from './alarm-budget.js';
import type { GuardInput } from './guard-input.js';
import { count, type GuardTest, moreUntil, neededWords, percent, verdictOf } from './guard-test.js';
import { evidenceAbove, evidenceBelow, logSumExp, type Proportion } from './proportion-evidence.js';
import { evidenceForStage, evidenceSinceAnyStage, type RolloutCourse } from './rollout-course.js';

/** Bucket counts of both sides in one stage. */
interface Latencies {
  readonly candidate: readonly number[];
  readonly stable: readonly number[];
}

interface LatencyGuard {
  readonly guard: string;
  readonly mode: GuardJudgement['mode'];
  readonly quantile: number;
  readonly maxRatio: number;
  readonly minIncrease: number;
  readonly stages: readonly Latencies[];
  readonly alarmLevel: number;
  readonly passLevel: number;
  readonly planned: number;
  /** Share of the candidate's requests that may be slower than allowed when it moves on. */
  readonly passShare: number;
  readonly nextStep: string;
  /** The model's own time, where nobody waits for the candidate's answers. */
  readonly isCompute: boolean;
}

/** One guard per quantile of the plan: the time to answer, or the model's own time as long as the candidate only gets copies. */
export function latencyTests(input: GuardInput, course: RolloutCourse): GuardTest[] {
  const { mode, quantiles, maxRatio, minIncreaseMs } = input.plan.guards.latency;
  if (mode === 'off') return [];
  const isCompute = !course.isLive;
  const stages = course.stages.map(({ candidate, shadow, stable }) =>
    isCompute || (candidate.requests === 0 && shadow.requests > 0) ? take(shadow, stable, 'compute') : take(candidate, stable, 'duration'),
  );
  return quantiles.map((quantile) =>
    latencyTest({
      guard: `latency-p${Number((quantile * 100).toPrecision(6))}`,
      mode,
      quantile,
      maxRatio,
      minIncrease: minIncreaseMs / 1000,
      stages,
      alarmLevel: alarmLevel(input.plan) / quantiles.length,
      passLevel: passLevel(input.plan),
      planned: course.planned,
      passShare: Math.max(1 - quantile, Math.min(0.1, (1 - quantile) / course.nextShare)),
      nextStep: course.nextStep,
      isCompute,
    }),
  );
}

const take = (candidate: SideEvidence, stable: SideEvidence, what: 'duration' | 'compute'): Latencies => ({
  candidate: candidate[what],
  stable: stable[what],
});

function latencyTest(guard: LatencyGuard): GuardTest {
  return { guard: guard.guard, mode: guard.mode, fails: () => fails(guard, guard.stages), judge: () => judge(guard) };
}

function judge(guard: LatencyGuard): GuardJudgement {
  const present = guard.stages.at(-1) ?? { candidate: [], stable: [] };
  const outcome = decide(guard);
  const candidate = { n: sumOf(present.candidate), value: latencyQuantile(present.candidate, guard.quantile) };
  const stable = { n: sumOf(present.stable), value: latencyQuantile(present.stable, guard.quantile) };
  const needed = outcome === 'pass' || outcome === 'fail' ? 0 : requestsNeeded(guard);
  return {
    guard: guard.guard,
    mode: guard.mode,
    outcome,
    verdict: verdictOf(outcome),
    unit: 'ratio',
    value: candidate.value === null || stable.value === null ? null : candidate.value / stable.value,
    interval: intervalOf(guard, present),
    n: candidate.n,
    threshold: guard.maxRatio,
    candidate,
    stable,
    smallestVisible: smallestVisible(guard, stable.value),
    requestsNeeded: needed,
    reason: sentence(guard, { outcome, candidate, stable, needed }),
  };
}

function decide(guard: LatencyGuard): GuardOutcome {
  if (fails(guard, guard.stages)) return 'fail';
  return passes(guard, guard.stages) ? 'pass' : 'not_enough_evidence';
}

function fails(guard: LatencyGuard, stages: readonly Latencies[]): boolean {
  // Not slower as observed in any stage: its evidence is at most 1 and needs no calculation.
  if (!stages.some((stage) => looksSlower(guard, stage))) return false;
  return (
    evidenceSinceAnyStage(
      stages.map((stage) => evidenceOfSlower(guard, stage)),
      guard.planned,
    ) >= Math.log(1 / guard.alarmLevel)
  );
}

/** A median is proven by ten requests, but those ten may have come in the same second. */
const fewestForPass = 30;

/** Whether more than 1 − q of the candidate's requests are above the edge that belongs to stable's quantile as observed. */
function looksSlower(guard: LatencyGuard, { candidate, stable }: Latencies): boolean {
  const quantile = latencyQuantile(stable, guard.quantile);
  if (quantile === null) return false;
  const { n, hits } = slowerThan(candidate, firstEdgeFrom(allowed(guard, firstEdgeFrom(quantile))));
  return hits > (1 - guard.quantile) * n;
}

/**
 * Proven as far as buckets reach, and the quantiles, read off inside their buckets, are within the limit too: a difference smaller than a bucket
 * can be seen only so.
 */
function passes(guard: LatencyGuard, stages: readonly Latencies[]): boolean {
  const present = stages.at(-1);
  if (present === undefined) return false;
  const candidate = latencyQuantile(present.candidate, guard.quantile);
  const stable = latencyQuantile(present.stable, guard.quantile);
  if (candidate === null || stable === null || candidate > allowed(guard, stable)) return false;
  if (Math.min(sumOf(present.candidate), sumOf(present.stable)) < fewestForPass) return false;
  return evidenceForStage(stages.map((stage) => evidenceOfNotSlower(guard, stage))) >= Math.log(1 / guard.passLevel);
}

/** The most that the candidate's quantile may be when stable's is this. */
const allowed = (guard: LatencyGuard, stable: number): number => Math.max(stable * guard.maxRatio, stable + guard.minIncrease);

/**
 * Log evidence that the candidate's quantile is above what stable's allows.
 *
 * Stable's true quantile lies in some bucket, which is unknown. If in the one that ends at u, then at most 1 − q of the candidate's requests are
 * slower than the first edge e ≥ allowed(u), and at least 1 − q of stable's are slower than the bucket's lower edge: both are tested as shares
 * (bounds of quantiles by shares at fixed points: Howard and Ramdas, "Sequential estimation of quantiles", Bernoulli 2022). The smallest over
 * all buckets is valid whichever is the true one; no correction for the number of buckets is needed.
 */
function evidenceOfSlower(guard: LatencyGuard, stage: Latencies): number {
  return leastOverBuckets(
    stage,
    (upper) => evidenceAbove(slowerThan(stage.candidate, firstEdgeFrom(allowed(guard, upper))), 1 - guard.quantile),
    (lower) => evidenceBelow(slowerThan(stage.stable, lower), 1 - guard.quantile),
  );
}

/** Log evidence that at most `passShare` of the candidate's requests are slower than that edge. */
function evidenceOfNotSlower(guard: LatencyGuard, stage: Latencies): number {
  return leastOverBuckets(
    stage,
    (upper) => evidenceBelow(slowerThan(stage.candidate, firstEdgeFrom(allowed(guard, upper))), guard.passShare),
    (_lower, upper) => evidenceAbove(slowerThan(stage.stable, upper), 1 - guard.quantile),
  );
}

/** The smallest evidence over the buckets, the open one among them, in which stable's quantile may lie. */
function leastOverBuckets(stage: Latencies, ofCandidate: (upper: number) => number, ofStable: (lower: number, upper: number) => number): number {
  if (sumOf(stage.candidate) === 0 || sumOf(stage.stable) === 0) return 0;
  let least = Number.POSITIVE_INFINITY;
  for (let bucket = 0; bucket < latencyBucketCount; bucket += 1) {
    const upper = latencyEdges[bucket] ?? Number.POSITIVE_INFINITY;
    const candidate = ofCandidate(upper);
    const stable = ofStable(lowerEdge(bucket), upper);
    least = Math.min(least, logSumExp([candidate + weights[0], stable + weights[1], candidate + stable + weights[2]]));
  }
  return least;
}
/** Shares of candidate alone, stable alone, both together; as in `evidenceOfExcess`. */
const weights = [Math.log(0.4), Math.log(0.1), Math.log(0.5)] as const;

const lowerEdge = (bucket: number): number => (bucket === 0 ? 0 : (latencyEdges[bucket - 1] ?? 0));

/** The smallest edge that is at least `seconds`; nothing is known to be slower than what lies beyond the last. */
function firstEdgeFrom(seconds: number): number {
  return latencyEdges.find((edge) => edge >= seconds) ?? Number.POSITIVE_INFINITY;
}

function slowerThan(counts: readonly number[], seconds: number): Proportion {
  let n = 0;
  let hits = 0;
  for (const [bucket, value] of counts.entries()) {
    n += value;
    if (lowerEdge(bucket) >= seconds) hits += value;
  }
  return { n, hits };
}

/** Bounds of the ratio from bounds of both quantiles in the present stage; as wide as the buckets. */
function intervalOf(guard: LatencyGuard, present: Latencies): [number, number] | null {
  const candidate = quantileBounds(guard, present.candidate);
  const stable = quantileBounds(guard, present.stable);
  if (candidate === null || stable === null || stable[0] === 0) return null;
  return [candidate[0] / stable[1], candidate[1] / stable[0]];
}

function quantileBounds(guard: LatencyGuard, counts: readonly number[]): [number, number] | null {
  if (sumOf(counts) === 0) return null;
  const share = 1 - guard.quantile;
  const bar = Math.log(2 / guard.alarmLevel);
  const low = latencyEdges.findLast((edge) => evidenceAbove(slowerThan(counts, edge), share) >= bar) ?? 0;
  const high = latencyEdges.find((edge) => evidenceBelow(slowerThan(counts, edge), share) >= bar);
  return high === undefined ? null : [low, high];
}

/** A quantile of the candidate can be told from what is allowed only at the next edge above it. */
function smallestVisible(guard: LatencyGuard, stable: number | null): number | null {
  if (stable === null || stable === 0) return null;
  const edge = firstEdgeFrom(allowed(guard, firstEdgeFrom(stable)));
  return Number.isFinite(edge) ? edge / stable : null;
}

function requestsNeeded(guard: LatencyGuard): number {
  const present = guard.stages.at(-1);
  const n = sumOf(present?.candidate ?? []);
  if (present === undefined || n === 0 || sumOf(present.stable) === 0) return Math.ceil((Math.log(1 / guard.passLevel) + 2) / guard.passShare);
  const before = guard.stages.slice(0, -1);
  return moreUntil(n, (times) => {
    const grown = [...before, { candidate: present.candidate.map((value) => value * times), stable: present.stable.map((value) => value * times) }];
    return fails(guard, grown) || passes(guard, grown);
  });
}

interface Said {
  readonly outcome: GuardOutcome;
  readonly candidate: { readonly n: number; readonly value: number | null };
  readonly stable: { readonly n: number; readonly value: number | null };
  readonly needed: number;
}

function sentence(guard: LatencyGuard, { outcome, candidate, stable, needed }: Said): string {
  const what = guard.isCompute ? "the model's own time for" : 'the time to answer';
  const seen = `${what} ${percent(guard.quantile)} of requests is ${milliseconds(candidate.value)} for the candidate (${count(candidate.n)} requests) and ${milliseconds(stable.value)} for stable (${count(stable.n)})`;
  const limit = `${guard.maxRatio} times stable's${guard.minIncrease > 0 ? ` and differences below ${milliseconds(guard.minIncrease)}` : ''}`;
  switch (outcome) {
    case 'fail':
      return `The candidate is too slow: ${seen}; allowed are ${limit}.`;
    case 'pass':
      return `Fast enough for ${guard.nextStep}: ${seen}; allowed are ${limit}.`;
    default:
      return `Not enough evidence: ${seen}; ${neededWords(needed)}.`;
  }
}

function milliseconds(seconds: number | null): string {
  return seconds === null ? 'unknown' : `${Number((seconds * 1000).toPrecision(3))} ms`;
}
