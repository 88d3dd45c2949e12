import type { GuardJudgement, GuardOutcome } from '@slipway/contracts';
import type { GuardInput } from './guard-input.js';
import { type GuardTest, verdictOf } from './guard-test.js';

/** Memory is measured, not sampled: the ratio itself decides. Undefined as long as nobody has measured anything. */
export function memoryTest({ plan, memory }: GuardInput): GuardTest | undefined {
  const { mode, maxRatio } = plan.guards.memory;
  if (mode === 'off' || memory === undefined) return undefined;
  const { stable = null, candidate = null } = memory;
  const ratio = stable === null || candidate === null || stable <= 0 ? null : candidate / stable;
  const outcome = outcomeOf(ratio, maxRatio);
  return { guard: 'memory', mode, fails: () => outcome === 'fail', judge };

  function judge(): GuardJudgement {
    return {
      guard: 'memory',
      mode,
      outcome,
      verdict: verdictOf(outcome),
      unit: 'ratio',
      value: ratio,
      interval: null,
      n: candidate === null ? 0 : 1,
      threshold: maxRatio,
      candidate: { n: candidate === null ? 0 : 1, value: candidate },
      stable: { n: stable === null ? 0 : 1, value: stable },
      smallestVisible: maxRatio,
      // No number of answers measures memory.
      requestsNeeded: ratio === null ? null : 0,
      reason: sentence(),
    };
  }

  function sentence(): string {
    if (ratio === null) return `Not enough evidence: the memory of ${candidate === null ? 'the candidate' : 'stable'} has not been measured yet.`;
    const times = `${Number(ratio.toPrecision(3))} times`;
    return `An instance of the candidate takes ${megabytes(candidate)} of memory, ${times} stable's ${megabytes(stable)}; the limit is ${maxRatio} times.`;
  }
}

function outcomeOf(ratio: number | null, maxRatio: number): GuardOutcome {
  if (ratio === null) return 'not_enough_evidence';
  return ratio > maxRatio ? 'fail' : 'pass';
}

function megabytes(bytes: number | null): string {
  return bytes === null ? 'unknown' : `${Math.round(bytes / 1e6)} MB`;
}
