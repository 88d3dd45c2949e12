import type { ResourcePoint, ResourceSeries } from '@slipway/contracts';
import type { Queryable } from '../windows/partitions.store.js';
import { iso, type SeriesFrame, stepsOf } from './series-frame.js';

interface ResourceRow {
  readonly at: Date;
  /** Null in the rows of the whole deployment. */
  readonly instance: string | null;
  readonly version: number | null;
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly read: number | null;
  readonly written: number | null;
  readonly threads: number | null;
  readonly files: number | null;
  readonly instances: number;
  readonly reduced: boolean;
}

/** Instances shown one by one; a deployment that restarted often has more, and they are still in the total. */
const maxInstances = 20;

/**
 * Rates first per window, summed over instances that lived in it, then averaged over the windows of a step: an instance that lived for half a
 * step, or a step without samples in between, does not distort the sum.
 */
const bySteps = `
with windows as (
  select start_at, instance_id, version_number, reduced, cpu_seconds / nullif(covered_seconds, 0) as cpu, memory_bytes::float8 as memory,
    read_bytes / nullif(covered_seconds, 0) as read, written_bytes / nullif(covered_seconds, 0) as written, threads::float8 as threads,
    open_files::float8 as files
  from telemetry.resource_windows
  where deployment_id = $1 and start_at >= $2 and start_at < $3 and ($5::integer is null or version_number = $5)
), summed as (
  select start_at, null::text as instance, null::integer as version, sum(cpu) as cpu, sum(memory) as memory, sum(read) as read, sum(written) as written,
    sum(threads) as threads, sum(files) as files, count(*) as instances, bool_or(reduced) as reduced
  from windows group by start_at
  union all
  select start_at, instance_id, version_number, cpu, memory, read, written, threads, files, 1, reduced from windows
  where instance_id in (select instance_id from windows group by 1 order by max(start_at) desc, 1 limit ${maxInstances})
)
select date_bin(make_interval(secs => $4), start_at, 'epoch'::timestamptz) as at, instance, max(version) as version, avg(cpu) as cpu, avg(memory) as memory,
  avg(read) as read, avg(written) as written, avg(threads) as threads, avg(files) as files, max(instances)::float8 as instances, bool_or(reduced) as reduced
from summed group by 1, 2 order by 1, 2`;

/** Reads resource windows, summed in the database. */
export class ResourceSeriesStore {
  constructor(private readonly db: Queryable) {}

  /** A step without samples is a gap: its values are null. */
  async series(query: { deploymentId: string; frame: SeriesFrame; version?: number | undefined; nowMs: number }): Promise<ResourceSeries> {
    const { frame } = query;
    const { rows } = await this.db.query<ResourceRow>(bySteps, [
      query.deploymentId,
      iso(frame.fromMs),
      iso(frame.toMs),
      frame.stepSeconds,
      query.version ?? null,
    ]);
    const steps = stepsOf(frame, query.nowMs);
    const instances = new Map<string, ResourceRow[]>();
    for (const row of rows) if (row.instance !== null) instances.set(row.instance, [...(instances.get(row.instance) ?? []), row]);
    return {
      from: iso(frame.fromMs),
      to: iso(frame.toMs),
      stepSeconds: frame.stepSeconds,
      reduced: rows.some(({ reduced }) => reduced),
      total: pointsOf(
        steps,
        rows.filter(({ instance }) => instance === null),
      ),
      instances: [...instances].map(([instance, own]) => ({ instance, version: own[0]?.version ?? 0, points: pointsOf(steps, own) })),
    };
  }
}

function pointsOf(steps: readonly number[], rows: readonly ResourceRow[]): ResourcePoint[] {
  const byTime = new Map(rows.map((row) => [row.at.getTime(), row]));
  return steps.map((atMs) => {
    const row = byTime.get(atMs);
    return {
      at: iso(atMs),
      cpuCores: row?.cpu ?? null,
      memoryBytes: row?.memory ?? null,
      readBytesPerSecond: row?.read ?? null,
      writtenBytesPerSecond: row?.written ?? null,
      threads: row?.threads ?? null,
      openFiles: row?.files ?? null,
      instances: row?.instances ?? 0,
    };
  });
}
