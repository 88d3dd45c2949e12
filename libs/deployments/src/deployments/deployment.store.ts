import {
  type ChangeDeployment,
  type CreateDeployment,
  type DeploymentSummary,
  type DeploymentView,
  foldName,
  type Page,
  type PageQuery,
  RolloutPlan,
  Signature,
  SlipwayError,
  Task,
} from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, isUniqueViolation, newId, pageFrom, type Transaction, toJson } from '@slipway/platform';
import { hostSilentAfterMs } from '../hosts/host.js';
import { refuseOverQuota } from '../quotas/quota.store.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';
import { databaseNow } from '../rows/database-clock.store.js';
import { revisionInclude, toRevision } from './deployment-rows.js';
import { type DeploymentState, namesOf, revisionOf, servingRevision } from './deployment-state.js';
import { loadStates } from './deployment-state.store.js';
import { toDeploymentSummary, toDeploymentView } from './deployment-view.js';
import { lockDeployment, nameKey, noDeployment } from './lock-deployment.store.js';
import { refuseUnknownNames } from './refuse-unknown-names.store.js';
import { refuseUnmetGates } from './refuse-unmet-gates.store.js';
import { chooseVersion, findModel } from './version-choice.store.js';
import { announceWish, endWalkingRollout, startRollout } from './write-wish.store.js';

/** So many revisions are shown on a deployment; the list of revisions has them all. */
const shownRevisions = 50;

/** Deployments: the wishes about them as a whole, and the views of them. */
export class DeploymentStore {
  constructor(private readonly db: Database) {}

  /**
   * Creates a deployment with its first revision and starts the walk to it.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_READY, DEPLOYMENT_NAME_TAKEN
   */
  async create(by: ChangeBy, wish: CreateDeployment): Promise<DeploymentView> {
    try {
      await this.db.$transaction((tx) => createDeployment(tx, by, wish));
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new SlipwayError(
        'DEPLOYMENT_NAME_TAKEN',
        `there is already a deployment "${wish.name}" in this project; names differ by more than case`,
        {
          cause: error,
        },
      );
    }
    return this.view(by.projectId, wish.name);
  }

