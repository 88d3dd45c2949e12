import type { GuardJudgement, GuardOutcome } from '@slipway/contracts';
import { count, type GuardTest, moreUntil, neededWords, smallestWhere, verdictOf } from './guard-test.js';
import { evidenceAbove, evidenceBelow, type Proportion } from './proportion-evidence.js';

/** A mean of values in [0, 1] that may not be above a fixed limit. */
export interface LimitGuard {
  readonly guard: string;
  readonly mode: GuardJudgement['mode'];
  readonly unit: string;
  readonly seen: Proportion;
  readonly limit: number;
  readonly alarmLevel: number;
  readonly passLevel: number;
  /** How the mean is told, for example `The answers differ in the predicted label on 2 % of`. */
  readonly tell: (value: number) => string;
  readonly tellLimit: string;
  /** Why nothing can be seen, whatever comes; such a guard has no objection. */
  readonly hopeless?: string | undefined;
}

/**
 * With a fixed limit there is nothing that both sides could suffer from together, and evidence of stages may be added: the limit holds in each.
 */
export function limitTest(guard: LimitGuard): GuardTest {
  return { guard: guard.guard, mode: guard.mode, fails: () => fails(guard, guard.seen), judge: () => judge(guard) };
}

function judge(guard: LimitGuard): GuardJudgement {
  const { seen, limit } = guard;
  const outcome = decide(guard, seen);
  const value = seen.n === 0 ? null : seen.hits / seen.n;
  const needed = outcome === 'not_enough_evidence' ? requestsNeeded(guard) : 0;
  const isHopeless = seen.n === 0 && guard.hopeless !== undefined;
  return {
    guard: guard.guard,
    mode: guard.mode,
    outcome,
    verdict: verdictOf(outcome),
    unit: guard.unit,
    value,
    interval: intervalOf(guard, value),
    n: seen.n,
    threshold: limit,
    candidate: { n: seen.n, value },
    stable: { n: seen.n, value: null },
    smallestVisible: smallestVisible(guard),
    requestsNeeded: isHopeless ? null : needed,
    reason: sentence(guard, outcome, needed),
  };
}

const alarmBar = (guard: LimitGuard): number => Math.log(1 / guard.alarmLevel);
const passBar = (guard: LimitGuard): number => Math.log(1 / guard.passLevel);
const fails = (guard: LimitGuard, seen: Proportion): boolean =>
  seen.hits > guard.limit * seen.n && evidenceAbove(seen, guard.limit) >= alarmBar(guard);
const passes = (guard: LimitGuard, seen: Proportion): boolean =>
  seen.n > 0 && (guard.limit >= 1 || evidenceBelow(seen, guard.limit) >= passBar(guard));

function decide(guard: LimitGuard, seen: Proportion): GuardOutcome {
  if (fails(guard, seen)) return 'fail';
  return passes(guard, seen) ? 'pass' : 'not_enough_evidence';
}

function intervalOf(guard: LimitGuard, value: number | null): [number, number] | null {
  if (value === null) return null;
  const low = smallestWhere(0, value, 20, (limit) => evidenceAbove(guard.seen, limit) < alarmBar(guard));
  const high = smallestWhere(value, 1, 20, (limit) => evidenceBelow(guard.seen, limit) >= passBar(guard));
  return [low, high];
}

function smallestVisible(guard: LimitGuard): number | null {
  const { n } = guard.seen;
  const shows = (value: number): boolean => evidenceAbove({ n, hits: value * n }, guard.limit) >= alarmBar(guard);
  return n > 0 && shows(1) ? smallestWhere(guard.limit, 1, 14, shows) : null;
}

function requestsNeeded(guard: LimitGuard): number {
  const { n, hits } = guard.seen;
  const start: Proportion = n < 1 ? { n: 1, hits: 0 } : { n, hits };
  return moreUntil(start.n, (times) => decide(guard, { n: start.n * times, hits: start.hits * times }) !== 'not_enough_evidence');
}

function sentence(guard: LimitGuard, outcome: GuardOutcome, needed: number): string {
  const { n, hits } = guard.seen;
  if (n === 0 && guard.hopeless !== undefined) return `Not enough evidence: ${guard.hopeless}.`;
  if (n === 0) return 'Not enough evidence: the candidate and stable have not answered the same request yet.';
  const seen = `${guard.tell(hits / n)} ${count(n)} requests that both answered`;
  return outcome === 'not_enough_evidence'
    ? `Not enough evidence: ${seen}, the limit is ${guard.tellLimit}; ${neededWords(needed)}.`
    : `${capital(seen)}; the limit is ${guard.tellLimit}.`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
