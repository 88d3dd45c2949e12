import type { GuardJudgement } from '@slipway/contracts';
import { constantOutputTest } from './constant-output-guard.js';
import { disagreementTests } from './disagreement-guard.js';
import { scoreDriftTest } from './drift-guard.js';
import type { GuardInput } from './guard-input.js';
import type { GuardTest } from './guard-test.js';
import { latencyTests } from './latency-guard.js';
import { memoryTest } from './memory-guard.js';
import { qualityTest } from './quality-guard.js';
import { rolloutCourse } from './rollout-course.js';
import { errorShareTest, invalidOutputTest, refusalTest } from './share-guards.js';

/**
 * Judges what a rollout has seen, as often as one likes: a candidate that is equal to stable fails a guard that is enforced with a chance of at
 * most `plan.falseAlarmBudget` over the whole rollout. A guard that is off, or has nothing it could ever look at, gives no judgement.
 */
export function judgeGuards(input: GuardInput): GuardJudgement[] {
  return guardTests(input).map((test) => test.judge());
}

/** The enforced guards that fail; the same as `judgeGuards` says, for a fraction of the work. */
export function failedGuards(input: GuardInput): string[] {
  return guardTests(input)
    .filter((test) => test.mode === 'enforce' && test.fails())
    .map((test) => test.guard);
}

function guardTests(input: GuardInput): GuardTest[] {
  const course = rolloutCourse(input);
  const tests = [
    errorShareTest(input, course),
    refusalTest(input, course),
    invalidOutputTest(input, course),
    constantOutputTest(input, course),
    ...latencyTests(input, course),
    memoryTest(input),
    ...disagreementTests(input, course),
    scoreDriftTest(input, course),
    qualityTest(input, course),
  ];
  return tests.filter((test) => test !== undefined);
}
