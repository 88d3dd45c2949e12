import { ColumnLayout, type Profile, type ProfileLayout } from '@slipway/contracts';
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { ProfileSum } from './merge-profiles.js';
import { encodeProfile } from './profile-codec.js';
import { profileHourMs, profileWindowMs } from './profile-spans.js';

const dayMs = 86_400_000;
const windowSeconds = profileWindowMs / 1000;
const hourSeconds = profileHourMs / 1000;
/** Hours older than this become days. */
const hourlyDays = 30;
/** The windows of an hour are added up when it has been over for so long: until then one can look closely. */
const fineMs = 6 * profileHourMs;
/** A source that has been silent for so long adds nothing any more: its host is gone. */
const silentMs = 7 * dayMs;
/** Groups of rows that one round merges. */
const groupsPerRound = 5_000;

/** Totals of one source in one window and layout. */
export interface ProfileTotals {
  readonly deploymentId: string;
  readonly versionId: string;
  readonly versionNumber: number;
  /** Start of the window, epoch ms. */
  readonly startMs: number;
  /** An instance from one start to its end. */
  readonly source: string;
  /** Nothing will be added any more. */
  readonly isClosed: boolean;
  readonly profile: Profile;
}

/** Rows that a source answered and never counted. */
export type LostRows = Omit<ProfileTotals, 'profile' | 'isClosed'> & { readonly lost: number };

/** Which counts are asked for: from the window that holds `fromMs` to the last one that begins before `toMs`, the running one included. */
export interface ProfileQuery {
  readonly deploymentId: string;
  readonly versionId?: string | undefined;
  readonly version?: number | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  /** Without: the layout of the newest rows. */
  readonly layoutId?: string | undefined;
}

/** What was counted in a window. */
export interface ProfileWindow {
  readonly layoutId: string;
  readonly profile: Profile;
  /** Rows in all layouts, and those that were lost: what `coverage` is of. */
  readonly rowsInAll: number;
  readonly lost: number;
  /** Rows in this layout over all rows answered. */
  readonly coverage: number;
}

/** One window, hour or day, or several of them together. */
export interface ProfileStep {
  readonly atMs: number;
  readonly profile: Profile;
}

/** Merged sources are never replaced: what was shipped twice is counted once. */
const upsert = `
insert into telemetry.profile_windows as w (deployment_id, version_id, start_at, span_seconds, layout_id, source, version_number, "rows", is_closed, body)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::text[], $6::text[], $7::integer[], $8::bigint[], $9::boolean[], $10::bytea[])
on conflict (deployment_id, version_id, start_at, span_seconds, layout_id, source) do update set "rows" = excluded."rows", body = excluded.body,
  is_closed = w.is_closed or excluded.is_closed, updated_at = now()
where not w.is_merged and w."rows" <= excluded."rows"`;

const upsertLost = `
insert into telemetry.profile_windows as w (deployment_id, version_id, start_at, span_seconds, layout_id, source, version_number, "rows", lost, is_closed, body)
values ($1, $2, $3, $4, '', $5, $6, 0, $7, true, '')
on conflict (deployment_id, version_id, start_at, span_seconds, layout_id, source) do update set lost = excluded.lost, updated_at = now()
where not w.is_merged and w.lost < excluded.lost`;

const mine = `deployment_id = $1 and ($2::text is null or version_id = $2) and ($3::integer is null or version_number = $3)
  and start_at + make_interval(secs => span_seconds) > $4 and start_at > $4::timestamptz - interval '1 day' and start_at < $5 and not is_merged`;

/** Counts of what versions were asked and answered: windows of five minutes for some hours, hours of thirty days, days after. */
export class ProfileWindowStore {
  constructor(private readonly pool: Pool) {}

