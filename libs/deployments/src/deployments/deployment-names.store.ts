import type { Database } from '@slipway/platform';

/** Names of deployments by id, those that live. */
export async function deploymentNames(db: Database, deploymentIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.deployment.findMany({ where: { id: { in: [...deploymentIds] }, deletedAt: null }, select: { id: true, name: true } });
  return new Map(rows.map((row) => [row.id, row.name]));
}

/** Projects of deployments by id, deleted ones included: their last records still belong to them. */
export async function projectsOf(db: Database, deploymentIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.deployment.findMany({ where: { id: { in: [...deploymentIds] } }, select: { id: true, projectId: true } });
  return new Map(rows.map((row) => [row.id, row.projectId]));
}

/** What the ids of a stored prediction stand for. */
export interface RevisionNames {
  readonly deployment: string;
  readonly model: string;
  readonly revision: number;
  readonly digest: string;
}

/** The names behind a revision, also of a deleted deployment; undefined when the revision is unknown. */
export async function revisionNames(db: Database, revisionId: string): Promise<RevisionNames | undefined> {
  const row = await db.revision.findUnique({
    where: { id: revisionId },
    select: { number: true, deployment: { select: { name: true } }, version: { select: { digest: true, model: { select: { name: true } } } } },
  });
  if (row === null) return undefined;
  return { deployment: row.deployment.name, model: row.version.model.name, revision: row.number, digest: row.version.digest };
}

/** The project of a deployment that a host has instances of; undefined for any other, so that a host learns nothing of what it does not run. */
export async function projectRunBy(db: Database, hostId: string, deploymentId: string): Promise<string | undefined> {
  const row = await db.instance.findFirst({
    where: { hostId, deploymentId, status: { notIn: ['GONE', 'FAILED'] } },
    select: { deployment: { select: { projectId: true } } },
  });
  return row?.deployment.projectId;
}
