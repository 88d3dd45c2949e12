import type { Pool, PoolClient } from 'pg';
import { iso } from '../series/series-frame.js';
import type { Queryable } from '../windows/partitions.store.js';
import { type SummedSeries, sumHour, summedSeries } from './hour-sums.js';

export const hourMs = 3_600_000;
/** The migration says how this goes together with what writers note. */
const summedAfter = '70 minutes';
/** Hours per round; the next one goes on. */
const hoursPerRound = 1_000;
/** Another worker sums the same hour. */
const serializationFailure = '40001';

interface UnsummedHour {
  readonly series: SummedSeries;
  readonly owner: string;
  readonly at: Date;
}

/** Keeps the sums by the hour equal to the windows that they are made of. */
export class HourStore {
  constructor(private readonly pool: Pick<Pool, 'query' | 'connect'>) {}

  /**
   * Sums the hours that are over and have changed since, the oldest first, at most a thousand. An hour that changes meanwhile is left unsummed.
   * @returns how many were summed.
   */
  async sum(): Promise<number> {
    const { rows } = await this.pool.query<UnsummedHour>(
      `select distinct start_at as at, series, owner_id as owner from telemetry.unsummed_hours
       where start_at <= now() - interval '${summedAfter}' and series = any($1) order by 1, 2, 3 limit ${hoursPerRound}`,
      [summedSeries],
    );
    if (rows.length === 0) return 0;
    const client = await this.pool.connect();
    let summed = 0;
    try {
      for (const hour of rows) if (await sumOne(client, hour)) summed += 1;
    } finally {
      client.release();
    }
    return summed;
  }

  /** Removes hours from before the windows that are kept. */
  async forget(windowsDays: number): Promise<void> {
    for (const series of summedSeries) {
      await this.pool.query(`delete from ${sumHour[series].hours} where start_at < now() - make_interval(days => $1)`, [windowsDays]);
    }
    await this.pool.query('delete from telemetry.unsummed_hours where start_at < now() - make_interval(days => $1)', [windowsDays]);
  }
}

async function sumOne(client: PoolClient, { series, owner, at }: UnsummedHour): Promise<boolean> {
  const { hours, owner: ownerColumn, insert } = sumHour[series];
  const values = [owner, at];
  try {
    // One view of everything: what is written after it is noted anew.
    await client.query('begin isolation level repeatable read');
    await client.query(`delete from telemetry.unsummed_hours where series = '${series}' and owner_id = $1 and start_at = $2`, values);
    await client.query(`delete from ${hours} where ${ownerColumn} = $1 and start_at = $2`, values);
    await client.query(insert, values);
    await client.query('commit');
    return true;
  } catch (error) {
    await client.query('rollback');
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code === serializationFailure || code === '23505') return false;
    throw error;
  }
}

/** A stretch of time, in epoch ms; `toMs` belongs to the next. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where a span is read from: whole hours that are summed, and the windows of the rest. */
export interface SpanPlan {
  readonly hours: Stretch;
  /** Hours inside `hours` that are read from the windows all the same. */
  readonly unsummed: readonly number[];
  readonly windows: readonly Stretch[];
}

/** More stretches than this are read as one: nobody has summed for long. */
const maxStretches = 40;

/** Finds out what of a span can be read from the sums of an owner. Reading by this plan later gives each window once, whatever is summed meanwhile. */
export async function planSpan(db: Queryable, series: SummedSeries, owner: string, span: Stretch): Promise<SpanPlan> {
  const hours = { fromMs: Math.ceil(span.fromMs / hourMs) * hourMs, toMs: Math.floor(span.toMs / hourMs) * hourMs };
  if (hours.fromMs >= hours.toMs) return { hours: { fromMs: 0, toMs: 0 }, unsummed: [], windows: [span] };
  const { rows } = await db.query<{ at: Date }>(
    `select distinct start_at as at from telemetry.unsummed_hours
     where series = $1 and owner_id = $2 and start_at >= $3 and start_at < $4 order by 1`,
    [series, owner, iso(hours.fromMs), iso(hours.toMs)],
  );
  return spanPlan(
    span,
    hours,
    rows.map(({ at }) => at.getTime()),
  );
}

/** @param unsummed start times of unsummed hours inside `hours`, ascending. */
export function spanPlan(span: Stretch, hours: Stretch, unsummed: readonly number[]): SpanPlan {
  const windows = joined([
    { fromMs: span.fromMs, toMs: hours.fromMs },
    ...unsummed.map((fromMs) => ({ fromMs, toMs: fromMs + hourMs })),
    { fromMs: hours.toMs, toMs: span.toMs },
  ]);
  if (windows.length > maxStretches) return { hours: { fromMs: 0, toMs: 0 }, unsummed: [], windows: [span] };
  return { hours, unsummed, windows };
}

/** Stretches, ascending, with those that touch as one and without empty ones. */
function joined(stretches: readonly Stretch[]): Stretch[] {
  const found: Stretch[] = [];
  for (const stretch of stretches) {
    if (stretch.fromMs >= stretch.toMs) continue;
    const last = found.at(-1);
    if (last !== undefined && last.toMs === stretch.fromMs) found[found.length - 1] = { fromMs: last.fromMs, toMs: stretch.toMs };
    else found.push(stretch);
  }
  return found;
}

/** The conditions of a plan on `start_at`, with their values in the order of the placeholders from `$first` on. */
export function conditionsOf(plan: SpanPlan, first: number): { hours: string; windows: string; values: unknown[] } {
  const values: unknown[] = [iso(plan.hours.fromMs), iso(plan.hours.toMs), plan.unsummed.map(iso)];
  const hours = `start_at >= $${first} and start_at < $${first + 1} and start_at <> all($${first + 2}::timestamptz[])`;
  const windows = plan.windows.map(({ fromMs, toMs }) => {
    values.push(iso(fromMs), iso(toMs));
    return `start_at >= $${first + values.length - 2} and start_at < $${first + values.length - 1}`;
  });
  return { hours, windows: windows.length === 0 ? 'false' : `(${windows.join(' or ')})`, values };
}
