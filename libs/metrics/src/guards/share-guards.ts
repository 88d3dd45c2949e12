import type { Outcome, PairEvidence, SideEvidence, StageEvidence } from '@slipway/contracts';
import { alarmLevel, passLevel } from './alarm-budget.js';
import type { Sides } from './difference-evidence.js';
import type { GuardInput } from './guard-input.js';
import type { GuardTest } from './guard-test.js';
import { type Comparison, type ShareGuard, shareTest } from './judge-share.js';
import type { Proportion } from './proportion-evidence.js';
import { allowedNext, type RolloutCourse } from './rollout-course.js';

/** Answers that failed. Refusals and invalid outputs have guards of their own, so that each fault is told by one. */
const failures: readonly Outcome[] = ['runtime_error', 'instance_crashed', 'unavailable', 'dependency_error'];
const refusals: readonly Outcome[] = ['deadline_exceeded', 'rejected_queue_full'];
const answered: readonly Outcome[] = ['success', 'nan_output', 'out_of_range_output'];

const failedOrAnswered: readonly Outcome[] = [...failures, ...answered];
const tried: readonly Outcome[] = [...refusals, ...failedOrAnswered];

const failureShare = (side: SideEvidence): Proportion => outcomeShare(side, failures, failedOrAnswered);
const refusalShare = (side: SideEvidence): Proportion => outcomeShare(side, refusals, tried);

/** Without anything known of what is usual: a service with more than a tenth of its answers bad has a fault. */
const commonFaultShare = 0.1;

export function errorShareTest(input: GuardInput, course: RolloutCourse): GuardTest | undefined {
  const { mode, maxIncrease } = input.plan.guards.errorShare;
  if (mode === 'off') return undefined;
  return shareTest({
    ...baseOf(input, course, maxIncrease),
    guard: 'error-share',
    mode,
    did: 'failed on',
    comparisons: comparisonsOf(input, course, failureShare, failedPairs),
    commonAbove: commonAbove(input, maxIncrease),
    stableNow: stableNow(course, failureShare),
  });
}

/** Timeouts and a full queue: of live requests only, since copies give way to everything. */
export function refusalTest(input: GuardInput, course: RolloutCourse): GuardTest | undefined {
  const { mode, maxIncrease } = input.plan.guards.refusals;
  if (mode === 'off' || !course.isLive) return undefined;
  const live = liveComparison(course, refusalShare);
  return shareTest({
    ...baseOf(input, course, maxIncrease),
    guard: 'refusals',
    mode,
    did: 'timed out or had no room for',
    comparisons: [live],
    isAlone: isWhole(course),
    commonAbove: commonFaultShare,
    stableNow: live.stages.at(-1)?.stable,
  });
}

export function invalidOutputTest(input: GuardInput, course: RolloutCourse): GuardTest | undefined {
  const { mode, maxIncrease } = input.plan.guards.invalidOutput;
  if (mode === 'off') return undefined;
  const base = baseOf(input, course, maxIncrease);
  return shareTest({
    ...base,
    guard: 'invalid-output',
    mode,
    // The other part is that of `constant-output`.
    alarmLevel: base.alarmLevel * (input.plan.guards.invalidOutput.constant ? 0.9 : 1),
    did: 'gave NaN or values out of range in',
    comparisons: comparisonsOf(input, course, invalidShare, invalidPairs),
    commonAbove: commonFaultShare,
    stableNow: stableNow(course, invalidShare),
  });
}

function baseOf(input: GuardInput, course: RolloutCourse, limit: number) {
  const passLimit = allowedNext(limit, course);
  return {
    limit,
    passLimit,
    // Replay and shadow cost no caller anything: there is no reason to let live ones find out what copies already hint at.
    mostSeen: course.presentStage === undefined || course.presentStage.kind === 'step' ? passLimit : limit,
    alarmLevel: alarmLevel(input.plan),
    passLevel: passLevel(input.plan),
    planned: course.planned,
    expectedRatio: expectedRatio(course),
    nextStep: course.nextStep,
    isAlone: isWhole(course) && input.plan.comparisonsPerSecond === 0 && (course.present?.pairs.requests ?? 0) === 0,
  } satisfies Partial<ShareGuard>;
}

