import type { ResourcePoint, ResourceSeries } from '@slipway/contracts';
import { conditionsOf, planSpan } from '../hours/hours.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import {
  averagesOfResources,
  type ResourceLevel,
  resourceLevels,
  resourceRates,
  singleResources,
  summedResources,
} from '../windows/resource-columns.js';
import { iso, type SeriesFrame, stepsOf } from './series-frame.js';

type ResourceRow = Readonly<Record<ResourceLevel | 'cpu_seconds' | 'oom_kills', number | null>> & {
  readonly at: Date;
  /** Empty in the rows of the whole deployment. */
  readonly instance: string;
  readonly version: number;
  readonly host: string;
  readonly instances: number;
  readonly reduced: boolean;
};

/** What is known of a host beside its windows. */
export interface HostDescription {
  readonly name: string;
  readonly cores: number;
}

/** Instances shown one by one; a deployment that restarted often has more, and they are still in the total. */
const maxInstances = 20;

const steps = (step: number) => `date_bin(make_interval(secs => $${step}), start_at, 'epoch'::timestamptz)`;

/** From the windows alone. Averages are over the windows of a step that have anything: a step without samples in between does not distort them. */
const fromWindows = `
with ${resourceRates('deployment_id = $1 and start_at >= $3 and start_at < $4 and ($2::integer is null or version_number = $2)')},
shown as (
  select * from ${summedResources('0')} as "all"
  union all select * from ${singleResources(`where instance_id in (select instance_id from rates group by 1 order by max(start_at) desc, 1 limit ${maxInstances})`)} as singles
)
select ${steps(5)} as at, instance_id as instance, max(version_number) as version, max(host_id) as host, ${averagesOfResources}, sum(cpu_seconds)::float8 as cpu_seconds,
  sum(oom_kills)::float8 as oom_kills, max(instances) as instances, bool_or(reduced) as reduced
from shown group by 1, 2 order by 1, 2`;

/** Averages of hours count by the windows that they are made of. */
const averagesOfHours = resourceLevels
  .map((level) => `(sum(${level} * windows) / nullif(sum(windows) filter (where ${level} is not null), 0))::float8 as ${level}`)
  .join(', ');

const fromHours = (hours: string, windows: string, step: number) => `
with ${resourceRates(`deployment_id = $1 and ($2::integer is null or version_number = $2) and ${windows}`)},
seen as (
  select instance_id, max(start_at) as last from (
    select instance_id, start_at from telemetry.resource_hours
    where deployment_id = $1 and instance_id <> '' and ($2::integer is null or version_number = $2) and ${hours}
    union all select instance_id, start_at from rates
  ) every group by 1 order by 2 desc, 1 limit ${maxInstances}
), shown as (
  select start_at, instance_id, version_number, host_id, windows, ${resourceLevels.join(', ')}, cpu_seconds, oom_kills, instances, reduced
  from telemetry.resource_hours where deployment_id = $1 and ${hours}
    and (case when instance_id = '' then version_number = coalesce($2::integer, 0) else ($2::integer is null or version_number = $2) and instance_id in (select instance_id from seen) end)
  union all
  select start_at, instance_id, version_number, host_id, 1, ${resourceLevels.join(', ')}, cpu_seconds, oom_kills, instances, reduced
  from (select * from ${summedResources('0')} as "all"
    union all select * from ${singleResources('where instance_id in (select instance_id from seen)')} as singles) w
)
select ${steps(step)} as at, instance_id as instance, max(version_number) as version, max(host_id) as host, ${averagesOfHours}, sum(cpu_seconds)::float8 as cpu_seconds,
  sum(oom_kills)::float8 as oom_kills, max(instances) as instances, bool_or(reduced) as reduced
from shown group by 1, 2 order by 1, 2`;

/** Reads resource windows, summed in the database, and the sums by the hour where whole hours are asked for. */
export class ResourceSeriesStore {
  constructor(private readonly db: Queryable) {}

