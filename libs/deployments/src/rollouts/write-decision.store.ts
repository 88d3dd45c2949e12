import type { GuardJudgement, RolloutCounts } from '@slipway/contracts';
import { type Prisma, type Transaction, toJson } from '@slipway/platform';
import { type DeploymentState, revisionOf } from '../deployments/deployment-state.js';
import { announceFact, writeActiveRevision } from '../deployments/write-fact.store.js';
import { wishBack } from '../deployments/write-wish.store.js';
import type { Decision } from './decide-step.js';
import { recordTransition } from './record-transition.store.js';
import { type AbortCause, type Rollout, walkingStatuses } from './rollout.js';

/** What guards said, and what of. */
export interface JudgedEvidence {
  readonly judgements: readonly GuardJudgement[];
  readonly counts: RolloutCounts;
}

/** A decision with all that is needed to write it down. */
export interface Move {
  readonly state: DeploymentState;
  readonly rollout: Rollout;
  readonly decision: Exclude<Decision, { kind: 'wait' }>;
  /** What it was decided by; undefined where nothing was judged. */
  readonly evidence: JudgedEvidence | undefined;
  readonly actor: string;
  readonly now: Date;
}

/** Undoes a transaction whose guards did not hold. */
export class LostRace extends Error {}

/** Causes after which the candidate may have a second chance: it can serve, whatever was found about its answers. */
const undoable: readonly AbortCause[] = ['GUARD_FAILED', 'HOOK_ABORTED', 'CONSECUTIVE_ERRORS', 'HARD_ERROR_SHARE'];

/** Writes a decision: facts, the wish where it changes back, the step of the walk, the event. @throws LostRace when somebody was faster. */
export async function writeDecision(tx: Transaction, move: Move): Promise<void> {
  const { state, rollout, decision, now } = move;
  const { id: deploymentId } = state.deployment;
  // The deployment first: wishes lock it first too, so the two never wait for each other.
  if (decision.kind === 'complete') {
    const done = await writeActiveRevision(tx, { deploymentId, epoch: rollout.epoch, revisionId: rollout.toRevisionId, now });
    if (!done) throw new LostRace();
  }
  if (decision.kind === 'end' || (decision.kind === 'abort' && decision.cause !== 'SUPERSEDED')) await wishBack(tx, rollout);
  const data = rowOf(move);
  const { count } = await tx.rollout.updateMany({
    where: { id: rollout.id, rowVersion: rollout.rowVersion, status: { in: [...walkingStatuses] } },
    data: {
      ...data,
      rowVersion: { increment: 1 },
      waitingFor: decision.kind === 'hold' ? decision.reason : null,
      ...(move.evidence === undefined ? {} : { judgements: toJson(move.evidence.judgements), counts: toJson(move.evidence.counts), judgedAt: now }),
    },
  });
  if (count === 0) throw new LostRace();
  await tell(tx, move, data);
}

type RolloutFacts = Pick<Rollout, 'status' | 'phase' | 'step' | 'weightPercent' | 'shadowPercent'>;

function rowOf({ state, rollout, decision, now }: Move): RolloutFacts & Prisma.RolloutUpdateManyMutationInput {
  const facts = {
    status: rollout.status,
    phase: rollout.phase,
    step: rollout.step,
    weightPercent: rollout.weightPercent,
    shadowPercent: rollout.shadowPercent,
  };
  switch (decision.kind) {
    case 'enter':
      return { ...facts, ...decision.place, status: 'PROGRESSING', stepStartedAt: now };
    case 'hold':
      return { ...facts, status: 'HELD' };
    case 'complete':
      return {
        ...facts,
        status: 'COMPLETED',
        phase: 'promoting',
        step: rollout.plan.stages.length,
        weightPercent: 100,
        shadowPercent: 0,
        finishedAt: now,
        undoUntil: undoUntil(state, rollout, rollout.fromRevisionId, now),
      };
    case 'end':
      return { ...facts, status: 'COMPLETED', step: rollout.plan.stages.length, weightPercent: 0, shadowPercent: 0, finishedAt: now };
    case 'abort': {
      const candidate = rollout.fromRevisionId !== undefined && undoable.includes(decision.cause) ? rollout.toRevisionId : undefined;
      return {
        ...facts,
        status: 'ABORTED',
        phase: 'rolling_back',
        weightPercent: 0,
        shadowPercent: 0,
        cause: decision.cause,
        causeDetail: decision.detail,
        finishedAt: now,
        undoUntil: undoUntil(state, rollout, candidate, now),
      };
    }
  }
}

/** Until when the revision that an undo would lead to is warm. */
function undoUntil(state: DeploymentState, rollout: Rollout, targetId: string | undefined, now: Date): Date | null {
  const target = revisionOf(state, targetId);
  if (target === undefined) return null;
  const seconds = rollout.plan.undoSeconds ?? target.spec.keepWarmSeconds;
  return seconds === 0 ? null : new Date(now.getTime() + seconds * 1000);
}

async function tell(tx: Transaction, move: Move, facts: RolloutFacts): Promise<void> {
  const { state, rollout, decision, now, actor } = move;
  const action = actionOf(decision);
  const reason = reasonOf(decision);
  const isBeforeStages = facts.phase === 'validating' || facts.phase === 'warming';
  const stage = isBeforeStages ? undefined : facts.step;
  await recordTransition(tx, {
    rolloutId: rollout.id,
    at: now,
    actor,
    action,
    place: { status: facts.status, phase: facts.phase, stage, weightPercent: facts.weightPercent },
    reason,
    judgements: move.evidence?.judgements ?? [],
  });
  const numbers = new Map(state.revisions.map((revision) => [revision.id, revision.number]));
  const walk = { rollout: rollout.id, from: numbers.get(rollout.fromRevisionId ?? '') ?? null, to: numbers.get(rollout.toRevisionId) ?? null };
  const { status, phase, step, weightPercent, shadowPercent } = rollout;
  await announceFact(tx, {
    deployment: state.deployment,
    actor,
    action: `rollout.${action}`,
    reason,
    before: { status, phase, stage: step, weightPercent, shadowPercent },
    after: {
      ...walk,
      status: facts.status,
      phase: facts.phase,
      stage: facts.step,
      weightPercent: facts.weightPercent,
      shadowPercent: facts.shadowPercent,
      ...(decision.kind === 'abort' ? { cause: decision.cause } : {}),
      ...(decision.kind === 'end' ? { promoted: false } : {}),
    },
  });
}

function actionOf(decision: Move['decision']): string {
  switch (decision.kind) {
    case 'enter':
      return decision.action === 'started' ? 'validated' : decision.action;
    case 'hold':
      return 'held';
    case 'complete':
    case 'end':
      return 'completed';
    case 'abort':
      return 'aborted';
  }
}

function reasonOf(decision: Move['decision']): string | undefined {
  if (decision.kind === 'hold') return decision.reason;
  if (decision.kind === 'abort') return decision.detail;
  return undefined;
}
