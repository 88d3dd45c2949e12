import type { Database } from '@slipway/platform';

/** The project of each deployment, deleted ones included: their last records still belong to it. */
export async function projectsOf(db: Database, deploymentIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.deployment.findMany({ where: { id: { in: [...deploymentIds] } }, select: { id: true, projectId: true } });
  return new Map(rows.map((row) => [row.id, row.projectId]));
}

/** The names of the deployments that live. */
export async function deploymentNames(db: Database, deploymentIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.deployment.findMany({ where: { id: { in: [...deploymentIds] }, deletedAt: null }, select: { id: true, name: true } });
  return new Map(rows.map((row) => [row.id, row.name]));
}
