import type { GuardJudgement } from '@slipway/contracts';
import { alarmLevel, passLevel } from './alarm-budget.js';
import type { ErrorSums, GuardInput, LabelledTotals } from './guard-input.js';
import type { GuardTest } from './guard-test.js';
import { meanLimitTest } from './judge-mean.js';
import { shareTest } from './judge-share.js';
import { allowedNext, type RolloutCourse } from './rollout-course.js';

/**
 * What labels say. They come late or never, so a rollout does not wait for them: without a word either way the judgement is only watched, unless
 * enough labels are there and show a drop above the limit that is not yet proven.
 */
export function qualityTest(input: GuardInput, course: RolloutCourse): GuardTest | undefined {
  const { mode, minLabels } = input.plan.guards.quality;
  const { quality } = input;
  if (mode === 'off' || quality === undefined || labelled(quality.stable) + labelled(quality.candidate) === 0) return undefined;
  const test = testOf(input, course, quality);
  if (test === undefined) return undefined;
  const isEnough = Math.min(labelled(quality.stable), labelled(quality.candidate)) >= minLabels;
  return {
    ...test,
    fails: () => isEnough && test.fails(),
    judge: () => (isEnough ? unlessUndecided(test.judge(), input) : tooFew(test.judge(), input)),
  };
}

function testOf(input: GuardInput, course: RolloutCourse, { stable, candidate }: NonNullable<GuardInput['quality']>): GuardTest | undefined {
  if (candidate.kind === 'classification' && stable.kind === 'classification') return wrongShareTest(input, course, { stable, candidate });
  if (candidate.kind === 'regression' && stable.kind === 'regression')
    return meanErrorTest(input, { stable: stable.errors, candidate: candidate.errors });
  return undefined;
}

type Labelled = Extract<LabelledTotals, { kind: 'classification' }>;

function wrongShareTest(input: GuardInput, course: RolloutCourse, { stable, candidate }: { stable: Labelled; candidate: Labelled }): GuardTest {
  const { mode, maxDrop } = input.plan.guards.quality;
  return shareTest({
    guard: 'quality',
    mode,
    comparisons: [
      {
        what: 'labelled rows',
        stages: [
          { candidate: { n: candidate.labelled, hits: candidate.wrong }, stable: { n: stable.labelled, hits: stable.wrong }, independent: true },
        ],
      },
    ],
    limit: maxDrop,
    passLimit: allowedNext(maxDrop, course),
    mostSeen: allowedNext(maxDrop, course),
    alarmLevel: alarmLevel(input.plan),
    passLevel: passLevel(input.plan),
    planned: 1,
    expectedRatio: 1,
    // Labels still come for what it has answered before.
    isAlone: false,
    did: 'was wrong on',
    nextStep: course.nextStep,
    // A model that is often wrong is no fault of today.
    commonAbove: 1,
    stableNow: undefined,
  });
}

/** Mean absolute error of the candidate less (1 + maxDrop) times stable's, both in units of stable's. */
function meanErrorTest(input: GuardInput, { stable, candidate }: { stable: ErrorSums; candidate: ErrorSums }): GuardTest {
  const { mode, maxDrop, minLabels } = input.plan.guards.quality;
  const one = meanAndVariance(candidate);
  const other = meanAndVariance(stable);
  const isKnown = one !== undefined && other !== undefined && other.mean > 0;
  const ratio = isKnown ? one.mean / other.mean : null;
  return meanLimitTest({
    guard: 'quality',
    mode,
    unit: 'ratio',
    limit: 1 + maxDrop,
    // Variance of a ratio of independent means, by the delta method.
    estimate: isKnown && ratio !== null ? { value: ratio, variance: (one.variance + ratio * ratio * other.variance) / other.mean ** 2 } : null,
    // A fifth more error: nearer the limit it takes thousands of labels anyhow.
    tightAt: 0.2,
    n: Math.min(stable.n, candidate.n),
    minN: Math.max(30, minLabels),
    candidate: { n: candidate.n, value: one?.mean ?? null },
    stable: { n: stable.n, value: other?.mean ?? null },
    alarmLevel: alarmLevel(input.plan),
    passLevel: passLevel(input.plan),
    tell: (value) => `the candidate's mean absolute error is ${Number(value.toPrecision(3))} times stable's`,
    tellLimit: `${Number((1 + maxDrop).toPrecision(4))} times`,
  });
}

function meanAndVariance({ n, absolute, squared }: ErrorSums): { mean: number; variance: number } | undefined {
  if (n < 2) return undefined;
  const mean = absolute / n;
  return { mean, variance: Math.max(0, squared - n * mean * mean) / (n - 1) / n };
}

function labelled(totals: LabelledTotals): number {
  return totals.kind === 'classification' ? totals.labelled : totals.errors.n;
}

function unlessUndecided(judgement: GuardJudgement, { plan }: GuardInput): GuardJudgement {
  const { value } = judgement;
  if (judgement.outcome !== 'not_enough_evidence') return judgement;
  const isWorse = value !== null && value > (judgement.unit === 'ratio' ? 1 : 0) + plan.guards.quality.maxDrop;
  return isWorse ? judgement : { ...judgement, mode: 'watch' };
}

function tooFew(judgement: GuardJudgement, { plan }: GuardInput): GuardJudgement {
  const { minLabels } = plan.guards.quality;
  const needed = Math.max(1, minLabels - Math.min(judgement.candidate.n, judgement.stable.n));
  return {
    ...judgement,
    mode: 'watch',
    outcome: 'not_enough_evidence',
    verdict: 'insufficient',
    requestsNeeded: needed,
    reason: `Not enough evidence: labels have come for ${judgement.candidate.n} rows of the candidate and ${judgement.stable.n} of stable; ${minLabels} of each are needed.`,
  };
}
