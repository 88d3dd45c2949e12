import type { GuardJudgement, GuardOutcome } from '@slipway/contracts';
import { count, type GuardTest, moreUntil, neededWords, verdictOf } from './guard-test.js';

/** A mean of values without bounds that may not be above a limit; its estimate and the estimate's own variance. */
export interface MeanGuard {
  readonly guard: string;
  readonly mode: GuardJudgement['mode'];
  readonly unit: string;
  readonly limit: number;
  readonly estimate: { readonly value: number; readonly variance: number } | null;
  readonly n: number;
  /** Fewer are not judged: the law of the mean is a normal one only in the long run. */
  readonly minN: number;
  /** The distance from the limit at which the interval is meant to be tightest. */
  readonly tightAt: number;
  readonly candidate: GuardJudgement['candidate'];
  readonly stable: GuardJudgement['stable'];
  readonly alarmLevel: number;
  readonly passLevel: number;
  readonly tell: (value: number) => string;
  readonly tellLimit: string;
}

/**
 * Half the width, to one side, of a confidence sequence for a mean from its estimate's variance V: with information I = 1/V,
 * √((I + 1/ρ)·(log(1 + ρI) + 2 log(1/α))) / I. That is Robbins' normal mixture (1970) in information time, in which estimates move like Brownian
 * motion (Jennison and Turnbull, 1997); asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics
 * 2024). `tightAt` is the half width at which it is meant to be tightest.
 */
export function meanHalfWidth(variance: number, level: number, tightAt: number): number {
  if (variance <= 0) return 0;
  const information = 1 / variance;
  const cost = 2 * Math.log(1 / level);
  const rho = (cost + Math.log(1 + cost)) / ((cost + 4) / tightAt ** 2);
  return Math.sqrt((information + 1 / rho) * (Math.log(1 + rho * information) + cost)) / information;
}

export function meanLimitTest(guard: MeanGuard): GuardTest {
  return { guard: guard.guard, mode: guard.mode, fails: () => decide(guard) === 'fail', judge: () => judge(guard) };
}

function judge(guard: MeanGuard): GuardJudgement {
  const outcome = decide(guard);
  const needed = outcome === 'not_enough_evidence' ? requestsNeeded(guard) : 0;
  const value = guard.estimate?.value ?? null;
  return {
    guard: guard.guard,
    mode: guard.mode,
    outcome,
    verdict: verdictOf(outcome),
    unit: guard.unit,
    value,
    interval: guard.estimate === null ? null : intervalOf(guard, guard.estimate, 1),
    n: guard.n,
    threshold: guard.limit,
    candidate: guard.candidate,
    stable: guard.stable,
    smallestVisible: guard.estimate === null ? null : guard.limit + meanHalfWidth(guard.estimate.variance, guard.alarmLevel, guard.tightAt),
    requestsNeeded: needed,
    reason: sentence(guard, outcome, needed),
  };
}

function intervalOf(guard: MeanGuard, { value, variance }: { value: number; variance: number }, times: number): [number, number] {
  return [
    value - meanHalfWidth(variance / times, guard.alarmLevel, guard.tightAt),
    value + meanHalfWidth(variance / times, guard.passLevel, guard.tightAt),
  ];
}

function decide(guard: MeanGuard, times = 1): GuardOutcome {
  if (guard.estimate === null || guard.n * times < guard.minN) return 'not_enough_evidence';
  const [low, high] = intervalOf(guard, guard.estimate, times);
  if (low > guard.limit) return 'fail';
  return high <= guard.limit ? 'pass' : 'not_enough_evidence';
}

function requestsNeeded(guard: MeanGuard): number {
  if (guard.estimate === null) return guard.minN;
  return moreUntil(Math.max(1, guard.n), (times) => decide(guard, times) !== 'not_enough_evidence');
}

function sentence(guard: MeanGuard, outcome: GuardOutcome, needed: number): string {
  if (guard.estimate === null) return 'Not enough evidence: nothing to compare has been seen yet.';
  const seen = `${guard.tell(guard.estimate.value)} (${count(guard.n)} seen)`;
  return outcome === 'not_enough_evidence'
    ? `Not enough evidence: ${seen}, the limit is ${guard.tellLimit}; ${neededWords(needed)}.`
    : `${seen.charAt(0).toUpperCase()}${seen.slice(1)}; the limit is ${guard.tellLimit}.`;
}
