import { Task } from '@slipway/contracts';
import type { Database } from '@slipway/platform';

/** A version that a deployment serves or served. */
export interface ServedVersion {
  readonly versionId: string;
  readonly version: number;
  readonly task: Task | undefined;
}

const versionsMost = 100;

/** Versions of the model that a deployment serves, those asked for, in the order in which they were. */
export async function servedVersions(db: Database, deploymentId: string, numbers: readonly number[]): Promise<ServedVersion[]> {
  const rows = await db.version.findMany({
    where: { number: { in: [...numbers] }, model: { deployments: { some: { id: deploymentId } } } },
    select: { id: true, number: true, task: true },
    take: versionsMost,
  });
  const versions = rows.map(({ id, number, task }) => ({ versionId: id, version: number, task: Task.safeParse(task).data }));
  return versions.sort((one, other) => numbers.indexOf(one.version) - numbers.indexOf(other.version));
}

/** Their tasks by number; versions without one are left out. */
export async function versionTasks(db: Database, deploymentId: string, numbers: readonly number[]): Promise<ReadonlyMap<number, Task>> {
  const versions = await servedVersions(db, deploymentId, numbers);
  return new Map(versions.flatMap(({ version, task }) => (task === undefined ? [] : [[version, task] as const])));
}
