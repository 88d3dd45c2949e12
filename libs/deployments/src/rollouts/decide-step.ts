import type { GuardJudgement, RolloutPhase, RolloutStage } from '@slipway/contracts';
import { type Instance, isServing } from '../instances/instance.js';
import { decideStage, overdue, type StageObservation, secondsSince } from './decide-stage.js';
import type { OpenWindow } from './freeze-windows.js';
import { rollingReplicas } from './rolling-replicas.js';
import type { AbortCause, Rollout } from './rollout.js';
import { weighJudgements } from './weigh-judgements.js';

/** What is seen of a rollout's surroundings at one moment. */
export interface RolloutObservation {
  readonly deployment: { readonly epoch: number; readonly suspended: boolean; readonly deleted: boolean };
  /** Replicas that the target revision wants in the end, and those of the revision it started from. */
  readonly replicas: number;
  readonly stableReplicas: number;
  /** Why some of them could not be placed. */
  readonly unplacedReason: string | undefined;
  /** Instances of the target revision, failed ones included. */
  readonly instances: readonly Pick<Instance, 'status' | 'wish' | 'reason' | 'createdAt' | 'updatedAt'>[];
  /** The freeze window that is open for the deployment. */
  readonly frozen?: OpenWindow | undefined;
  /** What the present stage has shown; undefined where nobody could say (the decider has no way to read evidence). */
  readonly stage?: StageObservation | undefined;
}

/** Where a rollout goes next. */
export interface Place {
  readonly phase: RolloutPhase;
  readonly step: number;
  readonly weightPercent: number;
  readonly shadowPercent: number;
}

export type Decision =
  | { readonly kind: 'wait'; readonly retryInMs: number; readonly waitingFor: string | undefined }
  /** Goes on; `warmed` and `stage_entered` begin a stage, `moved` is a further batch of a rolling update. */
  | { readonly kind: 'enter'; readonly action: 'started' | 'stage_entered' | 'moved'; readonly place: Place }
  | { readonly kind: 'hold'; readonly reason: string }
  | { readonly kind: 'complete' }
  /** Over without a promotion, as planned. */
  | { readonly kind: 'end' }
  | { readonly kind: 'abort'; readonly cause: AbortCause; readonly detail: string };

/** Readiness is told by nudges; this is how long a lost one may go unnoticed. */
const pollMs = 1_000;

/**
 * The next step of a rollout: validating (its time, freeze windows) → warming (every wanted replica has loaded, warmed up and answered a canary
 * request) → the stages of its plan, in order → promoting.
 *
 * Taking back comes first and never waits: a person's or gateway's abort, a newer wish, instances that fail, a guard that fails. It happens
 * also while the rollout is paused, held or frozen. Forward it goes only when the stage is over (see `decideStage`), when nobody has paused it,
 * no freeze window is open, and it is warm. A person's word to promote skips what is left of the plan, but not a guard that fails while
 * the plan says that this takes the candidate back.
 * @param now on the database's clock.
 */
export function decideStep(rollout: Rollout, seen: RolloutObservation, now: Date): Decision {
  return (
    endByWish(rollout, seen) ??
    endByInstances(rollout, seen, now) ??
    endByGuards(rollout, seen) ??
    stay(rollout) ??
    holdByGuards(rollout, seen) ??
    goOn(rollout, seen, now)
  );
}

function endByWish(rollout: Rollout, seen: RolloutObservation): Decision | undefined {
  if (rollout.wish === 'abort') {
    return {
      kind: 'abort',
      cause: rollout.wishCause ?? 'ABORT_REQUESTED',
      detail: rollout.wishDetail ?? 'a person asked to abort the rollout',
    };
  }
  if (rollout.wish === 'supersede' || seen.deployment.deleted || seen.deployment.suspended || seen.deployment.epoch !== rollout.epoch) {
    return { kind: 'abort', cause: 'SUPERSEDED', detail: 'a newer wish for the deployment took its place' };
  }
  return undefined;
}

