import { type Rollback, SlipwayError } from '@slipway/contracts';
import type { ChangeBy, Database, Transaction } from '@slipway/platform';
import { revisionInclude, toRevision } from '../deployments/deployment-rows.js';
import { type DeploymentState, hasReadyInstance, namesOf, servingRevision, walkingRollout } from '../deployments/deployment-state.js';
import { lockDeployment, refuseSuspended } from '../deployments/lock-deployment.store.js';
import { refuseUnmetGates } from '../deployments/refuse-unmet-gates.store.js';
import { announceWish, endWalkingRollout } from '../deployments/write-wish.store.js';
import type { Revision } from '../revisions/revision.js';
import { recordTransition } from './record-transition.store.js';
import { undoTarget } from './rollout-view.js';

/** Goes back to an earlier revision. */
export class RollbackStore {
  constructor(private readonly db: Database) {}

  /**
   * Writes the wish to roll back; a target with a ready instance takes the traffic as soon as gateways see the row, without queue or
   * worker, another one once it is ready. A rollout that walks is over. Without a revision: during a rollout, stay with what serves now;
   * else the revision that served when the present one was deployed. So wishing it twice never leads back to the bad one. By its number also a
   * candidate can be gone to that a guard took back, for as long as that may be undone.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND, REVISION_NOT_FOUND, ROLLBACK_NOWHERE, DEPLOYMENT_SUSPENDED, DEPLOYMENT_CHANGED
   */
  async rollBack(by: ChangeBy, name: string, wish: Rollback): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const { state, now } = await lockDeployment(tx, by.projectId, name);
      const { deployment } = state;
      refuseSuspended(state);
      const target = wish.revision === undefined ? await defaultTarget(tx, state) : await namedTarget(tx, state, wish.revision, now);
      refuseWhileUnsettled(state, target);
      const serving = servingRevision(state);
      await endWalkingRollout(tx, deployment.id, { wish: 'supersede', by: by.actor, reason: wish.reason });
      await tx.deployment.update({
        where: { id: deployment.id },
        data: { desiredRevisionId: target.id, wishKind: 'ROLLBACK', epoch: { increment: 1 } },
      });
      await noteUndo(tx, { by, state, target, reason: wish.reason, now });
      await announceWish(tx, {
        by,
        action: 'deployment.rolled_back',
        deployment,
        reason: wish.reason,
        before: namesOf(serving),
        after: { revision: target.number, version: target.versionNumber, warm: hasReadyInstance(state, target.id) },
      });
    });
  }
}

async function defaultTarget(tx: Transaction, state: DeploymentState): Promise<Revision> {
  const { name } = state.deployment;
  const serving = servingRevision(state);
  if (serving === undefined) throw nowhere(`no revision of "${name}" has served yet, so there is nothing to go back to`);
  if (walkingRollout(state) !== undefined) return serving;
  const arrival = await tx.rollout.findFirst({
    where: { deploymentId: state.deployment.id, toRevisionId: serving.id },
    orderBy: { startedAt: 'asc' },
    select: { fromRevisionId: true },
  });
  if (arrival === null || arrival.fromRevisionId === null) {
    throw nowhere(`revision ${serving.number} of "${name}" serves, and none served before it; name another revision to go to`);
  }
  return toRevision(await tx.revision.findUniqueOrThrow({ where: { id: arrival.fromRevisionId }, include: revisionInclude }));
}

async function namedTarget(tx: Transaction, state: DeploymentState, number: number, now: Date): Promise<Revision> {
  const { id, name } = state.deployment;
  const row = await tx.revision.findUnique({ where: { deploymentId_number: { deploymentId: id, number } }, include: revisionInclude });
  if (row === null) throw new SlipwayError('REVISION_NOT_FOUND', `the deployment "${name}" has no revision ${number}`);
  const target = toRevision(row);
  if (target.id === servingRevision(state)?.id && walkingRollout(state) === undefined) {
    throw nowhere(`revision ${number} of "${name}" serves already`);
  }
  const isUndo = state.rollout !== undefined && undoTarget(state.rollout, state, now) === target.id;
  if (target.activatedAt === undefined && !isUndo)
    throw nowhere(`revision ${number} of "${name}" has never served; deploy version ${target.versionNumber} instead`);
  // A shadow's gates were not asked when it began, because it was to end without live callers.
  if (target.activatedAt === undefined && state.rollout?.plan.afterStages === 'end') await refuseUnmetGates(tx, target.versionId, false);
  return target;
}

/** An undo stands in the walk of the rollout that it undoes. */
async function noteUndo(
  tx: Transaction,
  undo: {
    readonly by: ChangeBy;
    readonly state: DeploymentState;
    readonly target: Revision;
    readonly reason: string | undefined;
    readonly now: Date;
  },
): Promise<void> {
  const { rollout } = undo.state;
  if (rollout === undefined || undoTarget(rollout, undo.state, undo.now) !== undo.target.id) return;
  await tx.rollout.update({ where: { id: rollout.id }, data: { undoUntil: null, rowVersion: { increment: 1 } } });
  const { status, phase, step: stage, weightPercent } = rollout;
  await recordTransition(tx, {
    rolloutId: rollout.id,
    at: undo.now,
    actor: undo.by.actor,
    action: 'undone',
    place: { status, phase, stage, weightPercent },
    reason: undo.reason,
  });
}

/** Between a rollback's effect and its being written down, going to a cold revision would send traffic through the one rolled back from. */
function refuseWhileUnsettled(state: DeploymentState, target: Revision): void {
  const serving = servingRevision(state);
  if (serving === undefined || serving.id === state.deployment.fact.activeRevisionId || hasReadyInstance(state, target.id)) return;
  throw new SlipwayError(
    'DEPLOYMENT_CHANGED',
    `the rollback to revision ${serving.number} is still being settled and revision ${target.number} is not warm; try again in a moment`,
  );
}

function nowhere(message: string): SlipwayError {
  return new SlipwayError('ROLLBACK_NOWHERE', message);
}
