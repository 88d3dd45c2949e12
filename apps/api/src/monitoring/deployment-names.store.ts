import type { Database } from '@slipway/platform';

/** Names of deployments by id, those that live. */
export async function deploymentNames(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.deployment.findMany({ where: { id: { in: [...ids] }, deletedAt: null }, select: { id: true, name: true } });
  return new Map(rows.map((row) => [row.id, row.name]));
}

/** What a stored prediction's ids stand for. */
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