  /** Stores totals; smaller ones never replace larger ones. Those of days that are days alone by now are left out. @returns how many were left out */
  async write(totals: readonly ProfileTotals[], nowMs = Date.now()): Promise<number> {
    const wanted = totals.filter(({ startMs }) => startMs >= dayOf(nowMs - hourlyDays * dayMs));
    if (wanted.length === 0) return totals.length;
    await this.pool.query(upsert, [
      wanted.map(({ deploymentId }) => deploymentId),
      wanted.map(({ versionId }) => versionId),
      wanted.map(({ startMs }) => new Date(startMs)),
      wanted.map(() => windowSeconds),
      wanted.map(({ profile }) => profile.layout),
      wanted.map(({ source }) => source),
      wanted.map(({ versionNumber }) => versionNumber),
      wanted.map(({ profile }) => profile.rows),
      wanted.map(({ isClosed }) => isClosed),
      wanted.map(({ profile }) => encodeProfile(profile)),
    ]);
    return totals.length - wanted.length;
  }

  /** How many rows of a source are stored of a window: what a worker before this one has shipped. */
  async rowsStored({
    deploymentId,
    versionId,
    startMs,
    source,
  }: Pick<ProfileTotals, 'deploymentId' | 'versionId' | 'startMs' | 'source'>): Promise<number> {
    const { rows } = await this.pool.query<{ n: number }>(
      `select coalesce(sum("rows"), 0)::float8 as n from telemetry.profile_windows
       where deployment_id = $1 and version_id = $2 and start_at = $3 and span_seconds = $4 and source = $5`,
      [deploymentId, versionId, new Date(startMs), windowSeconds, source],
    );
    return rows[0]?.n ?? 0;
  }

  /** Notes rows that were never counted; said twice it changes nothing. */
  async noteLost({ deploymentId, versionId, startMs, source, versionNumber, lost }: LostRows): Promise<void> {
    await this.pool.query(upsertLost, [deploymentId, versionId, new Date(startMs), windowSeconds, source, versionNumber, lost]);
  }

  /** Everything counted in a window; undefined when there is nothing. */
  async window(query: ProfileQuery): Promise<ProfileWindow | undefined> {
    const layouts = await this.layoutsIn(query);
    const layoutId = query.layoutId ?? layouts.find(({ id }) => id !== '')?.id;
    if (layoutId === undefined) return undefined;
    const sum = new ProfileSum(layoutId);
    for (const { body } of await this.read(query, layoutId)) sum.addEncoded(body);
    const profile = sum.toProfile();
    const counted = layouts.reduce((rows, each) => rows + each.rows, 0);
    const lost = layouts.reduce((rows, each) => rows + each.lost, 0);
    const answered = counted + lost;
    return { layoutId, profile, rowsInAll: counted, lost, coverage: answered === 0 ? 0 : profile.rows / answered };
  }

  /** The counts of a window step by step, oldest first; steps without rows are absent. What is only known by the hour or the day is all in the step that it begins in. */
  async steps(query: ProfileQuery & { readonly stepMs: number }): Promise<{ layoutId: string; steps: ProfileStep[] } | undefined> {
    const layoutId = query.layoutId ?? (await this.layoutsIn(query)).find(({ id }) => id !== '')?.id;
    if (layoutId === undefined) return undefined;
    const stepMs = Math.max(profileWindowMs, query.stepMs);
    const sums = new Map<number, ProfileSum>();
    for (const { at, body } of await this.read(query, layoutId)) {
      const atMs = Math.floor(at.getTime() / stepMs) * stepMs;
      const sum = sums.get(atMs) ?? new ProfileSum(layoutId);
      sum.addEncoded(body);
      sums.set(atMs, sum);
    }
    return { layoutId, steps: [...sums].sort(([a], [b]) => a - b).map(([atMs, sum]) => ({ atMs, profile: sum.toProfile() })) };
  }