const stableNow = ({ stages }: RolloutCourse, share: ShareOf): Proportion | undefined => {
  const present = stages.at(-1);
  return present === undefined ? undefined : share(present.stable);
};

/** The candidate answers every live request. */
const isWhole = ({ presentStage }: RolloutCourse): boolean => presentStage?.kind === 'step' && presentStage.weightPercent === 100;

function expectedRatio({ presentStage }: RolloutCourse): number {
  const weight = presentStage?.kind === 'step' ? Math.min(99.9, Math.max(0.1, presentStage.weightPercent)) : 50;
  return weight / (100 - weight);
}

/** A service that always fails a little is no fault of today: only well above what it did before. */
function commonAbove({ usual }: GuardInput, limit: number): number {
  if (usual === undefined || usual.requests < 100) return commonFaultShare;
  const share = usual.errors / usual.requests;
  return Math.min(0.95, Math.max(share + 2 * limit, 2 * share));
}

type ShareOf = (side: SideEvidence) => Proportion;
type PairShareOf = (pairs: PairEvidence) => Pick<Sides, 'candidate' | 'stable'>;

/**
 * Live answers against live answers, and answers to the same requests against each other. They are never added up: copies are made of at most so
 * many requests a second, so they are no fair sample of all of them.
 */
function comparisonsOf(input: GuardInput, course: RolloutCourse, share: ShareOf, pairs: PairShareOf): Comparison[] {
  const comparisons: Comparison[] = [];
  if (course.isLive) comparisons.push(liveComparison(course, share));
  if (hasPairs(input, course))
    comparisons.push({
      what: 'requests that both got, where the other did not',
      stages: course.stages.map((stage) => pairedSides(stage, share, pairs)),
    });
  return comparisons.length > 0 ? comparisons : [liveComparison(course, share)];
}

function liveComparison(course: RolloutCourse, share: ShareOf): Comparison {
  return {
    what: 'live answers',
    stages: course.stages.map(({ candidate, stable }) => ({ candidate: share(candidate), stable: share(stable), independent: true })),
  };
}

/** Whether the plan lets both answer the same requests. */
export function hasPairs({ plan }: GuardInput, course: RolloutCourse): boolean {
  return plan.comparisonsPerSecond > 0 || plan.stages.some(({ kind }) => kind !== 'step') || course.stages.some(({ pairs }) => pairs.requests > 0);
}

/** Bad answers of one where the other's was fine. Stable's share of those is at most its share of bad live answers, which are many more. */
function pairedSides(stage: StageEvidence, share: ShareOf, pairs: PairShareOf): Sides {
  return { ...pairs(stage.pairs), stableAtMost: share(stage.stable), independent: false };
}

function outcomeShare({ outcomes }: SideEvidence, bad: readonly Outcome[], all: readonly Outcome[]): Proportion {
  return { n: sumOf(outcomes, all), hits: sumOf(outcomes, bad) };
}

function sumOf(outcomes: SideEvidence['outcomes'], of: readonly Outcome[]): number {
  let sum = 0;
  for (const outcome of of) sum += outcomes[outcome] ?? 0;
  return sum;
}

function invalidShare(side: SideEvidence): Proportion {
  const n = sumOf(side.outcomes, answered);
  return { n, hits: Math.min(n, side.invalidOutputs) };
}

function failedPairs({ requests, failedOn }: PairEvidence): Pick<Sides, 'candidate' | 'stable'> {
  const n = requests + failedOn.stable + failedOn.candidate + failedOn.both;
  return { candidate: { n, hits: failedOn.candidate }, stable: { n, hits: failedOn.stable } };
}

function invalidPairs({ requests: n, invalidOn }: PairEvidence): Pick<Sides, 'candidate' | 'stable'> {
  return { candidate: { n, hits: invalidOn.candidate }, stable: { n, hits: invalidOn.stable } };
}
