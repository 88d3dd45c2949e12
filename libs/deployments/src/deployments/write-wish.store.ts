import type { RolloutPlan } from '@slipway/contracts';
import { type ChangeBy, channels, enqueue, newId, nudge, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { advanceRollout, advanceRolloutJobId } from '../rollouts/advance-rollout.job.js';
import { recordTransition } from '../rollouts/record-transition.store.js';
import { walkingStatuses } from '../rollouts/rollout.js';

/** What happened to a deployment, for the event row. */
export interface WishEvent {
  readonly by: ChangeBy;
  readonly action: string;
  readonly deployment: { readonly id: string; readonly name: string };
  readonly reason?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Writes the event of a wish and tells gateways and planners to look again when the transaction commits. */
export async function announceWish(tx: Transaction, event: WishEvent): Promise<void> {
  await recordEvent(tx, {
    projectId: event.by.projectId,
    actor: event.by.actor,
    requestId: event.by.requestId,
    action: event.action,
    subject: { kind: 'deployment', id: event.deployment.id, name: event.deployment.name },
    reason: event.reason,
    before: event.before,
    after: event.after,
  });
  await nudge(tx, channels.routing);
  await nudge(tx, channels.instances);
}

export interface NewRollout {
  readonly deploymentId: string;
  /** The deployment's epoch after the wish that starts it. */
  readonly epoch: number;
  readonly fromRevisionId: string | undefined;
  readonly toRevisionId: string;
  readonly plan: RolloutPlan;
  /** The name that the plan was chosen by. */
  readonly planName?: string | undefined;
  /** Not before this time. */
  readonly scheduledFor?: Date | undefined;
  readonly overrideFreeze?: boolean;
  /** It has to wait before it may begin: for its time, or for a freeze window to end. */
  readonly mustWait?: boolean;
  readonly createdBy: string;
  readonly reason: string | undefined;
  readonly now: Date;
}

/** Starts the walk to a revision: the row, and the job that takes its first step. */
export async function startRollout(tx: Transaction, rollout: NewRollout): Promise<string> {
  const id = newId('rol');
  const phase = rollout.mustWait === true ? 'validating' : 'warming';
  await tx.rollout.create({
    data: {
      id,
      deploymentId: rollout.deploymentId,
      epoch: rollout.epoch,
      fromRevisionId: rollout.fromRevisionId ?? null,
      toRevisionId: rollout.toRevisionId,
      strategy: rollout.plan.strategy,
      plan: toJson(rollout.plan),
      planName: rollout.planName ?? null,
      scheduledFor: rollout.scheduledFor ?? null,
      overrideFreeze: rollout.overrideFreeze ?? false,
      phase,
      createdBy: rollout.createdBy,
      reason: rollout.reason ?? null,
      startedAt: rollout.now,
      stepStartedAt: rollout.now,
    },
  });
  await recordTransition(tx, {
    rolloutId: id,
    at: rollout.now,
    actor: rollout.createdBy,
    action: 'started',
    place: { status: 'PROGRESSING', phase, stage: undefined, weightPercent: 0 },
    reason: rollout.reason,
  });
  await enqueue(tx, advanceRollout, { rolloutId: id }, advanceRolloutJobId(id, 0));
  return id;
}

/** Who wants a rollout to end, and why. */
export interface EndWish {
  readonly wish: 'abort' | 'supersede';
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** Asks whatever rollout still walks to end. Whoever advances rollouts writes the end down; the wish alone keeps it from completing. */
export async function endWalkingRollout(tx: Transaction, deploymentId: string, { wish, by, reason }: EndWish): Promise<void> {
  const where = { status: { in: [...walkingStatuses] }, OR: [{ wish: null }, { wish: 'pause' }] };
  const walking = await tx.rollout.findMany({ where: { deploymentId, ...where }, select: { id: true } });
  for (const { id } of walking) {
    const { count } = await tx.rollout.updateMany({
      where: { id, ...where },
      data: { wish, wishBy: by ?? null, wishDetail: reason ?? null, rowVersion: { increment: 1 } },
    });
    // Step 1: the first step's job may be done already, and an id is used once.
    if (count === 1) await enqueue(tx, advanceRollout, { rolloutId: id }, advanceRolloutJobId(id, 1));
  }
}

/**
 * Changes the wish itself back to the revision that the rollout started from, so that nothing applies the candidate again; warm, it has all
 * traffic with this row alone. Does nothing when a newer wish is there, or when nothing served before.
 */
export async function wishBack(
  tx: Transaction,
  rollout: { readonly deploymentId: string; readonly epoch: number; readonly fromRevisionId: string | undefined },
): Promise<boolean> {
  if (rollout.fromRevisionId === undefined) return false;
  const { count } = await tx.deployment.updateMany({
    where: { id: rollout.deploymentId, epoch: rollout.epoch, deletedAt: null, suspended: false },
    data: { desiredRevisionId: rollout.fromRevisionId, wishKind: 'ROLLBACK', epoch: { increment: 1 } },
  });
  return count === 1;
}
