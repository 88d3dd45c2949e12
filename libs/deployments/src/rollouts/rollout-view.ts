import type { RolloutActionName, RolloutView } from '@slipway/contracts';
import type { DeploymentState } from '../deployments/deployment-state.js';
import type { Revision } from '../revisions/revision.js';
import type { Rollout } from './rollout.js';
import { isWalking } from './rollout.js';

/** What of a deployment a view of its rollouts looks at. */
export type RolloutSurroundings = Pick<DeploymentState, 'deployment'>;

export function toRolloutView(
  rollout: Rollout,
  state: RolloutSurroundings,
  seen: { readonly revisions: ReadonlyMap<string, Pick<Revision, 'number' | 'versionNumber'>>; readonly now: Date },
): RolloutView {
  const from = rollout.fromRevisionId === undefined ? undefined : seen.revisions.get(rollout.fromRevisionId);
  const to = seen.revisions.get(rollout.toRevisionId);
  return {
    id: rollout.id,
    deployment: state.deployment.name,
    fromRevision: from?.number ?? null,
    fromVersion: from?.versionNumber ?? null,
    toRevision: to?.number ?? 0,
    toVersion: to?.versionNumber ?? 0,
    strategy: rollout.strategy,
    status: rollout.status,
    phase: rollout.phase,
    step: rollout.step,
    stageStartedAt: rollout.stepStartedAt.toISOString(),
    weightPercent: rollout.weightPercent,
    shadowPercent: rollout.shadowPercent,
    plan: rollout.plan,
    planName: rollout.planName ?? null,
    waitingFor: rollout.finishedAt === undefined ? (rollout.waitingFor ?? null) : null,
    actions: [...possibleActions(rollout, state, seen.now)],
    judgements: [...rollout.judgements],
    judgedAt: rollout.judgedAt?.toISOString() ?? null,
    counts: rollout.counts ?? null,
    cause: rollout.cause ?? null,
    causeDetail: rollout.causeDetail ?? null,
    reason: rollout.reason ?? null,
    createdBy: rollout.createdBy,
    startedAt: rollout.startedAt.toISOString(),
    scheduledFor: rollout.scheduledFor?.toISOString() ?? null,
    finishedAt: rollout.finishedAt?.toISOString() ?? null,
    undoUntil: rollout.undoUntil?.toISOString() ?? null,
  };
}

/** A rollout that goes all at once has nothing between its start and its end that a person could decide about. */
export function hasSteps({ plan }: Pick<Rollout, 'plan'>): boolean {
  return plan.stages.length > 0 || plan.strategy === 'rolling';
}

/** What a person may do about a rollout now. */
export function possibleActions(rollout: Rollout, state: RolloutSurroundings, now: Date): readonly RolloutActionName[] {
  if (rollout.finishedAt !== undefined) return undoTarget(rollout, state, now) === undefined ? [] : ['undo'];
  if (!isWalking(rollout) || rollout.epoch !== state.deployment.wish.epoch) return [];
  if (!hasSteps(rollout)) return ['abort'];
  if (rollout.promoteNow) return ['abort'];
  const stage = rollout.plan.stages[rollout.step];
  const isBeforeStages = rollout.phase === 'validating' || rollout.phase === 'warming';
  const isUnapproved = stage?.approval === true && !isBeforeStages && (rollout.approvedStage ?? -1) < rollout.step;
  return [...(isUnapproved ? (['approve'] as const) : []), rollout.status === 'PROGRESSING' ? 'pause' : 'resume', 'promote', 'abort'];
}

/**
 * The revision that an undo of a finished rollout leads to at once: after a promotion the old one, after a guard or gateway took it back the
 * candidate. Undefined when the time is over, or when something else has been wished since.
 */
export function undoTarget(rollout: Rollout, state: RolloutSurroundings, now: Date): string | undefined {
  const { wish, fact } = state.deployment;
  if (rollout.undoUntil === undefined || rollout.undoUntil <= now || wish.suspended) return undefined;
  if (rollout.status === 'COMPLETED') {
    return wish.epoch === rollout.epoch && fact.activeRevisionId === rollout.toRevisionId ? rollout.fromRevisionId : undefined;
  }
  const isLatestWish = wish.epoch === rollout.epoch + 1 && wish.kind === 'ROLLBACK' && wish.desiredRevisionId === rollout.fromRevisionId;
  return rollout.status === 'ABORTED' && isLatestWish ? rollout.toRevisionId : undefined;
}
