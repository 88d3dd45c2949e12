import { Prisma, type Transaction } from '../database/database.js';

/** Tables whose rows are worked off by a job that claims them: `status` QUEUED or RUNNING, `claimedUntil`, `createdAt`. */
export type ClaimedTable = 'BatchPrediction' | 'Evaluation' | 'Replay';

/** Rows of one look; what is left has its turn with the next. */
const most = 100;

/**
 * Rows that nobody holds and whose job was not published within `olderThanSeconds`: the message was lost, or the worker is. Locked until the
 * transaction ends, so that the caller can publish their jobs again once.
 * @param jobIdPrefix of the table's job ids, which end with the row's id.
 * @returns their ids, the oldest first.
 */
export async function lockLostRows(tx: Transaction, table: ClaimedTable, jobIdPrefix: string, olderThanSeconds: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select t."id" from ${Prisma.raw(`"${table}"`)} t
    where t."status" in ('QUEUED', 'RUNNING') and (t."claimedUntil" is null or t."claimedUntil" < now() at time zone 'utc')
      and not exists (
        select 1 from "OutboxMessage" o
        where o."jobId" = ${jobIdPrefix} || t."id"
          and (o."publishedAt" is null or o."createdAt" > (now() at time zone 'utc') - make_interval(secs => ${olderThanSeconds}::double precision))
      )
    order by t."createdAt" limit ${most} for update skip locked`;
  return rows.map(({ id }) => id);
}
