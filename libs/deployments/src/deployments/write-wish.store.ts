import { RolloutPlan } from '@slipway/contracts';
import { type ChangeBy, channels, enqueue, newId, nudge, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { advanceRollout, advanceRolloutJobId } from '../rollouts/advance-rollout.job.js';
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
  readonly strategy: string;
  readonly createdBy: string;
  readonly reason: string | undefined;
  readonly now: Date;
}

/** Starts the walk to a revision: the row, and the job that takes its first step. */
export async function startRollout(tx: Transaction, rollout: NewRollout): Promise<string> {
  const id = newId('rol');
  await tx.rollout.create({
    data: {
      id,
      deploymentId: rollout.deploymentId,
      epoch: rollout.epoch,
      fromRevisionId: rollout.fromRevisionId ?? null,
      toRevisionId: rollout.toRevisionId,
      strategy: rollout.strategy,
      plan: toJson(RolloutPlan.parse({ strategy: rollout.strategy })),
      createdBy: rollout.createdBy,
      reason: rollout.reason ?? null,
      startedAt: rollout.now,
      stepStartedAt: rollout.now,
    },
  });
  await enqueue(tx, advanceRollout, { rolloutId: id }, advanceRolloutJobId(id, 0));
  return id;
}

/** Asks whatever rollout still walks to end. The worker writes the end down; the wish alone keeps it from completing. */
export async function endWalkingRollout(tx: Transaction, deploymentId: string, wish: 'abort' | 'supersede'): Promise<void> {
  const walking = await tx.rollout.findMany({ where: { deploymentId, status: { in: [...walkingStatuses] }, wish: null }, select: { id: true } });
  for (const { id } of walking) {
    const { count } = await tx.rollout.updateMany({
      where: { id, status: { in: [...walkingStatuses] }, wish: null },
      data: { wish, rowVersion: { increment: 1 } },
    });
    // Step 1: the first step's job may be done already, and an id is used once.
    if (count === 1) await enqueue(tx, advanceRollout, { rolloutId: id }, advanceRolloutJobId(id, 1));
  }
}
