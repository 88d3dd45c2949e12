import type { GuardJudgement, RolloutPlan, RolloutStage } from '@slipway/contracts';
import type { Rollout } from './rollout.js';
import { weighJudgements } from './weigh-judgements.js';

/** How far the replay of a stage is. */
export type ReplayProgress =
  | { readonly kind: 'running'; readonly done: number; readonly total: number }
  | { readonly kind: 'done' }
  /** Nothing has been recorded that could be replayed. */
  | { readonly kind: 'no_requests' }
  | { readonly kind: 'failed'; readonly reason: string };

/** What is known of the present stage. */
export interface StageObservation {
  readonly judgements: readonly GuardJudgement[];
  /** Answers of the candidate within this stage: to live callers in a step, to copies in a shadow stage. */
  readonly requests: number;
  /** Of a replay stage. */
  readonly replay?: ReplayProgress | undefined;
}

export type StageState =
  | { readonly kind: 'over' }
  | { readonly kind: 'wait'; readonly waitingFor: string }
  | { readonly kind: 'hold'; readonly reason: string };

interface StageInQuestion {
  readonly rollout: Pick<Rollout, 'plan' | 'waived' | 'approvedStage' | 'step' | 'stepStartedAt'>;
  readonly stage: RolloutStage;
  /** Nothing is left of the plan after it. */
  readonly isLast: boolean;
}

/**
 * Whether a stage is over: its shortest time has passed, enough requests have come, no enforced guard still lacks evidence that it can get, and
 * a person has approved where that is asked for. Without traffic nothing is shown, so a stage with guards wants one answer at least. What
 * is not so when the longest time is over holds the rollout; a missing approval alone never does.
 */
export function decideStage(question: StageInQuestion, seen: StageObservation | undefined, now: Date): StageState {
  const { rollout, stage, isLast } = question;
  if (seen === undefined) return { kind: 'wait', waitingFor: 'the evidence of the stage to be read' };
  const missing = stage.kind === 'replay' ? missingReplay(stage, rollout, seen, isLast) : missingEvidence(stage, rollout, seen, now);
  if (missing !== undefined) return missing;
  if (!stage.approval || (rollout.approvedStage ?? -1) >= rollout.step) return { kind: 'over' };
  return { kind: 'wait', waitingFor: 'the approval of a person' };
}

function missingReplay(
  stage: Extract<RolloutStage, { kind: 'replay' }>,
  rollout: StageInQuestion['rollout'],
  seen: StageObservation,
  isLast: boolean,
): StageState | undefined {
  const { replay } = seen;
  if (replay === undefined) return { kind: 'wait', waitingFor: `the replay of ${stage.requests} recorded requests to begin` };
  if (replay.kind === 'running') return { kind: 'wait', waitingFor: `the replay of recorded requests: ${replay.done} of ${replay.total} are done` };
  if (replay.kind === 'failed') return { kind: 'hold', reason: `recorded requests could not be replayed: ${replay.reason}` };
  if (replay.kind === 'no_requests') {
    return stage.withoutRequests === 'skip' ? undefined : { kind: 'hold', reason: 'there are no recorded requests that could be replayed' };
  }
  // There will be no more evidence in this stage; stages to come may bring it, but nothing is promoted without, and live callers need not find
  // out what replayed requests already hint at.
  const word = weighJudgements(seen.judgements, rollout);
  if (word.kind !== 'not_enough_evidence') return undefined;
  const hint = seen.judgements.find((judgement) => hintsAtFault(judgement) && weighJudgements([judgement], rollout).kind === 'not_enough_evidence');
  if (hint !== undefined) return { kind: 'hold', reason: `the replayed requests are too few to be sure, and speak against it: ${hint.reason}` };
  return isLast ? { kind: 'hold', reason: `the replayed requests are too few to say: ${word.judgement.reason}` } : undefined;
}

/** What was seen lies beyond the limit, though it may be chance. A ratio alone says nothing: twice a tenth of a millisecond is no harm. */
function hintsAtFault({ value, threshold, unit }: GuardJudgement): boolean {
  return unit !== 'ratio' && value !== null && threshold !== null && value > threshold;
}

function missingEvidence(
  stage: Exclude<RolloutStage, { kind: 'replay' }>,
  rollout: StageInQuestion['rollout'],
  seen: StageObservation,
  now: Date,
): StageState | undefined {
  const seconds = secondsSince(rollout.stepStartedAt, now);
  const waitingFor = whatIsMissing(stage, rollout, seen, seconds);
  if (waitingFor === undefined) return undefined;
  if (seconds < stage.maxDurationSeconds) return { kind: 'wait', waitingFor };
  return { kind: 'hold', reason: overdue(stage.maxDurationSeconds, waitingFor) };
}

/** Why a stage that took too long is held. */
export function overdue(seconds: number, waitingFor: string): string {
  return `the stage's longest time of ${seconds} s is over; it still waited for ${waitingFor}`;
}

function whatIsMissing(
  stage: Exclude<RolloutStage, { kind: 'replay' }>,
  rollout: StageInQuestion['rollout'],
  seen: StageObservation,
  seconds: number,
): string | undefined {
  const needed = Math.max(stage.minRequests, hasEnforcedGuard(rollout.plan) ? 1 : 0);
  if (seen.requests < needed) {
    if (seen.requests === 0) return `traffic: no request has come to the candidate in this stage, ${needed} are needed`;
    return `${needed - seen.requests} more of ${needed} requests to the candidate`;
  }
  if (seconds < stage.minDurationSeconds) return `the stage's shortest time, ${Math.ceil(stage.minDurationSeconds - seconds)} s more`;
  const isWhole = stage.kind === 'step' && stage.weightPercent === 100;
  const word = weighJudgements(seen.judgements, { waived: rollout.waived, isWhole });
  if (word.kind !== 'not_enough_evidence') return undefined;
  return `evidence: ${word.judgement.reason}`;
}

function hasEnforcedGuard({ guards }: RolloutPlan): boolean {
  return Object.values(guards).some((guard) => guard.mode === 'enforce');
}

export function secondsSince(from: Date, now: Date): number {
  return (now.getTime() - from.getTime()) / 1000;
}
