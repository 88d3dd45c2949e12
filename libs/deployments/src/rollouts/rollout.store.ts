import { type RolloutView, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, type Database, type Transaction } from '@slipway/platform';
import { type DeploymentState, revisionOf, walkingRollout } from '../deployments/deployment-state.js';
import { loadStates } from '../deployments/deployment-state.store.js';
import { toRolloutView } from '../deployments/deployment-view.js';
import { lockDeployment, nameKey, noDeployment } from '../deployments/lock-deployment.store.js';
import { announceFact, writeActiveRevision } from '../deployments/write-fact.store.js';
import { announceWish, endWalkingRollout } from '../deployments/write-wish.store.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';
import { databaseNow } from '../rows/database-clock.store.js';
import { type Decision, decideStep } from './decide-step.js';
import { type Rollout, walkingStatuses } from './rollout.js';

/** Rollouts: the wishes of people about them (API) and the steps they take (worker). */
export class RolloutStore {
  constructor(private readonly db: Database) {}

  /** The newest rollout of a deployment. @throws SlipwayError DEPLOYMENT_NOT_FOUND, ROLLOUT_NOT_FOUND */
  async latest(projectId: string, name: string): Promise<RolloutView> {
    const [state] = await atOneMoment(this.db, (tx, now) => loadStates(tx, { projectId, nameFolded: nameKey(name), deletedAt: null }, now));
    if (state === undefined) throw noDeployment(name);
    if (state.rollout === undefined) throw new SlipwayError('ROLLOUT_NOT_FOUND', `the deployment "${name}" has had no rollout`);
    return toRolloutView(state.rollout, new Map(state.revisions.map((revision) => [revision.id, revision])));
  }

  /** Asks the rollout that walks to end; traffic stays where it is. @throws SlipwayError DEPLOYMENT_NOT_FOUND, ROLLOUT_NOT_FOUND, ROLLOUT_FINISHED */
  async abort(by: ChangeBy, name: string, reason?: string): Promise<RolloutView> {
    await this.db.$transaction(async (tx) => {
      const { state } = await lockDeployment(tx, by.projectId, name);
      if (state.rollout === undefined) throw new SlipwayError('ROLLOUT_NOT_FOUND', `the deployment "${name}" has had no rollout`);
      const walking = walkingRollout(state);
      if (walking === undefined) throw finished(state);
      await endWalkingRollout(tx, state.deployment.id, 'abort');
      const { id: rollout, status } = walking;
      await announceWish(tx, {
        by,
        action: 'rollout.abort_requested',
        deployment: state.deployment,
        reason,
        before: { rollout, status, wish: null },
        after: { rollout, status, wish: 'abort' },
      });
    });
    return this.latest(by.projectId, name);
  }

  /** Ids of the rollouts that are not finished, oldest first. */
  async listUnfinished(limit = 1000): Promise<string[]> {
    const rows = await this.db.rollout.findMany({
      where: { status: { in: [...walkingStatuses] } },
      orderBy: { startedAt: 'asc' },
      take: limit,
      select: { id: true },
    });
    return rows.map((row) => row.id);
  }

  /**
   * Takes a rollout one step further: reads, decides, writes. May run twice, late, or after the wish has changed: a write made for an older
   * epoch or row version changes nothing.
   * @returns what was done; `lost` when somebody else was faster, `gone` when there is nothing to do any more.
   */
  async advance(rolloutId: string): Promise<Decision['kind'] | 'lost' | 'gone'> {
    const row = await this.db.rollout.findUnique({ where: { id: rolloutId }, select: { deploymentId: true } });
    if (row === null) return 'gone';
    const now = await databaseNow(this.db);
    const [state] = await atOneMoment(this.db, (tx) => loadStates(tx, { id: row.deploymentId }, now, { rolloutId }));
    const rollout = state?.rollout;
    if (state === undefined || rollout === undefined || !walkingStatuses.some((status) => status === rollout.status)) return 'gone';
    const decision = decideStep(rollout, observe(state, rollout), now);
    if (decision.kind === 'wait') return 'wait';
    const written = await this.db.$transaction((tx) => write(tx, state, rollout, decision, now)).catch(lostRace);
    return written ? decision.kind : 'lost';
  }
}

function finished(state: DeploymentState): SlipwayError {
  const status = state.rollout?.status === 'COMPLETED' ? 'is completed; roll back to undo it' : 'is over';
  return new SlipwayError('ROLLOUT_FINISHED', `the latest rollout of "${state.deployment.name}" ${status}`);
}

function observe(state: DeploymentState, rollout: Rollout) {
  const { wish } = state.deployment;
  const target = revisionOf(state, rollout.toRevisionId);
  return {
    deployment: { epoch: wish.epoch, suspended: wish.suspended, deleted: wish.deletedAt !== undefined },
    replicas: target?.replicas ?? 1,
    unplacedReason: target?.unplacedReason,
    instances: state.instances.filter((instance) => instance.revisionId === rollout.toRevisionId),
  };
}

/** Undoes a transaction whose guards did not hold. */
class LostRace extends Error {}

function lostRace(error: unknown): false {
  if (error instanceof LostRace) return false;
  throw error;
}

async function write(
  tx: Transaction,
  state: DeploymentState,
  rollout: Rollout,
  decision: Exclude<Decision, { kind: 'wait' }>,
  now: Date,
): Promise<true> {
  const { deployment } = state;
  const completes = decision.kind === 'complete';
  // The deployment first: wishes lock it first too, so the two never wait for each other.
  if (completes && !(await writeActiveRevision(tx, { deploymentId: deployment.id, epoch: rollout.epoch, revisionId: rollout.toRevisionId, now }))) {
    throw new LostRace();
  }
  const { count } = await tx.rollout.updateMany({
    where: { id: rollout.id, rowVersion: rollout.rowVersion, status: { in: [...walkingStatuses] } },
    data: {
      rowVersion: { increment: 1 },
      finishedAt: now,
      ...(completes
        ? { status: 'COMPLETED', phase: 'promoting' }
        : { status: 'ABORTED', phase: 'rolling_back', cause: decision.cause, causeDetail: decision.detail }),
    },
  });
  if (count === 0) throw new LostRace();
  const numbers = new Map(state.revisions.map((revision) => [revision.id, revision.number]));
  const walk = { rollout: rollout.id, from: numbers.get(rollout.fromRevisionId ?? '') ?? null, to: numbers.get(rollout.toRevisionId) ?? null };
  await announceFact(tx, {
    deployment,
    actor: 'system:rollouts',
    action: completes ? 'rollout.completed' : 'rollout.aborted',
    reason: completes ? undefined : decision.detail,
    before: { status: rollout.status, phase: rollout.phase },
    after: completes ? { ...walk, status: 'COMPLETED' } : { ...walk, status: 'ABORTED', cause: decision.cause },
  });
  return true;
}
