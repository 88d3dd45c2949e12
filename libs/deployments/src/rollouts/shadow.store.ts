import { type CreateShadow, type Page, type PageQuery, RevisionSpec, type ShadowView, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, newId, pageFrom, toJson } from '@slipway/platform';
import { type DeploymentState, hasReadyInstance, servingRevision } from '../deployments/deployment-state.js';
import { loadStates } from '../deployments/deployment-state.store.js';
import { lockDeployment, nameKey, noDeployment, refuseSuspended } from '../deployments/lock-deployment.store.js';
import { refuseBreaking } from '../deployments/refuse-breaking.store.js';
import { refuseUnknownNames } from '../deployments/refuse-unknown-names.store.js';
import { chooseVersion } from '../deployments/version-choice.store.js';
import { announceWish } from '../deployments/write-wish.store.js';
import { refuseOverQuota } from '../quotas/quota.store.js';
import type { Revision } from '../revisions/revision.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';

/** A deployment has so many shadows at most; each costs the memory of an instance. */
export const shadowsMax = 8;

/** A shadow as the rows know it. */
export interface ShadowFacts {
  /** What was seen of it is the application's to add. */
  readonly view: Omit<ShadowView, 'counts' | 'judgements'>;
  /** What it is compared with; undefined while nothing serves. */
  readonly compared: ShadowComparison | undefined;
}

/** Ids of a shadow and of what it is compared with. */
export interface ShadowComparison {
  readonly deploymentId: string;
  readonly stableRevisionId: string;
  readonly stableVersionId: string;
  readonly candidateRevisionId: string;
  readonly candidateVersionId: string;
  readonly since: Date;
}

/** Revisions that get copies of live requests beside any rollout, for as long as they are wanted. */
export class ShadowStore {
  constructor(private readonly db: Database) {}

  /**
   * Creates a revision with one instance that gets copies of live requests and never answers a caller by the split.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND, VERSION_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_READY, DEPLOYMENT_SUSPENDED, SHADOW_LIMIT,
   * SIGNATURE_BREAKING, QUOTA_EXCEEDED, ROLLOUT_REFUSED (nothing serves yet)
   */
  async create(by: ChangeBy, name: string, wish: CreateShadow): Promise<ShadowFacts> {
    const id = newId('shd');
    await this.db.$transaction(async (tx) => {
      const { state, now } = await lockDeployment(tx, by.projectId, name);
      const { deployment } = state;
      const version = await chooseVersion(tx, { id: deployment.modelId, name: deployment.modelName }, wish);
      refuseSuspended(state);
      const serving = servingRevision(state);
      if (serving === undefined) {
        throw new SlipwayError(
          'ROLLOUT_REFUSED',
          `nothing of "${deployment.name}" serves yet, so there are no requests to copy; deploy a version first`,
        );
      }
      if (state.shadows.length >= shadowsMax) {
        throw new SlipwayError('SHADOW_LIMIT', `"${deployment.name}" has ${shadowsMax} shadows, which is the most there can be; end one first`);
      }
      await refuseBreaking(tx, { before: serving.versionId, after: version.versionId, what: 'it would get copies of requests it cannot answer' });
      const spec = RevisionSpec.parse(serving.spec);
      await refuseUnknownNames(tx, version.versionId, spec);
      const { versionId } = version;
      await refuseOverQuota(tx, { projectId: by.projectId, deploymentId: deployment.id, versionId, replicas: 1, spec, isBeside: true });
      const { nextRevision } = await tx.deployment.update({
        where: { id: deployment.id },
        data: { nextRevision: { increment: 1 } },
        select: { nextRevision: true },
      });
      const revisionId = newId('rev');
      const signed = { reason: wish.reason ?? null, createdBy: by.actor, createdAt: now };
      const number = nextRevision - 1;
      await tx.revision.create({
        data: { id: revisionId, deploymentId: deployment.id, number, versionId, replicas: 1, spec: toJson(spec), ...signed },
      });
      await tx.shadow.create({ data: { id, deploymentId: deployment.id, revisionId, samplePercent: wish.samplePercent, ...signed } });
      await announceWish(tx, {
        by,
        action: 'shadow.created',
        deployment,
        reason: wish.reason,
        before: { shadows: state.shadows.length },
        after: { shadow: id, revision: number, version: version.versionNumber, samplePercent: wish.samplePercent },
      });
    });
    return this.get(by.projectId, name, id);
  }