  /** The layouts of a window, those of the newest rows first; an empty id stands for rows that were lost. */
  async layoutsIn(query: ProfileQuery): Promise<{ id: string; rows: number; lost: number }[]> {
    const { rows } = await this.pool.query<{ id: string; rows: number; lost: number }>(
      `select layout_id as id, sum("rows")::float8 as "rows", sum(lost)::float8 as lost from telemetry.profile_windows where ${mine}
       group by layout_id order by max(start_at) filter (where "rows" > 0) desc nulls last, max(updated_at) desc`,
      parametersOf(query),
    );
    return rows;
  }

  /** A layout that something was counted in. */
  async layout(id: string): Promise<ProfileLayout | undefined> {
    const { rows } = await this.pool.query<{ columns: unknown }>('select columns from telemetry.profile_layouts where id = $1', [id]);
    const [row] = rows;
    return row === undefined ? undefined : { id, columns: z.array(ColumnLayout).parse(row.columns) };
  }

  /** Keeps a layout, so that its counts can be named later. */
  async keepLayout({ id, columns }: ProfileLayout): Promise<void> {
    await this.pool.query(
      'insert into telemetry.profile_layouts (id, columns) values ($1, $2::jsonb) on conflict (id) do update set kept_at = now()',
      [id, JSON.stringify(columns).replaceAll('\\u0000', '\uFFFD')],
    );
  }

  private async read(query: ProfileQuery, layoutId: string): Promise<{ at: Date; body: Buffer }[]> {
    const { rows } = await this.pool.query<{ at: Date; body: Buffer }>(
      `select start_at as at, body from telemetry.profile_windows where ${mine} and layout_id = $6 and "rows" > 0 order by start_at`,
      [...parametersOf(query), layoutId],
    );
    return rows;
  }

  /** Makes one row of all windows and sources of hours that are over, and days of hours that are old. May be run by several at a time and at any time. */
  async rollUp(nowMs: number): Promise<{ hours: number; days: number }> {
    const silentSince = new Date(nowMs - silentMs);
    const hours = await this.mergeAll(
      `select distinct deployment_id as "deploymentId", version_id as "versionId", date_trunc('hour', start_at, 'UTC') as at, layout_id as "layoutId"
       from telemetry.profile_windows
       where span_seconds = ${windowSeconds} and not is_merged and start_at < $1 and (is_closed or updated_at < $2) order by 3 limit ${groupsPerRound}`,
      [new Date(Math.floor((nowMs - fineMs) / profileHourMs) * profileHourMs), silentSince],
      (client, group) => mergeHour(client, group, silentSince),
    );
    // A day later than `write` stops to take them.
    const days = await this.mergeAll(
      `select distinct deployment_id as "deploymentId", version_id as "versionId", date_trunc('day', start_at, 'UTC') as at, layout_id as "layoutId"
       from telemetry.profile_windows where span_seconds <= ${hourSeconds} and start_at < $1 order by 3 limit ${groupsPerRound}`,
      [new Date(dayOf(nowMs - (hourlyDays + 1) * dayMs))],
      mergeDay,
    );
    return { hours, days };
  }

  /** Forgets days past their retention, and layouts that nothing is counted in any more. */
  async forget(nowMs: number, keepDays: number): Promise<number> {
    const result = await this.pool.query('delete from telemetry.profile_windows where start_at < $1', [new Date(dayOf(nowMs - keepDays * dayMs))]);
    await this.pool.query(
      `delete from telemetry.profile_layouts l where kept_at < $1 and not exists (select 1 from telemetry.profile_windows w where w.layout_id = l.id)`,
      [new Date(nowMs - dayMs)],
    );
    return result.rowCount ?? 0;
  }

  private async mergeAll(find: string, values: readonly unknown[], merge: (client: PoolClient, group: Group) => Promise<void>): Promise<number> {
    const { rows: groups } = await this.pool.query<Group>(find, [...values]);
    for (const group of groups) await inTransaction(this.pool, (client) => merge(client, group));
    return groups.length;
  }
}

interface Group {
  readonly deploymentId: string;
  readonly versionId: string;
  readonly at: Date;
  readonly layoutId: string;
}

