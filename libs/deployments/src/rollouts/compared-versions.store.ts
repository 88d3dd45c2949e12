import { Task } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import { z } from 'zod';

/** What guards need to know of the versions that they compare. */
export interface ComparedVersions {
  /** Of the candidate; undefined: nothing is known of what its outputs mean. */
  readonly task: Task | undefined;
  /** False where both are the same training in another form. */
  readonly isNewTraining: boolean;
}

const Provenance = z.looseObject({ derivedFrom: z.number().optional().catch(undefined) }).catch({});

/** Both versions are of one model, so their numbers tell which training they come from. */
export async function readComparedVersions(
  db: Database,
  ids: { readonly stable: string | undefined; readonly candidate: string },
): Promise<ComparedVersions> {
  const rows = await db.version.findMany({
    where: { id: { in: ids.stable === undefined ? [ids.candidate] : [ids.stable, ids.candidate] } },
    select: { id: true, number: true, task: true, provenance: true },
  });
  const trainingOf = (id: string | undefined) => {
    const row = rows.find((each) => each.id === id);
    return row === undefined ? undefined : (Provenance.parse(row.provenance).derivedFrom ?? row.number);
  };
  const task = Task.safeParse(rows.find((row) => row.id === ids.candidate)?.task);
  return { task: task.success ? task.data : undefined, isNewTraining: trainingOf(ids.stable) !== trainingOf(ids.candidate) };
}
