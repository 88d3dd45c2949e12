import type { HostPoint, HostSeries } from '@slipway/contracts';
import { conditionsOf, planSpan } from '../hours/hours.store.js';
import { iso, type SeriesFrame, stepsOf } from '../series/series-frame.js';
import type { Queryable } from '../windows/partitions.store.js';
import { type HostLevel, hostLevels, hostRates } from '../windows/resource-columns.js';

type HostRow = Readonly<Record<HostLevel | 'cpu_seconds' | 'oom_kills', number | null>> & { readonly at: Date; readonly reduced: boolean };

/** Averages count by the windows that they are made of. */
const averages = hostLevels
  .map((level) => `(sum(${level} * windows) / nullif(sum(windows) filter (where ${level} is not null), 0))::float8 as ${level}`)
  .join(', ');

/** The system counts these for the machine as a whole, or for a network namespace, never for one program. */
const hostWide = ['network', 'pressure', 'disk operations', 'GPU use'];

/** Reads windows of hosts, and their sums by the hour where whole hours are asked for. */
export class HostSeriesStore {
  constructor(private readonly db: Queryable) {}

  /** A step without samples is a gap: its values are null. */
  async series(query: { host: string; name: string; frame: SeriesFrame; nowMs: number }): Promise<HostSeries> {
    const { frame, host, name } = query;
    const rows = await this.rows(host, frame);
    const byTime = new Map(rows.map((row) => [row.at.getTime(), row]));
    return {
      from: iso(frame.fromMs),
      to: iso(frame.toMs),
      stepSeconds: frame.stepSeconds,
      host,
      name,
      reduced: rows.some(({ reduced }) => reduced),
      hostWide,
      points: stepsOf(frame, query.nowMs).map((atMs) => pointOf(atMs, byTime.get(atMs))),
    };
  }

  private async rows(host: string, frame: SeriesFrame): Promise<readonly HostRow[]> {
    const byHours = frame.stepSeconds % 3_600 === 0;
    const plan = byHours ? await planSpan(this.db, 'host', host, frame) : { hours: { fromMs: 0, toMs: 0 }, unsummed: [], windows: [frame] };
    const conditions = conditionsOf(plan, 2);
    const values = [host, ...conditions.values, frame.stepSeconds];
    const { rows } = await this.db.query<HostRow>(
      `with shown as (
         select start_at, windows, ${hostLevels.join(', ')}, cpu_seconds, oom_kills, reduced from telemetry.host_hours where host_id = $1 and ${conditions.hours}
         union all
         select start_at, 1, ${hostLevels.join(', ')}, cpu_seconds, oom_kills, reduced
         from (select ${hostRates} from telemetry.host_windows where host_id = $1 and ${conditions.windows}) w
       )
       select date_bin(make_interval(secs => $${values.length}), start_at, 'epoch'::timestamptz) as at, ${averages}, sum(cpu_seconds)::float8 as cpu_seconds,
         sum(oom_kills)::float8 as oom_kills, bool_or(reduced) as reduced
       from shown group by 1 order by 1`,
      values,
    );
    return rows;
  }
}

function pointOf(atMs: number, row: HostRow | undefined): HostPoint {
  const [cpuCores, cores] = [row?.cpu ?? null, row?.cores ?? null];
  return {
    at: iso(atMs),
    cpuCores,
    cpuRatio: cpuCores === null || cores === null || cores === 0 ? null : cpuCores / cores,
    cpuSeconds: row?.cpu_seconds ?? null,
    memoryBytes: row?.memory ?? null,
    memoryLimitBytes: row?.memory_limit ?? null,
    readBytesPerSecond: row?.read ?? null,
    writtenBytesPerSecond: row?.written ?? null,
    readsPerSecond: row?.reads ?? null,
    writesPerSecond: row?.writes ?? null,
    receivedBytesPerSecond: row?.received ?? null,
    sentBytesPerSecond: row?.sent ?? null,
    throttledRatio: row?.throttled ?? null,
    oomKills: row?.oom_kills ?? null,
    cpuStallRatio: row?.cpu_stall ?? null,
    memoryStallRatio: row?.memory_stall ?? null,
    ioStallRatio: row?.io_stall ?? null,
    gpuRatio: row?.gpu ?? null,
    gpuMemoryBytes: row?.gpu_memory ?? null,
    gpuMemoryLimitBytes: row?.gpu_memory_limit ?? null,
  };
}
