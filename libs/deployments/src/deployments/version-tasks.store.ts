import { Task } from '@slipway/contracts';
import type { Database } from '@slipway/platform';

/** Tasks of versions of the model that a deployment serves, by number; versions without one are left out. */
export async function versionTasks(db: Database, deploymentId: string, numbers: readonly number[]): Promise<ReadonlyMap<number, Task>> {
  const rows = await db.version.findMany({
    where: { number: { in: [...numbers] }, model: { deployments: { some: { id: deploymentId } } } },
    select: { number: true, task: true },
  });
  return new Map(
    rows.flatMap(({ number, task }) => {
      const parsed = Task.safeParse(task);
      return parsed.success ? [[number, parsed.data] as const] : [];
    }),
  );
}