  /** Those that get copies now, newest first. @throws SlipwayError DEPLOYMENT_NOT_FOUND */
  async list(projectId: string, name: string, page: PageQuery): Promise<Page<ShadowFacts>> {
    return atOneMoment(this.db, async (tx, now) => {
      const [state] = await loadStates(tx, { projectId, nameFolded: nameKey(name), deletedAt: null }, now);
      if (state === undefined) throw noDeployment(name);
      const list = `shadows:${state.deployment.id}`;
      const before = decodeCursor(list, page.cursor);
      const rows = await tx.shadow.findMany({
        where: { deploymentId: state.deployment.id, endedAt: null, ...(before === undefined ? {} : { id: { lt: before } }) },
        orderBy: { id: 'desc' },
        take: page.limit + 1,
      });
      const revisions = new Map(state.revisions.map((revision) => [revision.id, revision]));
      const toView = (row: (typeof rows)[number]): ShadowFacts => {
        const revision = revisions.get(row.revisionId);
        const view = {
          id: row.id,
          revision: revision?.number ?? 0,
          version: revision?.versionNumber ?? 0,
          samplePercent: row.samplePercent,
          warm: hasReadyInstance(state, row.revisionId),
          createdAt: row.createdAt.toISOString(),
          createdBy: row.createdBy,
          reason: row.reason,
        };
        return { view, compared: comparisonOf(state, revision, row.createdAt) };
      };
      return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.id, toView });
    });
  }

  /** @throws SlipwayError DEPLOYMENT_NOT_FOUND, SHADOW_NOT_FOUND */
  async get(projectId: string, name: string, id: string): Promise<ShadowFacts> {
    const { items } = await this.list(projectId, name, { limit: shadowsMax });
    const found = items.find((shadow) => shadow.view.id === id);
    if (found === undefined) throw noShadow(name, id);
    return found;
  }

  /** Ends it: no copies any more, and its instance stops. @throws SlipwayError DEPLOYMENT_NOT_FOUND, SHADOW_NOT_FOUND */
  async remove(by: ChangeBy, name: string, id: string, reason?: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const { state, now } = await lockDeployment(tx, by.projectId, name);
      const { deployment } = state;
      const row = await tx.shadow.findFirst({ where: { id, deploymentId: deployment.id, endedAt: null } });
      if (row === null) throw noShadow(name, id);
      await tx.shadow.update({ where: { id }, data: { endedAt: now } });
      const revision = state.revisions.find((each) => each.id === row.revisionId);
      const before = { shadow: id, revision: revision?.number, version: revision?.versionNumber, samplePercent: row.samplePercent };
      await announceWish(tx, { by, action: 'shadow.ended', deployment, reason, before });
    });
  }
}

function comparisonOf(state: DeploymentState, candidate: Revision | undefined, since: Date): ShadowComparison | undefined {
  const stable = servingRevision(state);
  if (stable === undefined || candidate === undefined) return undefined;
  return {
    deploymentId: state.deployment.id,
    stableRevisionId: stable.id,
    stableVersionId: stable.versionId,
    candidateRevisionId: candidate.id,
    candidateVersionId: candidate.versionId,
    since,
  };
}

function noShadow(name: string, id: string): SlipwayError {
  return new SlipwayError('SHADOW_NOT_FOUND', `the deployment "${name}" has no shadow ${JSON.stringify(id.slice(0, 64))} that still gets copies`);
}
