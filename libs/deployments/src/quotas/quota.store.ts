import { QuotaLimits, quotaPolicies, RevisionSpec, type SetQuota, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, channels, type Database, newId, nudge, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { expectedMemory } from '../deployments/deployment-rows.js';
import { nameKey, noDeployment } from '../deployments/lock-deployment.store.js';
import { readEnum } from '../rows/read-enum.js';
import { addFootings, type Excess, excessesOf, type Footing, footingOf, nothing, type Quota } from './quota.js';

/** Quotas that a project may have; each deployment has one at most. */
const quotasMax = 10_000;
const ofDeployments = ['storageBytes', 'models', 'versions'] as const;

/** What the registry of a project takes. */
export interface RegistryUse {
  /** Files of versions, each once. */
  readonly storageBytes: number;
  readonly models: number;
  readonly versions: number;
}

/** A scope as it is named: `project` or `deployment:<name>`. */
export interface QuotaScope {
  readonly scope: string;
  readonly deploymentId: string | undefined;
}

/** Quotas, and what is used of them as far as rows tell. */
export class QuotaStore {
  constructor(private readonly db: Database) {}

  /** Every quota of living things, of all projects or of one. */
  async list(projectId?: string): Promise<readonly Quota[]> {
    const rows = await this.db.quota.findMany({
      where: projectId === undefined ? {} : { projectId },
      orderBy: { id: 'asc' },
      take: quotasMax,
    });
    return rows.map(toQuota);
  }

  /**
   * The scope of a name. @throws SlipwayError QUOTA_NOT_FOUND for a name that is not one, DEPLOYMENT_NOT_FOUND.
   */
  async scope(projectId: string, name: string): Promise<QuotaScope> {
    if (name === 'project') return { scope: name, deploymentId: undefined };
    const [kind, deployment, ...rest] = name.split(':');
    if (kind !== 'deployment' || deployment === undefined || rest.length > 0) {
      throw new SlipwayError('QUOTA_NOT_FOUND', `expected the scope "project" or "deployment:<name>", got ${JSON.stringify(name.slice(0, 140))}`);
    }
    const row = await this.db.deployment.findFirst({ where: { projectId, nameFolded: nameKey(deployment), deletedAt: null } });
    if (row === null) throw noDeployment(deployment);
    return { scope: `deployment:${row.name}`, deploymentId: row.id };
  }

  /** @returns undefined where nothing is limited. */
  async find(projectId: string, { deploymentId }: QuotaScope): Promise<Quota | undefined> {
    const row = await this.db.quota.findFirst({ where: { projectId, deploymentId: deploymentId ?? null } });
    return row === null ? undefined : toQuota(row);
  }

  /** Puts a quota in place of the one that is there. @throws SlipwayError REQUEST_INVALID for limits that only a project has. */
  async set(by: ChangeBy, scope: QuotaScope, wish: SetQuota): Promise<Quota> {
    const foreign = scope.deploymentId === undefined ? undefined : ofDeployments.find((resource) => wish.limits[resource] !== undefined);
    if (foreign !== undefined) throw new SlipwayError('REQUEST_INVALID', `"${foreign}" is a limit of the project, not of one deployment`);
    return this.db.$transaction(async (tx) => {
      // Two that make the first quota of a scope follow each other.
      await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${`quotas:${by.projectId}`}, 0))`;
      await lockQuotas(tx, by.projectId);
      const before = await tx.quota.findFirst({ where: { projectId: by.projectId, deploymentId: scope.deploymentId ?? null } });
      const data = { limits: toJson(wish.limits), policy: wish.policy, updatedBy: by.actor, updatedAt: new Date() };
      const key = { id: before?.id ?? newId('qta'), projectId: by.projectId, deploymentId: scope.deploymentId ?? null };
      const row = before === null ? await tx.quota.create({ data: { ...key, ...data } }) : await tx.quota.update({ where: { id: before.id }, data });
      await announce(tx, by, scope, { action: 'quota.set', id: row.id, reason: wish.reason, before: before ?? undefined, after: row });
      return toQuota(row);
    });
  }

  /** @throws SlipwayError QUOTA_NOT_FOUND */
  async remove(by: ChangeBy, scope: QuotaScope): Promise<void> {
    await this.db.$transaction(async (tx) => {
      await lockQuotas(tx, by.projectId);
      const row = await tx.quota.findFirst({ where: { projectId: by.projectId, deploymentId: scope.deploymentId ?? null } });
      if (row === null) throw new SlipwayError('QUOTA_NOT_FOUND', `nothing is limited for "${scope.scope}"`);
      await tx.quota.delete({ where: { id: row.id } });
      await announce(tx, by, scope, { action: 'quota.removed', id: row.id, reason: undefined, before: row, after: undefined });
    });
  }

  /** What each living deployment of a project takes that is not suspended, by id; and all of them together. */
  async footings(projectId: string): Promise<{ readonly byDeployment: ReadonlyMap<string, Footing>; readonly total: Footing }> {
    return readFootings(this.db, projectId);
  }

  /**
   * Bytes that a new version may have; undefined where storage is not limited. A look ahead: `refuseOverRegistryQuota` decides.
   * @throws SlipwayError QUOTA_EXCEEDED when not even an empty one has room.
   */
  async roomForVersion(projectId: string): Promise<number | undefined> {
    const quota = await this.find(projectId, { scope: 'project', deploymentId: undefined });
    const { storageBytes: limit, versions } = quota?.limits ?? {};
    if (quota === undefined || (limit === undefined && versions === undefined)) return undefined;
    const used = await readRegistryUse(this.db, projectId);
    refuseExcess(quota, excessesOf(quota.limits, { ...used }, {}, { versions: 1, storageBytes: 1 }));
    return limit === undefined ? undefined : limit - used.storageBytes;
  }

  async registryUse(projectId: string): Promise<RegistryUse> {
    return readRegistryUse(this.db, projectId);
  }
}

/** What a wish about a deployment would take. */
export interface AskedFooting {
  readonly projectId: string;
  /** Undefined: it is being created. */
  readonly deploymentId: string | undefined;
  readonly versionId: string;
  readonly replicas: number;
  readonly spec: RevisionSpec;
  /** It runs beside what the deployment wishes for, as a shadow does, and not in its place. */
  readonly isBeside?: boolean;
}

/**
 * Refuses what would go over a quota of the deployment or its project. Call it in the transaction of the wish, before it is written: wishes
 * of a project with quotas then follow each other.
 * @throws SlipwayError QUOTA_EXCEEDED saying limit, used and asked.
 */
export async function refuseOverQuota(tx: Transaction, asked: AskedFooting): Promise<void> {
  const { projectId, deploymentId } = asked;
  const quotas = (await lockQuotas(tx, projectId)).filter((quota) => quota.deploymentId === undefined || quota.deploymentId === deploymentId);
  if (quotas.length === 0) return;
  const version = await tx.version.findUniqueOrThrow({ where: { id: asked.versionId }, select: { footprint: true, sizeBytes: true } });
  const wanted = footingOf(asked, expectedMemory(version.footprint, Number(version.sizeBytes)));
  const { byDeployment, desired, total } = await readFootings(tx, projectId);
  const present = (asked.isBeside === true ? undefined : desired.get(deploymentId ?? '')) ?? nothing;
  for (const quota of quotas) {
    const used = quota.deploymentId === undefined ? total : (byDeployment.get(quota.deploymentId) ?? nothing);
    refuseExcess(quota, excessesOf(quota.limits, { ...used }, { ...present }, { ...wanted }));
  }
}

/**
 * Refuses what would go over the project's quota of models, versions or storage; in the transaction that adds it.
 * @throws SlipwayError QUOTA_EXCEEDED
 */
export async function refuseOverRegistryQuota(tx: Transaction, projectId: string, added: Partial<RegistryUse>): Promise<void> {
  const quota = (await lockQuotas(tx, projectId)).find((each) => each.deploymentId === undefined);
  if (quota === undefined) return;
  const used = await readRegistryUse(tx, projectId);
  refuseExcess(quota, excessesOf(quota.limits, { ...used }, {}, { ...added }));
}

/** Row locks, so that two wishes do not both take the last place; nothing is locked where nothing is limited. */
async function lockQuotas(tx: Transaction, projectId: string): Promise<readonly Quota[]> {
  const locked = await tx.$queryRaw<{ id: string }[]>`select "id" from "Quota" where "projectId" = ${projectId} order by "id" for update`;
  if (locked.length === 0) return [];
  return (await tx.quota.findMany({ where: { projectId }, orderBy: { id: 'asc' }, take: quotasMax })).map(toQuota);
}

function refuseExcess(quota: Quota, excesses: readonly Excess[]): void {
  if (excesses.length === 0) return;
  const scope = quota.deploymentId === undefined ? 'the project' : 'the deployment';
  const words = excesses.map(({ resource, limit, used, asked }) => `${resource}: limit ${limit}, used ${used}, asked for ${asked}`);
  throw new SlipwayError('QUOTA_EXCEEDED', `this would go over the quota of ${scope} (${words.join('; ')})`, {
    places: excesses.map(({ resource, limit, used, asked }) => ({ path: resource, message: `limit ${limit}, used ${used}, asked for ${asked}` })),
  });
}

interface Footings {
  readonly byDeployment: Map<string, Footing>;
  /** Of each deployment without its shadows: what a deploy or a resumption takes the place of. */
  readonly desired: Map<string, Footing>;
  readonly total: Footing;
}

async function readFootings(tx: Transaction, projectId: string): Promise<Footings> {
  const deployments = await tx.deployment.findMany({
    where: { projectId, deletedAt: null, suspended: false },
    select: { id: true, desiredRevisionId: true },
  });
  const shadows = await tx.shadow.findMany({
    where: { endedAt: null, deploymentId: { in: deployments.map(({ id }) => id) } },
    select: { revisionId: true },
  });
  const beside = new Set(shadows.map(({ revisionId }) => revisionId));
  const revisions = await tx.revision.findMany({
    where: { id: { in: [...beside, ...deployments.flatMap(({ desiredRevisionId }) => desiredRevisionId ?? [])] } },
    select: { id: true, deploymentId: true, replicas: true, spec: true, version: { select: { footprint: true, sizeBytes: true } } },
  });
  const byDeployment = new Map<string, Footing>();
  const desired = new Map<string, Footing>();
  let total = nothing;
  for (const { id, deploymentId, replicas, spec, version } of revisions) {
    const footing = footingOf({ replicas, spec: RevisionSpec.parse(spec) }, expectedMemory(version.footprint, Number(version.sizeBytes)));
    byDeployment.set(deploymentId, addFootings(byDeployment.get(deploymentId) ?? nothing, footing));
    if (!beside.has(id)) desired.set(deploymentId, footing);
    total = addFootings(total, footing);
  }
  return { byDeployment, desired, total };
}

async function readRegistryUse(tx: Transaction, projectId: string): Promise<RegistryUse> {
  const [row] = await tx.$queryRaw<{ models: number; versions: number; storageBytes: number }[]>`
    select (select count(*) from "Model" where "projectId" = ${projectId})::int as models,
      (select count(*) from "Version" v join "Model" m on m.id = v."modelId" where m."projectId" = ${projectId})::int as versions,
      (select coalesce(sum(size), 0) from (select max(v."sizeBytes") as size from "Version" v join "Model" m on m.id = v."modelId"
         where m."projectId" = ${projectId} group by v.digest) files)::float8 as "storageBytes"`;
  return row ?? { models: 0, versions: 0, storageBytes: 0 };
}

interface QuotaRow {
  readonly id: string;
  readonly projectId: string;
  readonly deploymentId: string | null;
  readonly limits: unknown;
  readonly policy: string;
  readonly updatedBy: string;
  readonly updatedAt: Date;
}

function toQuota(row: QuotaRow): Quota {
  return {
    id: row.id,
    projectId: row.projectId,
    deploymentId: row.deploymentId ?? undefined,
    limits: QuotaLimits.parse(row.limits),
    policy: readEnum(quotaPolicies, row.policy),
    updatedBy: row.updatedBy,
    updatedAt: row.updatedAt,
  };
}

async function announce(
  tx: Transaction,
  by: ChangeBy,
  { scope }: QuotaScope,
  change: { action: string; id: string; reason: string | undefined; before: QuotaRow | undefined; after: QuotaRow | undefined },
): Promise<void> {
  const shown = (row: QuotaRow | undefined) => (row === undefined ? undefined : { limits: row.limits, policy: row.policy });
  await recordEvent(tx, {
    ...by,
    action: change.action,
    subject: { kind: 'quota', id: change.id, name: scope },
    reason: change.reason,
    before: shown(change.before),
    after: shown(change.after),
  });
  await nudge(tx, channels.quotas);
}