  /** One page, ordered by name. */
  async list(projectId: string, page: PageQuery): Promise<Page<DeploymentSummary>> {
    const list = `deployments:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    return atOneMoment(this.db, async (tx, now) => {
      const where = { projectId, deletedAt: null, ...(after === undefined ? {} : { nameFolded: { gt: after } }) };
      const states = await loadStates(tx, where, now, { take: page.limit + 1 });
      const silent = await silentHosts(tx, now);
      return pageFrom(states, {
        list,
        limit: page.limit,
        positionOf: (state) => foldName(state.deployment.name),
        toView: (state) => toDeploymentSummary(state, silent),
      });
    });
  }

  /** @throws SlipwayError DEPLOYMENT_NOT_FOUND */
  async view(projectId: string, name: string): Promise<DeploymentView> {
    return atOneMoment(this.db, async (tx, now) => {
      const [state] = await loadStates(tx, { projectId, nameFolded: nameKey(name), deletedAt: null }, now);
      if (state === undefined) throw noDeployment(name);
      const rows = await tx.revision.findMany({
        where: { deploymentId: state.deployment.id },
        include: revisionInclude,
        orderBy: { number: 'desc' },
        take: shownRevisions,
      });
      return toDeploymentView(state, {
        now,
        history: rows.map(toRevision),
        silentHosts: await silentHosts(tx, now),
        ...(await contractOf(tx, state)),
      });
    });
  }

  /**
   * Suspends (no instances, everything kept) or resumes. What served when it was suspended serves again when it is resumed; a rollout that
   * walked is over. Wishing what is already so changes nothing.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND
   */
  async suspend(by: ChangeBy, name: string, change: ChangeDeployment): Promise<DeploymentView> {
    await this.db.$transaction(async (tx) => {
      const { state, now } = await lockDeployment(tx, by.projectId, name);
      if (state.deployment.wish.suspended === change.suspended) return;
      await (change.suspended ? suspendDeployment(tx, by, state) : resumeDeployment(tx, by, state, now));
      const action = change.suspended ? 'deployment.suspended' : 'deployment.resumed';
      await announceWish(tx, {
        by,
        action,
        deployment: state.deployment,
        reason: change.reason,
        before: { suspended: !change.suspended, serving: namesOf(servingRevision(state)) },
        after: { suspended: change.suspended },
      });
    });
    return this.view(by.projectId, name);
  }

  /** Deletes: traffic ends at once, instances are drained, the name is free, the history stays. @throws SlipwayError DEPLOYMENT_NOT_FOUND */
  async remove(by: ChangeBy, name: string, reason?: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const { state, now } = await lockDeployment(tx, by.projectId, name);
      const { id } = state.deployment;
      await endWalkingRollout(tx, id, { wish: 'supersede', by: by.actor });
      await tx.deployment.update({ where: { id }, data: { deletedAt: now, epoch: { increment: 1 } } });
      const { modelName, fact, wish } = state.deployment;
      const before = { model: modelName, status: fact.status, suspended: wish.suspended, serving: namesOf(servingRevision(state)) };
      await announceWish(tx, { by, action: 'deployment.deleted', deployment: state.deployment, reason, before });
    });
  }
}

async function createDeployment(tx: Transaction, by: ChangeBy, wish: CreateDeployment): Promise<void> {
  const version = await chooseVersion(tx, await findModel(tx, by.projectId, wish.model), wish);
  await refuseUnmetGates(tx, version.versionId, wish.overrideGates);
  await refuseUnknownNames(tx, version.versionId, wish.spec);
  await refuseOverQuota(tx, {
    projectId: by.projectId,
    deploymentId: undefined,
    versionId: version.versionId,
    replicas: wish.replicas,
    spec: wish.spec,
  });
  const now = await databaseNow(tx);
  const id = newId('dep');
  const revisionId = newId('rev');
  await tx.deployment.create({
    data: {
      id,
      projectId: by.projectId,
      name: wish.name,
      nameFolded: foldName(wish.name),
      modelId: version.modelId,
      createdBy: by.actor,
      createdAt: now,
      nextRevision: 2,
      desiredRevisionId: revisionId,
    },
  });
  await tx.revision.create({
    data: {
      id: revisionId,
      deploymentId: id,
      number: 1,
      versionId: version.versionId,
      replicas: wish.replicas,
      spec: toJson(wish.spec),
      reason: wish.reason ?? null,
      createdBy: by.actor,
      createdAt: now,
    },
  });
  const rollout = { fromRevisionId: undefined, toRevisionId: revisionId, plan: RolloutPlan.parse({}), createdBy: by.actor, reason: wish.reason };
  await startRollout(tx, { deploymentId: id, epoch: 1, now, ...rollout });
  await announceWish(tx, {
    by,
    action: 'deployment.created',
    deployment: { id, name: wish.name },
    reason: wish.reason,
    after: {
      model: version.modelName,
      version: version.versionNumber,
      revision: 1,
      replicas: wish.replicas,
      spec: wish.spec,
      overrideGates: wish.overrideGates,
    },
  });
}

async function suspendDeployment(tx: Transaction, by: ChangeBy, state: DeploymentState): Promise<void> {
  const { id } = state.deployment;
  const served = servingRevision(state);
  await endWalkingRollout(tx, id, { wish: 'supersede', by: by.actor });
  // What served becomes the wish itself, so that resuming leads back to it and never to a candidate that was not through.
  const back = served === undefined ? {} : { wishKind: 'ROLLBACK', desiredRevisionId: served.id };
  await tx.deployment.update({ where: { id }, data: { suspended: true, epoch: { increment: 1 }, ...back } });
}

async function resumeDeployment(tx: Transaction, by: ChangeBy, state: DeploymentState, now: Date): Promise<void> {
  const { id, projectId, wish, fact } = state.deployment;
  const revision = revisionOf(state, wish.desiredRevisionId);
  if (revision !== undefined) await refuseOverQuota(tx, { ...revision, projectId, deploymentId: id });
  await tx.deployment.update({ where: { id }, data: { suspended: false, epoch: { increment: 1 } } });
  if (fact.activeRevisionId !== undefined || wish.kind === 'ROLLBACK' || wish.desiredRevisionId === undefined) return;
  // Nothing has ever served: the first walk starts anew.
  const rollout = {
    fromRevisionId: undefined,
    toRevisionId: wish.desiredRevisionId,
    plan: RolloutPlan.parse({}),
    createdBy: by.actor,
    reason: undefined,
  };
  await startRollout(tx, { deploymentId: id, epoch: wish.epoch + 1, now, ...rollout });
}

async function silentHosts(tx: Transaction, now: Date): Promise<ReadonlySet<string>> {
  const rows = await tx.host.findMany({ where: { lastSeenAt: { lt: new Date(now.getTime() - hostSilentAfterMs) } }, select: { id: true } });
  return new Set(rows.map((row) => row.id));
}

/** What clients must send and get: that of the revision that serves, or of the first one on its way. */
async function contractOf(tx: Transaction, state: DeploymentState): Promise<{ signature: Signature | null; task: Task | null }> {
  const revision = servingRevision(state) ?? state.revisions[0];
  if (revision === undefined) return { signature: null, task: null };
  const version = await tx.version.findUniqueOrThrow({ where: { id: revision.versionId }, select: { signature: true, task: true } });
  return { signature: Signature.nullable().parse(version.signature), task: Task.nullable().parse(version.task) };
}
