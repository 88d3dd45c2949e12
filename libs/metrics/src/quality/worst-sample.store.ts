import type { PoolClient } from 'pg';
import type { Queryable } from '../windows/partitions.store.js';
import { errorOf, type LabelledRow } from './count-rows.js';

/** So many of the worst labelled predictions are kept of each hour and version. */
export const worstKept = 100;
const hourMs = 3_600_000;

interface Sample extends LabelledRow {
  readonly atMs: number;
  readonly deploymentId: string;
  readonly versionNumber: number;
  readonly id: string;
  readonly row: number;
}

const upsert = `
insert into telemetry.worst_samples (deployment_id, start_at, version_number, prediction_id, "row", at, error)
select k.deployment_id, to_timestamp(k.start_ms / 1000.0), k.version_number, k.id, k."row", to_timestamp(k.at_ms / 1000.0), k.error
from unnest($1::text[], $2::float8[], $3::integer[], $4::text[], $5::integer[], $6::float8[], $7::float8[])
  as k(deployment_id, start_ms, version_number, id, "row", at_ms, error)
order by 1, 2, 3, 4, 5
on conflict (deployment_id, start_at, version_number, prediction_id, "row") do update set error = excluded.error`;
/** Also takes away what a corrected label made right. */
const prune = `
delete from telemetry.worst_samples w using (
  select s.deployment_id, s.start_at, s.version_number, s.prediction_id, s."row" from unnest($1::text[], $2::float8[], $3::integer[]) as k(deployment_id, start_ms, version_number)
  cross join lateral (
    select s.*, row_number() over (order by s.error desc, s.prediction_id, s."row") as place from telemetry.worst_samples s
    where s.deployment_id = k.deployment_id and s.start_at = to_timestamp(k.start_ms / 1000.0) and s.version_number = k.version_number
  ) s where s.place > ${worstKept} or s.error <= 0 order by 1, 2, 3, 4, 5
) gone
where w.deployment_id = gone.deployment_id and w.start_at = gone.start_at and w.version_number = gone.version_number
  and w.prediction_id = gone.prediction_id and w."row" = gone."row"`;
/** Windows one after the other, so that two writers of one window do not read each other's half. */
const lock = `select pg_advisory_xact_lock(hashtextextended(k, 7104202613)) from unnest($1::text[]) k`;

/**
 * Keeps the worst of some labelled rows, in the transaction that labels them.
 * @param corrected rows that had another label before: one that is right now is kept no longer. What was dropped for it does not come back.
 */
export async function keepWorst(client: PoolClient, fresh: readonly Sample[], corrected: readonly Sample[]): Promise<void> {
  const worst = [...groupByWindow(fresh.flatMap(measured).filter(({ error }) => error > 0)).values()];
  const samples = [...worst.flatMap((group) => group.sort((a, b) => b.error - a.error).slice(0, worstKept)), ...corrected.flatMap(measured)];
  if (samples.length === 0) return;
  const windows = groupByWindow(samples);
  await client.query(lock, [[...windows.keys()].sort()]);
  await client.query(upsert, [
    samples.map(({ deploymentId }) => deploymentId),
    samples.map(({ startMs }) => startMs),
    samples.map(({ versionNumber }) => versionNumber),
    samples.map(({ id }) => id),
    samples.map(({ row }) => row),
    samples.map(({ atMs }) => atMs),
    samples.map(({ error }) => error),
  ]);
  const firsts = [...windows.values()].flatMap(([first]) => first ?? []);
  await client.query(prune, [
    firsts.map(({ deploymentId }) => deploymentId),
    firsts.map(({ startMs }) => startMs),
    firsts.map(({ versionNumber }) => versionNumber),
  ]);
}

type Measured = Sample & { readonly error: number; readonly startMs: number };

function measured(row: Sample): Measured[] {
  const error = errorOf(row);
  return error === undefined || !Number.isFinite(error) ? [] : [{ ...row, error, startMs: Math.floor(row.atMs / hourMs) * hourMs }];
}

function groupByWindow(samples: readonly Measured[]): Map<string, Measured[]> {
  const groups = new Map<string, Measured[]>();
  for (const sample of samples) {
    const key = `${sample.deploymentId} ${sample.startMs} ${sample.versionNumber}`;
    const group = groups.get(key) ?? [];
    group.push(sample);
    groups.set(key, group);
  }
  return groups;
}

/** A kept sample with what was predicted and what was true. */
export interface StoredWorst {
  readonly atMs: number;
  readonly id: string;
  readonly row: number;
  readonly version: number;
  readonly error: number;
  readonly predicted: string | null;
  readonly predictedNumber: number | null;
  readonly label: string | null;
  readonly labelNumber: number | null;
  readonly score: number | null;
}

/** The worst labelled predictions of some hours. */
export class WorstSampleStore {
  constructor(private readonly db: Queryable) {}

  async worst(query: { deploymentId: string; fromMs: number; toMs: number; version?: number | undefined; limit: number }): Promise<StoredWorst[]> {
    const { rows } = await this.db.query<StoredWorst>(
      `select (extract(epoch from w.at) * 1000)::float8 as "atMs", w.prediction_id as id, w."row", w.version_number as version, w.error,
         p.predicted, p.predicted_number as "predictedNumber", p.label, p.label_number as "labelNumber", p.score
       from (select * from telemetry.worst_samples where deployment_id = $1 and start_at >= to_timestamp($2 / 1000.0) - interval '1 hour'
           and start_at < to_timestamp($3 / 1000.0) and at >= to_timestamp($2 / 1000.0) and at < to_timestamp($3 / 1000.0)
           and ($4::integer is null or version_number = $4) order by error desc limit $5) w
       join telemetry.labelled_predictions p on p.at = w.at and p.prediction_id = w.prediction_id and p."row" = w."row"
       order by w.error desc, w.prediction_id, w."row"`,
      [query.deploymentId, query.fromMs, query.toMs, query.version ?? null, query.limit],
    );
    return rows;
  }
}
