import type { CreateRevision, Page, PageQuery, RevisionView } from '@slipway/contracts';
import { RevisionSpec, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, newId, pageFrom, type Transaction, toJson } from '@slipway/platform';
import { revisionInclude, toRevision } from '../deployments/deployment-rows.js';
import { type DeploymentState, namesOf, servingRevision, walkingRollout } from '../deployments/deployment-state.js';
import { loadStates } from '../deployments/deployment-state.store.js';
import { toRevisionView } from '../deployments/deployment-view.js';
import { lockDeployment, nameKey, noDeployment, refuseSuspended } from '../deployments/lock-deployment.store.js';
import { type ChosenVersion, chooseVersion } from '../deployments/version-choice.store.js';
import { announceWish, endWalkingRollout, startRollout } from '../deployments/write-wish.store.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';

/** Revisions of a deployment: a new one is a deploy. */
export class RevisionStore {
  constructor(private readonly db: Database) {}

  /**
   * Deploys: a new revision and the walk to it. What is not said stays as it is on the revision that serves. While another rollout walks,
   * the wish is refused, so of several at once one wins and the others learn that they lost.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND, VERSION_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_READY, ROLLOUT_IN_PROGRESS, DEPLOYMENT_SUSPENDED,
   * DEPLOYMENT_CHANGED
   */
  async create(by: ChangeBy, name: string, wish: CreateRevision): Promise<void> {
    const seen = await this.db.deployment.findFirst({
      where: { projectId: by.projectId, nameFolded: nameKey(name), deletedAt: null },
      select: { epoch: true },
    });
    if (seen === null) throw noDeployment(name);
    await this.db.$transaction(async (tx) => {
      const { state, now } = await lockDeployment(tx, by.projectId, name);
      const { deployment } = state;
      const version = await chooseVersion(tx, { id: deployment.modelId, name: deployment.modelName }, wish);
      refuseSuspended(state);
      refuseWhileWalking(state);
      if (deployment.wish.epoch !== seen.epoch) {
        throw new SlipwayError('DEPLOYMENT_CHANGED', `the deployment "${deployment.name}" was changed at the same moment; look at it and try again`);
      }
      await deploy(tx, { by, state, version, wish, now });
    });
  }

  /** One page, newest first. @throws SlipwayError DEPLOYMENT_NOT_FOUND */
  async list(projectId: string, name: string, page: PageQuery): Promise<Page<RevisionView>> {
    const [state] = await atOneMoment(this.db, (tx, now) => loadStates(tx, { projectId, nameFolded: nameKey(name), deletedAt: null }, now));
    if (state === undefined) throw noDeployment(name);
    const list = `revisions:${state.deployment.id}`;
    const before = decodeCursor(list, page.cursor);
    const rows = await this.db.revision.findMany({
      where: { deploymentId: state.deployment.id, ...(before === undefined ? {} : { number: { lt: Number(before) } }) },
      include: revisionInclude,
      orderBy: { number: 'desc' },
      take: page.limit + 1,
    });
    const positionOf = (row: { number: number }) => String(row.number);
    return pageFrom(rows, { list, limit: page.limit, positionOf, toView: (row) => toRevisionView(state, toRevision(row)) });
  }
}

function refuseWhileWalking(state: DeploymentState): void {
  const walking = walkingRollout(state);
  if (walking === undefined) return;
  const number = state.revisions.find((revision) => revision.id === walking.toRevisionId)?.number;
  throw new SlipwayError(
    'ROLLOUT_IN_PROGRESS',
    `a rollout to revision ${number} of "${state.deployment.name}" is under way; wait for it, abort it, or roll back first`,
  );
}

interface Deploy {
  readonly by: ChangeBy;
  readonly state: DeploymentState;
  readonly version: ChosenVersion;
  readonly wish: CreateRevision;
  readonly now: Date;
}

async function deploy(tx: Transaction, { by, state, version, wish, now }: Deploy): Promise<void> {
  const { deployment } = state;
  const serving = servingRevision(state);
  const base = serving ?? state.revisions[0];
  const replicas = wish.replicas ?? base?.replicas ?? 1;
  const spec = RevisionSpec.parse({ ...base?.spec, ...wish.spec });
  const revisionId = newId('rev');
  await endWalkingRollout(tx, deployment.id, 'supersede');
  const { nextRevision, epoch } = await tx.deployment.update({
    where: { id: deployment.id },
    data: { nextRevision: { increment: 1 }, epoch: { increment: 1 }, desiredRevisionId: revisionId, wishKind: 'DEPLOY' },
    select: { nextRevision: true, epoch: true },
  });
  const number = nextRevision - 1;
  const signed = { reason: wish.reason ?? null, createdBy: by.actor, createdAt: now };
  await tx.revision.create({
    data: { id: revisionId, deploymentId: deployment.id, number, versionId: version.versionId, replicas, spec: toJson(spec), ...signed },
  });
  await startRollout(tx, {
    deploymentId: deployment.id,
    epoch,
    fromRevisionId: serving?.id,
    toRevisionId: revisionId,
    strategy: wish.strategy,
    createdBy: by.actor,
    reason: wish.reason,
    now,
  });
  await announceWish(tx, {
    by,
    action: 'revision.created',
    deployment,
    reason: wish.reason,
    before: namesOf(serving),
    after: { revision: number, version: version.versionNumber, replicas, spec, strategy: wish.strategy },
  });
}
