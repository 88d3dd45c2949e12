import type { Pool, PoolClient } from 'pg';

const dayMs = 86_400_000;
/** `no partition of relation … found for row`. */
const noPartition = '23514';
const lockNotAvailable = '55P03';
const lockWaitMs = 1_000;
/** That of `telemetry.ensure_partitions`: two who change the parts of one table at a time trip over each other. */
const partitionsLock = 7_104_202_612;
const evidenceAtOnce = 1_000;

/** Anything that runs a statement: the pool or one of its clients in a transaction. */
export type Queryable = Pick<Pool, 'query'>;

/** Runs a bulk insert; when the days of its rows have no partition yet, makes them and runs it once more. `times` are epoch milliseconds. */
export async function withPartitions<T>(db: Queryable, times: Iterable<number>, insert: () => Promise<T>): Promise<T> {
  try {
    return await insert();
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== noPartition) throw error;
    for (const day of daysOf(times)) await db.query('select telemetry.ensure_partitions($1::date, 1)', [day]);
    return insert();
  }
}

/** The UTC days (YYYY-MM-DD) of some times. */
export function daysOf(times: Iterable<number>): string[] {
  const days = new Set<number>();
  for (const time of times) days.add(Math.floor(time / dayMs));
  return [...days].sort((a, b) => a - b).map((day) => new Date(day * dayMs).toISOString().slice(0, 10));
}

export interface Retention {
  readonly predictionsDays: number;
  readonly windowsDays: number;
}

/** What a round of maintenance did; `busy` days are left for the next one because somebody reads them. */
export interface Maintained {
  readonly made: number;
  readonly dropped: number;
  readonly busy: number;
  readonly evidence: number;
}

/**
 * Makes the partitions from yesterday to the day after tomorrow, drops those past their retention, and gives up evidence of rollouts that ended
 * as long ago. Days are dropped whole, whatever is in them, one at a time. Harmless when run twice or at a time.
 */
export async function maintainPartitions(db: Pool, retention: Retention): Promise<Maintained> {
  const made = await makeDays(db);
  const series = await db.query<{ name: string; retention: string }>('select name, retention from telemetry.partitioned_series order by name');
  let [dropped, busy] = [0, 0];
  for (const { name, retention: kind } of series.rows) {
    const days = kind === 'windows' ? retention.windowsDays : retention.predictionsDays;
    const over = await db.query<{ day: string }>(`select telemetry.days_before($1, (now() at time zone 'UTC')::date - $2::integer) as day`, [
      name,
      days,
    ]);
    for (const { day } of over.rows) {
      if (await dropDay(db, day)) dropped += 1;
      else busy += 1;
    }
  }
  return { made, dropped, busy, evidence: await dropEvidence(db, retention.windowsDays) };
}

/** Days are made two ahead, so a round that a long reader keeps from making them may fail: there are many more before they are needed. */
async function makeDays(db: Pool): Promise<number> {
  return inShortLocks(db, async (client) => {
    const { rows } = await client.query<{ made: number }>(`select telemetry.ensure_partitions((now() at time zone 'UTC')::date - 1, 4) as made`);
    return rows[0]?.made ?? 0;
  });
}

/** False when somebody reads it. */
async function dropDay(db: Pool, table: string): Promise<boolean> {
  try {
    await inShortLocks(db, (client) => client.query(`drop table if exists telemetry.${client.escapeIdentifier(table)}`));
    return true;
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === lockNotAvailable) return false;
    throw error;
  }
}

/** Whoever comes after a waiting change of a table waits too, writers of today included: behind a long reader (a backup) it must give up. */
async function inShortLocks<T>(db: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await db.connect();
  try {
    await client.query('begin');
    await client.query(`set local lock_timeout = '${lockWaitMs}ms'`);
    await client.query('select pg_advisory_xact_lock($1)', [partitionsLock]);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** Rows at a time, so that a first run on an old database holds no lock for long. */
async function dropEvidence(db: Pool, days: number): Promise<number> {
  let total = 0;
  for (;;) {
    const { rowCount } = await db.query(
      `delete from telemetry.rollout_evidence where (subject_id, stage, source) in (
         select subject_id, stage, source from telemetry.rollout_evidence where updated_at < now() - make_interval(days => $1::integer)
         order by updated_at limit ${evidenceAtOnce})`,
      [days],
    );
    total += rowCount ?? 0;
    if ((rowCount ?? 0) < evidenceAtOnce) return total;
  }
}