  /**
   * A step without samples is a gap: its values are null.
   * @param query.hosts hosts by id; one that is gone is missing, and shares of its processors are not known.
   */
  async series(query: {
    deploymentId: string;
    frame: SeriesFrame;
    version?: number | undefined;
    nowMs: number;
    hosts?: ReadonlyMap<string, HostDescription>;
  }): Promise<ResourceSeries> {
    const { frame, hosts = new Map<string, HostDescription>() } = query;
    const rows = await this.rows(query);
    const steps = stepsOf(frame, query.nowMs);
    const instances = new Map<string, ResourceRow[]>();
    for (const row of rows) if (row.instance !== '') instances.set(row.instance, [...(instances.get(row.instance) ?? []), row]);
    const hostIds = [...new Set(rows.map(({ host }) => host))].sort();
    const cores = coresOf(hostIds, hosts);
    return {
      from: iso(frame.fromMs),
      to: iso(frame.toMs),
      stepSeconds: frame.stepSeconds,
      reduced: rows.some(({ reduced }) => reduced),
      total: pointsOf(
        steps,
        rows.filter(({ instance }) => instance === ''),
        cores,
      ),
      instances: [...instances].map(([instance, own]) => {
        const host = own.at(-1)?.host ?? '';
        return { instance, version: own[0]?.version ?? 0, host, points: pointsOf(steps, own, hosts.get(host)?.cores) };
      }),
      hosts: hostIds.map((host) => ({ host, name: hosts.get(host)?.name ?? null, cores: hosts.get(host)?.cores ?? null })),
    };
  }

  private async rows(query: { deploymentId: string; frame: SeriesFrame; version?: number | undefined }): Promise<readonly ResourceRow[]> {
    const { frame, deploymentId } = query;
    const values = [deploymentId, query.version ?? null];
    if (frame.stepSeconds % 3_600 !== 0) {
      const { rows } = await this.db.query<ResourceRow>(fromWindows, [...values, iso(frame.fromMs), iso(frame.toMs), frame.stepSeconds]);
      return rows;
    }
    const conditions = conditionsOf(await planSpan(this.db, 'resource', deploymentId, frame), 3);
    const all = [...values, ...conditions.values, frame.stepSeconds];
    const { rows } = await this.db.query<ResourceRow>(fromHours(conditions.hours, conditions.windows, all.length), all);
    return rows;
  }
}

function coresOf(hostIds: readonly string[], hosts: ReadonlyMap<string, HostDescription>): number | undefined {
  let sum = 0;
  for (const id of hostIds) {
    const host = hosts.get(id);
    if (host === undefined) return undefined;
    sum += host.cores;
  }
  return sum === 0 ? undefined : sum;
}

function pointsOf(steps: readonly number[], rows: readonly ResourceRow[], cores: number | undefined): ResourcePoint[] {
  const byTime = new Map(rows.map((row) => [row.at.getTime(), row]));
  return steps.map((atMs) => pointOf(atMs, byTime.get(atMs), cores));
}

function pointOf(atMs: number, row: ResourceRow | undefined, cores: number | undefined): ResourcePoint {
  const cpuCores = row?.cpu ?? null;
  return {
    at: iso(atMs),
    cpuCores,
    cpuRatio: cpuCores === null || cores === undefined ? null : cpuCores / cores,
    cpuSeconds: row?.cpu_seconds ?? null,
    memoryBytes: row?.memory ?? null,
    memoryLimitBytes: row?.memory_limit ?? null,
    readBytesPerSecond: row?.read ?? null,
    writtenBytesPerSecond: row?.written ?? null,
    readsPerSecond: row?.reads ?? null,
    writesPerSecond: row?.writes ?? null,
    threads: row?.threads ?? null,
    openFiles: row?.files ?? null,
    throttledRatio: row?.throttled ?? null,
    oomKills: row?.oom_kills ?? null,
    gpuMemoryBytes: row?.gpu_memory ?? null,
    instances: row?.instances ?? 0,
  };
}