/** Too many failures, or not warm in time. Enough ready instances make up for failed ones. */
function endByInstances(rollout: Rollout, seen: RolloutObservation, now: Date): Decision | undefined {
  if (rollout.phase === 'validating') return undefined;
  const ready = countReady(seen);
  const needed = neededReplicas(rollout, seen);
  if (ready >= needed) return undefined;
  const failed = seen.instances.filter((instance) => instance.status === 'FAILED' && instance.createdAt >= rollout.startedAt);
  if (failed.length >= rollout.plan.maxFailures) {
    return { kind: 'abort', cause: 'CANDIDATE_FAILED', detail: `${failed.length} instances failed; the last one: ${lastReason(failed)}` };
  }
  const isStarting = rollout.phase === 'warming' || isRolling(rollout);
  const seconds = rollout.plan.maxWarmingSeconds;
  if (!isStarting || rollout.status !== 'PROGRESSING' || secondsSince(rollout.stepStartedAt, now) < seconds) return undefined;
  return { kind: 'abort', cause: 'TIMED_OUT', detail: `${ready} of ${needed} instances became ready within ${seconds} s${because(seen)}` };
}

/** What instances lack that found no host. */
function because({ unplacedReason }: RolloutObservation): string {
  return unplacedReason === undefined ? '' : `: ${unplacedReason}`;
}

function endByGuards(rollout: Rollout, seen: RolloutObservation): Decision | undefined {
  const word = weighJudgements(judgementsOf(seen), rollout);
  if (word.kind !== 'fail' || rollout.plan.onFail !== 'roll-back') return undefined;
  return { kind: 'abort', cause: 'GUARD_FAILED', detail: word.judgement.reason };
}

/** A person has the word; one that wants it promoted has given it. */
function stay(rollout: Rollout): Decision | undefined {
  if (rollout.promoteNow || (rollout.status === 'PROGRESSING' && rollout.wish !== 'pause')) return undefined;
  return { kind: 'wait', retryInMs: pollMs, waitingFor: rollout.waitingFor };
}

function holdByGuards(rollout: Rollout, seen: RolloutObservation): Decision | undefined {
  if (rollout.promoteNow) return undefined;
  const word = weighJudgements(judgementsOf(seen), rollout);
  if (word.kind !== 'fail' && word.kind !== 'common_fault') return undefined;
  return { kind: 'hold', reason: word.judgement.reason };
}

function goOn(rollout: Rollout, seen: RolloutObservation, now: Date): Decision {
  const leftMs = (rollout.scheduledFor?.getTime() ?? 0) - now.getTime();
  if (rollout.phase === 'validating' && leftMs > 0) return wait(`its time, ${rollout.scheduledFor?.toISOString()}`, leftMs);
  const moved = nextMove(rollout, seen, now);
  const isForward = moved.kind === 'enter' || moved.kind === 'complete';
  if (!isForward || seen.frozen === undefined || rollout.overrideFreeze) return moved;
  const { name, until, reason } = seen.frozen;
  const because = reason === undefined ? '' : `: ${reason}`;
  return wait(`the end of the freeze window "${name}" at ${until.toISOString()}${because}`);
}

function nextMove(rollout: Rollout, seen: RolloutObservation, now: Date): Decision {
  if (rollout.phase === 'validating') return enter('started', { ...atRest(rollout), phase: 'warming' });
  const ready = countReady(seen);
  const needed = rollout.promoteNow ? seen.replicas : neededReplicas(rollout, seen);
  if (ready < needed) return waitForInstances(rollout, `${needed - ready} of ${needed} instances to become ready${because(seen)}`, now);
  // A guard may fail right now: whoever cannot judge the stage leaves the promotion to somebody who can.
  if (rollout.promoteNow) return isInStage(rollout) && seen.stage === undefined ? wait(rollout.waitingFor) : { kind: 'complete' };
  if (rollout.phase === 'warming') return beginStage(rollout, 0, seen);
  const stage = rollout.plan.stages[rollout.step];
  // Whoever cannot judge it leaves the next batch to somebody who can.
  if (stage === undefined) return seen.stage === undefined ? wait(rollout.waitingFor) : moveBatch(rollout, seen);
  const isLast = rollout.step === rollout.plan.stages.length - 1;
  const state = decideStage({ rollout, stage, isLast }, seen.stage, now);
  if (state.kind === 'over') return beginStage(rollout, rollout.step + 1, seen);
  return state.kind === 'hold' ? state : wait(state.waitingFor);
}

