import type { Task } from '@slipway/contracts';
import { type Database, enqueue, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { validateVersion, validateVersionJobId } from './validate-version.job.js';
import type { ReadyFacts } from './version-facts.js';
import { toTask, toVersionDetail } from './version-mapper.js';

/** What the validation job needs of a version. */
export interface VersionToValidate {
  readonly id: string;
  readonly digest: string;
  readonly number: number;
  readonly modelName: string;
  /** As the uploader stated it; undefined: to be guessed. */
  readonly task: Task | undefined;
}

const actor = 'system:worker';

/** The worker's side of a version: it alone writes status, signature, footprint and reasons. */
export class ValidationStore {
  constructor(private readonly db: Database) {}

  /** The version while it waits for its validation; undefined when it is validated already or gone. */
  async find(versionId: string): Promise<VersionToValidate | undefined> {
    const row = await this.db.version.findUnique({ where: { id: versionId }, include: { model: { select: { name: true } } } });
    if (row === null || row.status !== 'VALIDATING') return undefined;
    return { id: row.id, digest: row.digest, number: row.number, modelName: row.model.name, task: toTask(row.task) };
  }

  /** Writes what was found; false when the version is not VALIDATING any more, which is normal. */
  async markReady(versionId: string, facts: ReadyFacts): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.version.updateMany({
        where: { id: versionId, status: 'VALIDATING' },
        data: {
          status: 'READY',
          signature: toJson(facts.signature),
          ...(facts.task === undefined ? {} : { task: toJson(facts.task) }),
          footprint: toJson(facts.footprint),
          rowsIndependent: facts.rowsIndependent ?? null,
          reasons: toJson(facts.notes),
          validatedAt: new Date(),
          rowVersion: { increment: 1 },
        },
      });
      if (count === 1) await recordOutcome(tx, versionId, 'version.validated');
      return count === 1;
    });
  }

  /** Refuses the version for good; false when it is not VALIDATING any more. */
  async markRejected(versionId: string, reasons: readonly string[]): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.version.updateMany({
        where: { id: versionId, status: 'VALIDATING' },
        data: { status: 'REJECTED', reasons: toJson(reasons), validatedAt: new Date(), rowVersion: { increment: 1 } },
      });
      if (count === 1) await recordOutcome(tx, versionId, 'version.rejected');
      return count === 1;
    });
  }

  /**
   * Publishes the job again for versions that have waited for `olderThanSeconds` and whose job was not published within that time:
   * the message was lost, or every attempt failed on something that may be over now.
   * @returns how many.
   */
  async requeueWaiting(olderThanSeconds: number): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const rows = await tx.$queryRaw<{ id: string }[]>`
        select "id" from "Version" v
        where "status" = 'VALIDATING' and "createdAt" < (now() at time zone 'utc') - make_interval(secs => ${olderThanSeconds}::double precision)
          and not exists (
            select 1 from "OutboxMessage" o
            where o."jobId" = 'validate.' || v."id"
              and (o."publishedAt" is null or o."createdAt" > (now() at time zone 'utc') - make_interval(secs => ${olderThanSeconds}::double precision))
          )
        order by "createdAt" limit 100 for update skip locked`;
      for (const { id } of rows) await enqueue(tx, validateVersion, { versionId: id }, validateVersionJobId(id));
      return rows.length;
    });
  }

  /** Of these versions, those that are in the database. */
  async existing(versionIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.db.version.findMany({ where: { id: { in: [...versionIds] } }, select: { id: true } });
    return new Set(rows.map((row) => row.id));
  }
}

async function recordOutcome(tx: Transaction, versionId: string, action: string): Promise<void> {
  const row = await tx.version.findUniqueOrThrow({ where: { id: versionId }, include: { model: true } });
  const view = toVersionDetail(row, row.model.name);
  await recordEvent(tx, {
    projectId: row.model.projectId,
    actor,
    action,
    subject: { kind: 'version', id: row.id, name: `${view.model}/${view.version}` },
    before: { status: 'VALIDATING' },
    after: view,
  });
}
