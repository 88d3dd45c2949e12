import { type Rollback, SlipwayError } from '@slipway/contracts';
import type { ChangeBy, Database, Transaction } from '@slipway/platform';
import { revisionInclude, toRevision } from '../deployments/deployment-rows.js';
import { type DeploymentState, hasReadyInstance, namesOf, servingRevision, walkingRollout } from '../deployments/deployment-state.js';
import { lockDeployment, refuseSuspended } from '../deployments/lock-deployment.store.js';
import { announceWish, endWalkingRollout } from '../deployments/write-wish.store.js';
import type { Revision } from '../revisions/revision.js';

/** Goes back to an earlier revision. */
export class RollbackStore {
  constructor(private readonly db: Database) {}

  /**
   * Writes the wish to roll back; a target with a ready instance takes the traffic as soon as gateways see the row, without queue or
   * worker, another one once it is ready. A rollout that walks is over. Without a revision: during a rollout, stay with what serves now;
   * else the revision that served when the present one was deployed. So wishing it twice never leads back to the bad one.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND, REVISION_NOT_FOUND, ROLLBACK_NOWHERE, DEPLOYMENT_SUSPENDED, DEPLOYMENT_CHANGED
   */
  async rollBack(by: ChangeBy, name: string, wish: Rollback): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const { state } = await lockDeployment(tx, by.projectId, name);
      const { deployment } = state;
      refuseSuspended(state);
      const target = wish.revision === undefined ? await defaultTarget(tx, state) : await namedTarget(tx, state, wish.revision);
      refuseWhileUnsettled(state, target);
      const serving = servingRevision(state);
      await endWalkingRollout(tx, deployment.id, 'supersede');
      await tx.deployment.update({
        where: { id: deployment.id },
        data: { desiredRevisionId: target.id, wishKind: 'ROLLBACK', epoch: { increment: 1 } },
      });
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
    where: { deploymentId: state.deployment.id, toRevisionId: serving.id, status: 'COMPLETED' },
    orderBy: { startedAt: 'asc' },
    select: { fromRevisionId: true },
  });
  if (arrival === null || arrival.fromRevisionId === null) {
    throw nowhere(`revision ${serving.number} of "${name}" serves, and none served before it; name another revision to go to`);
  }
  return toRevision(await tx.revision.findUniqueOrThrow({ where: { id: arrival.fromRevisionId }, include: revisionInclude }));
}

async function namedTarget(tx: Transaction, state: DeploymentState, number: number): Promise<Revision> {
  const { id, name } = state.deployment;
  const row = await tx.revision.findUnique({ where: { deploymentId_number: { deploymentId: id, number } }, include: revisionInclude });
  if (row === null) throw new SlipwayError('REVISION_NOT_FOUND', `the deployment "${name}" has no revision ${number}`);
  const target = toRevision(row);
  if (target.id === servingRevision(state)?.id && walkingRollout(state) === undefined) {
    throw nowhere(`revision ${number} of "${name}" serves already`);
  }
  if (target.activatedAt === undefined)
    throw nowhere(`revision ${number} of "${name}" has never served; deploy version ${target.versionNumber} instead`);
  return target;
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