/** Of a stage with a longest time no longer than that; warming and the batches of a rolling update have their own, see `endByInstances`. */
function waitForInstances(rollout: Rollout, waitingFor: string, now: Date): Decision {
  const stage = isInStage(rollout) && !rollout.promoteNow ? rollout.plan.stages[rollout.step] : undefined;
  if (stage === undefined || stage.kind === 'replay' || secondsSince(rollout.stepStartedAt, now) < stage.maxDurationSeconds) return wait(waitingFor);
  return { kind: 'hold', reason: overdue(stage.maxDurationSeconds, waitingFor) };
}

/** The stage with this index, or what comes after the last one. */
function beginStage(rollout: Rollout, step: number, seen: RolloutObservation): Decision {
  const stage = rollout.plan.stages[step];
  if (stage !== undefined) return enter('stage_entered', placeOf(stage, step));
  return rollout.strategy === 'rolling' ? moveBatch({ ...rollout, step }, seen) : afterStages(rollout);
}

function placeOf(stage: RolloutStage, step: number): Place {
  switch (stage.kind) {
    // Recorded requests are copies too: callers get the answers of stable alone.
    case 'replay':
      return { phase: 'shadowing', step, weightPercent: 0, shadowPercent: 0 };
    case 'shadow':
      return { phase: 'shadowing', step, weightPercent: 0, shadowPercent: stage.samplePercent };
    case 'step':
      return { phase: 'step', step, weightPercent: stage.weightPercent, shadowPercent: 0 };
  }
}

/** Rolling: the share that the ready replicas stand for, a batch at a time. They are ready, or this is not reached. */
function moveBatch(rollout: Rollout, seen: RolloutObservation): Decision {
  const { candidate } = rollingReplicas(rollout, { candidate: seen.replicas, stable: seen.stableReplicas });
  if (candidate >= seen.replicas) return afterStages(rollout);
  return enter('moved', { phase: 'step', step: rollout.plan.stages.length, weightPercent: (100 * candidate) / seen.replicas, shadowPercent: 0 });
}

function afterStages(rollout: Rollout): Decision {
  if (rollout.plan.afterStages === 'promote') return { kind: 'complete' };
  if (rollout.plan.afterStages === 'end') return { kind: 'end' };
  return { kind: 'hold', reason: 'all stages are done; the plan asks a person to promote it or to take it back' };
}

/** Ready instances without which it does not go on: all of them, but a rolling update brings them up a batch at a time. */
function neededReplicas(rollout: Rollout, seen: RolloutObservation): number {
  if (rollout.strategy !== 'rolling') return seen.replicas;
  return rollingReplicas(rollout, { candidate: seen.replicas, stable: seen.stableReplicas }).candidate;
}

function isInStage({ phase }: Rollout): boolean {
  return phase === 'shadowing' || phase === 'step';
}

function isRolling(rollout: Rollout): boolean {
  return rollout.strategy === 'rolling' && rollout.step >= rollout.plan.stages.length;
}

function atRest({ phase, step, weightPercent, shadowPercent }: Rollout): Place {
  return { phase, step, weightPercent, shadowPercent };
}

function enter(action: 'started' | 'stage_entered' | 'moved', place: Place): Decision {
  return { kind: 'enter', action, place };
}

function wait(waitingFor: string | undefined, retryInMs = pollMs): Decision {
  return { kind: 'wait', waitingFor, retryInMs: Math.min(pollMs, retryInMs) };
}

function judgementsOf(seen: RolloutObservation): readonly GuardJudgement[] {
  return seen.stage?.judgements ?? [];
}

function countReady(seen: RolloutObservation): number {
  return seen.instances.filter(isServing).length;
}

function lastReason(failed: RolloutObservation['instances']): string {
  const last = failed.reduce((newest, at) => (at.updatedAt > newest.updatedAt ? at : newest));
  return last.reason ?? 'it gave no reason';
}