interface MergedRow {
  readonly at: Date;
  readonly span: number;
  readonly source: string;
  readonly number: number;
  readonly rows: number;
  readonly lost: number;
  readonly body: Buffer;
}

const columns = `start_at as at, span_seconds as span, source, version_number as number, "rows"::float8 as "rows", lost::float8 as lost, body`;

/** An hour that was merged before takes up what has come late. */
async function mergeHour(client: PoolClient, { deploymentId, versionId, at, layoutId }: Group, silentSince: Date): Promise<void> {
  const key = [deploymentId, versionId, at, layoutId];
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 7104202615))', [key.join('/')]);
  const ofHour = `deployment_id = $1 and version_id = $2 and start_at >= $3::timestamptz and start_at < $3::timestamptz + interval '1 hour' and layout_id = $4`;
  const { rows } = await client.query<MergedRow>(
    `select ${columns} from telemetry.profile_windows where ${ofHour} and not is_merged
       and (span_seconds = ${hourSeconds} or span_seconds = ${windowSeconds} and (is_closed or updated_at < $5)) for update`,
    [...key, silentSince],
  );
  const windows = rows.filter(({ span }) => span === windowSeconds);
  if (windows.length === 0) return;
  await put(client, key, hourSeconds, rows);
  await client.query(
    `update telemetry.profile_windows w set is_merged = true, is_closed = true, "rows" = 0, lost = 0, body = ''
     from unnest($5::timestamptz[], $6::text[]) as m(at, source)
     where ${ofHour} and span_seconds = ${windowSeconds} and w.start_at = m.at and w.source = m.source`,
    [...key, windows.map((row) => row.at), windows.map(({ source }) => source)],
  );
}

async function mergeDay(client: PoolClient, { deploymentId, versionId, at, layoutId }: Group): Promise<void> {
  const key = [deploymentId, versionId, at, layoutId];
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 7104202615))', [key.join('/')]);
  const ofDay = `deployment_id = $1 and version_id = $2 and start_at >= $3::timestamptz and start_at < $3::timestamptz + interval '1 day' and layout_id = $4`;
  const { rows } = await client.query<MergedRow>(`select ${columns} from telemetry.profile_windows where ${ofDay} and not is_merged for update`, key);
  await client.query(`delete from telemetry.profile_windows where ${ofDay} and span_seconds <= ${hourSeconds}`, key);
  if (rows.length > 0) await put(client, key, dayMs / 1000, rows);
}

/** Writes the sum of rows as the one row of its span. */
async function put(client: PoolClient, key: readonly unknown[], spanSeconds: number, rows: readonly MergedRow[]): Promise<void> {
  const layoutId = String(key[3]);
  const sum = new ProfileSum(layoutId);
  for (const row of rows) if (row.rows > 0) sum.addEncoded(row.body);
  const profile = sum.toProfile();
  const lost = rows.reduce((all, row) => all + row.lost, 0);
  await client.query(
    `insert into telemetry.profile_windows (deployment_id, version_id, start_at, layout_id, span_seconds, source, version_number, "rows", lost, is_closed, body)
     values ($1, $2, $3, $4, $5, '', $6, $7, $8, true, $9)
     on conflict (deployment_id, version_id, start_at, span_seconds, layout_id, source) do update
       set "rows" = excluded."rows", lost = excluded.lost, body = excluded.body, updated_at = now()`,
    [...key, spanSeconds, rows[0]?.number ?? 0, profile.rows, lost, profile.rows > 0 ? encodeProfile(profile) : Buffer.alloc(0)],
  );
}

async function inTransaction(pool: Pool, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await work(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

function parametersOf({ deploymentId, versionId, version, fromMs, toMs }: ProfileQuery): unknown[] {
  return [deploymentId, versionId ?? null, version ?? null, new Date(fromMs), new Date(toMs)];
}

function dayOf(atMs: number): number {
  return Math.floor(atMs / dayMs) * dayMs;
}
