import type { Pool } from 'pg';

const dayMs = 86_400_000;
/** `no partition of relation … found for row`. */
const noPartition = '23514';

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

/** Makes the partitions from yesterday to the day after tomorrow and drops those past their retention. Harmless when run twice or at a time. */
export async function maintainPartitions(db: Queryable, retention: Retention): Promise<{ made: number; dropped: number }> {
  const made = await db.query<{ made: number }>(`select telemetry.ensure_partitions((now() at time zone 'UTC')::date - 1, 4) as made`);
  let dropped = 0;
  const series = await db.query<{ name: string; retention: string }>('select name, retention from telemetry.partitioned_series order by name');
  for (const { name, retention: kind } of series.rows) {
    const days = kind === 'windows' ? retention.windowsDays : retention.predictionsDays;
    const result = await db.query<{ dropped: number }>(
      `select telemetry.drop_partitions($1, (now() at time zone 'UTC')::date - $2::integer) as dropped`,
      [name, days],
    );
    dropped += result.rows[0]?.dropped ?? 0;
  }
  return { made: made.rows[0]?.made ?? 0, dropped };
}
