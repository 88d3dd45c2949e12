import type { NoiseProbe } from '@slipway/contracts';
import { iso } from '../series/series-frame.js';
import { type Queryable, withPartitions } from '../windows/partitions.store.js';
import { addTotals, type NoiseTotals } from './noise-totals.js';
import type { NoiseWindow, ReplicaDetail } from './noise-window.js';

const columns = `start_at, project_id, deployment_id, version_number, probe, other_version, source, n, failed, runs, canary_runs, labels, flips,
  variance_sum, relative_sum, relative_max, bins, detail`;
/** The row holds running totals of one source, so the later write is the newer one and writing twice is harmless. */
const upsert = `
insert into telemetry.noise_windows (${columns})
select ${columns} from jsonb_to_recordset($1::jsonb) as w(start_at timestamptz, project_id text, deployment_id text, version_number integer, probe text,
  other_version integer, source text, n bigint, failed bigint, runs bigint, canary_runs bigint, labels bigint, flips bigint, variance_sum float8,
  relative_sum float8, relative_max float8, bins bigint[], detail jsonb)
order by start_at, deployment_id, version_number, probe, other_version, source
on conflict (start_at, deployment_id, version_number, probe, other_version, source) do update set n = excluded.n, failed = excluded.failed,
  runs = excluded.runs, canary_runs = excluded.canary_runs, labels = excluded.labels, flips = excluded.flips, variance_sum = excluded.variance_sum,
  relative_sum = excluded.relative_sum, relative_max = excluded.relative_max, bins = excluded.bins, detail = excluded.detail`;

/** Rows per statement. */
const chunk = 500;
/** Rows that one question may bring back. */
const most = 50_000;

/** An hour of one version and probe: the sum over its sources. */
export interface NoiseHour {
  readonly startAtMs: number;
  readonly version: number;
  readonly probe: NoiseProbe;
  readonly otherVersion: number;
  readonly totals: NoiseTotals;
  /** Of each source that has compared instances. */
  readonly details: readonly ReplicaDetail[];
}

interface Row extends NoiseTotals {
  readonly at: Date;
  readonly version: number;
  readonly probe: NoiseProbe;
  readonly otherVersion: number;
  readonly detail: ReplicaDetail | null;
}

/** What probes have measured. */
export class NoiseWindowStore {
  /** @param source names the counting process; another one for each start, or its totals would replace those of before. */
  constructor(
    private readonly db: Queryable,
    private readonly source: string,
  ) {}

  async write(windows: readonly NoiseWindow[]): Promise<void> {
    for (let at = 0; at < windows.length; at += chunk) {
      const some = windows.slice(at, at + chunk);
      const rows = JSON.stringify(some.map((window) => this.rowOf(window)));
      await withPartitions(
        this.db,
        some.map(({ startAtMs }) => startAtMs),
        () => this.db.query(upsert, [rows]),
      );
    }
  }

  private rowOf({ owner, startAtMs, source, totals, detail }: NoiseWindow): Record<string, unknown> {
    return {
      start_at: iso(startAtMs),
      project_id: owner.projectId,
      deployment_id: owner.deploymentId,
      version_number: owner.version,
      probe: owner.probe,
      other_version: owner.otherVersion,
      source: source ?? this.source,
      n: totals.n,
      failed: totals.failed,
      runs: totals.runs,
      canary_runs: totals.canaryRuns,
      labels: totals.labels,
      flips: totals.flips,
      variance_sum: totals.varianceSum,
      relative_sum: totals.relativeSum,
      relative_max: totals.relativeMax,
      bins: totals.bins,
      detail: detail ?? null,
    };
  }
}

/** Reads them back, summed over the processes that have counted. */
export class NoiseHourStore {
  constructor(private readonly db: Queryable) {}

  /** Hours that begin in a span, the oldest first. */
  async hours(query: { deploymentId: string; fromMs: number; toMs: number; version?: number | undefined }): Promise<NoiseHour[]> {
    const { rows } = await this.db.query<Row>(
      `select start_at as at, version_number as version, probe, other_version as "otherVersion", n::float8 as n, failed::float8 as failed,
         runs::float8 as runs, canary_runs::float8 as "canaryRuns", labels::float8 as labels, flips::float8 as flips, variance_sum as "varianceSum",
         relative_sum as "relativeSum", relative_max as "relativeMax", bins::float8[] as bins, detail
       from telemetry.noise_windows where deployment_id = $1 and start_at >= $2 and start_at < $3 and ($4::integer is null or version_number = $4)
       order by start_at, version_number, probe, other_version, source limit ${most}`,
      [query.deploymentId, iso(query.fromMs), iso(query.toMs), query.version ?? null],
    );
    const hours = new Map<string, NoiseHour>();
    for (const { at, version, probe, otherVersion, detail, ...totals } of rows) {
      const key = `${at.getTime()} ${version} ${probe} ${otherVersion}`;
      const known = hours.get(key);
      hours.set(key, {
        startAtMs: at.getTime(),
        version,
        probe,
        otherVersion,
        totals: known === undefined ? totals : addTotals(known.totals, totals),
        details: [...(known?.details ?? []), ...(detail === null ? [] : [detail])],
      });
    }
    return [...hours.values()];
  }
}
