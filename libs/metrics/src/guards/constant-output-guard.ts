import type { GuardJudgement, GuardOutcome } from '@slipway/contracts';
import { alarmLevel } from './alarm-budget.js';
import type { GuardInput } from './guard-input.js';
import { count, type GuardTest, verdictOf } from './guard-test.js';
import type { RolloutCourse } from './rollout-course.js';

/** Equal answers to so many requests say little where nothing is known of how often stable repeats itself. */
const fewestAnswers = 50;

/**
 * Whether the candidate gives one and the same answer to everything while stable does not. An equal candidate gives the same class n times in a row
 * with a chance of Σ qₖⁿ, with qₖ the share of class k in stable's answers to the same kind of requests. That the answers up to the n-th
 * are equal can be looked at as often as one likes: it was either so or not.
 */
export function constantOutputTest(input: GuardInput, course: RolloutCourse): GuardTest | undefined {
  const { mode, constant } = input.plan.guards.invalidOutput;
  if (mode === 'off' || !constant) return undefined;
  const candidates = course.stages.flatMap(({ candidate, shadow }) => [candidate, shadow]).filter(({ requests }) => requests > 0);
  const stables = course.stages.map(({ stable }) => stable).filter(({ requests }) => requests > 0);
  const n = candidates.reduce((sum, { requests }) => sum + requests, 0);
  const stableN = stables.reduce((sum, { requests }) => sum + requests, 0);
  const varies = candidates.some((side) => side.varies);
  const needed = answersNeeded(course, alarmLevel(input.plan) * 0.1);
  const outcome = decide();
  return { guard: 'constant-output', mode, fails: () => outcome === 'fail', judge };

  function decide(): GuardOutcome {
    if (varies) return 'pass';
    if (n === 0 || n < needed) return 'not_enough_evidence';
    return stables.some((side) => side.varies) ? 'fail' : stableN < fewestAnswers ? 'not_enough_evidence' : 'pass';
  }

  function judge(): GuardJudgement {
    return {
      guard: 'constant-output',
      mode,
      outcome,
      verdict: verdictOf(outcome),
      unit: 'share',
      value: n === 0 ? null : Number(!varies),
      interval: null,
      n,
      threshold: null,
      candidate: { n, value: n === 0 ? null : Number(!varies) },
      stable: { n: stableN, value: stableN === 0 ? null : Number(!stables.some((side) => side.varies)) },
      smallestVisible: null,
      requestsNeeded: outcome === 'not_enough_evidence' ? Math.max(1, needed - n) : 0,
      reason: sentence(),
    };
  }

  function sentence(): string {
    if (varies) return `The candidate's answers differ from each other, as they should (${count(n)} seen).`;
    if (outcome === 'fail') return `The candidate gave one and the same answer to all of ${count(n)} requests; stable's answers differ.`;
    if (outcome === 'pass') return `The candidate gave one answer to all of ${count(n)} requests, and so did stable (${count(stableN)}).`;
    const seen = n === 0 ? 'the candidate has not answered yet' : `the candidate gave one answer to all of ${count(n)} requests`;
    return `Not enough evidence: ${seen}; about ${count(Math.max(1, needed - n))} more equal answers would mean something.`;
  }
}

/**
 * The smallest n ≥ 50 with Σ qₖⁿ ≤ level. With q the largest share, Σ qₖⁿ ≤ qⁿ⁻¹. Stable's classes are those of the compared requests where there
 * are any: a caller who always asks the same stays on one side.
 */
function answersNeeded({ stages }: RolloutCourse, level: number): number {
  const compared = stages.flatMap(({ pairs }) => Object.entries(pairs.byClass).map(([name, { rows }]) => [name, rows] as const));
  const share = largestShare(compared) ?? largestShare(stages.flatMap(({ stable }) => Object.entries(stable.classes)));
  if (share === undefined) return fewestAnswers;
  return Math.max(fewestAnswers, 1 + Math.ceil(Math.log(level) / Math.log(share)));
}

/** Of one class, at the upper end of what the counts allow (three standard errors and three rows); undefined with fewer than two classes. */
function largestShare(counts: readonly (readonly [string, number])[]): number | undefined {
  const byClass = new Map<string, number>();
  for (const [name, rows] of counts) byClass.set(name, (byClass.get(name) ?? 0) + rows);
  const total = [...byClass.values()].reduce((sum, rows) => sum + rows, 0);
  if (byClass.size < 2) return undefined;
  const share = Math.max(...byClass.values()) / total;
  return Math.min(0.9999, share + 3 * Math.sqrt((share * (1 - share)) / total) + 3 / total);
}
