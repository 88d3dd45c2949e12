import { type Outcome, outcomes, type ServingPoint, type ServingSeries } from '@slipway/contracts';
import { latencyBucketCount, latencyQuantile, mergeLatencyBuckets } from '../windows/latency-buckets.js';
import type { Queryable } from '../windows/partitions.store.js';
import { errorShare } from './error-share.js';
import { coveredSeconds, iso, type SeriesFrame, stepsOf } from './series-frame.js';

/** Sums of the windows of one step and version. */
export interface ServingStep {
  readonly atMs: number;
  readonly version: number;
  readonly requests: number;
  readonly rows: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly duration: readonly number[];
  readonly queue: readonly number[];
  readonly compute: readonly number[];
}

// Summing by subscript reads each window once; unnesting the arrays would make a row per bucket of each window.
const bucketSums = (column: string) =>
  `array[${Array.from({ length: latencyBucketCount }, (_, at) => `sum(${column}[${at + 1}])`).join(', ')}]::float8[]`;
const outcomeSums = `array[${outcomes.map((outcome) => `sum((outcomes->>'${outcome}')::bigint)`).join(', ')}]::float8[]`;
const sums = `sum(requests)::float8 as requests, sum("rows")::float8 as "rows", ${outcomeSums} as outcomes, ${bucketSums('duration_buckets')} as duration,
  ${bucketSums('queue_buckets')} as queue, ${bucketSums('compute_buckets')} as compute`;
const fromWindows = `from telemetry.serving_windows where deployment_id = $1 and start_at >= $2 and start_at < $3 and role <> 'shadow'`;

interface SumsRow {
  readonly requests: number;
  readonly rows: number;
  readonly outcomes: readonly (number | null)[];
  readonly duration: readonly (number | null)[];
  readonly queue: readonly (number | null)[];
  readonly compute: readonly (number | null)[];
}

/** Reads serving windows, summed in the database. Shadow traffic is not served traffic and stays out. */
export class ServingSeriesStore {
  constructor(private readonly db: Queryable) {}

  /** One row per step and version that had requests. */
  async steps(query: { deploymentId: string; frame: SeriesFrame; version?: number | undefined }): Promise<ServingStep[]> {
    const { frame } = query;
    const { rows } = await this.db.query<SumsRow & { at: Date; version: number }>(
      `select date_bin(make_interval(secs => $4), start_at, 'epoch'::timestamptz) as at, version_number as version, ${sums} ${fromWindows}
         and ($5::integer is null or version_number = $5) group by 1, 2 order by 1, 2`,
      [query.deploymentId, iso(frame.fromMs), iso(frame.toMs), frame.stepSeconds, query.version ?? null],
    );
    return rows.map((row) => ({ atMs: row.at.getTime(), version: row.version, ...stepSums(row) }));
  }

  /** All requests of a deployment in the windows that begin in a span, or undefined when there are none. */
  async total(query: { deploymentId: string; fromMs: number; toMs: number }): Promise<Omit<ServingStep, 'atMs' | 'version'> | undefined> {
    const { rows } = await this.db.query<SumsRow>(`select ${sums} ${fromWindows} having count(*) > 0`, [
      query.deploymentId,
      iso(query.fromMs),
      iso(query.toMs),
    ]);
    return rows[0] === undefined ? undefined : stepSums(rows[0]);
  }
}

function stepSums(row: SumsRow): Omit<ServingStep, 'atMs' | 'version'> {
  return {
    requests: row.requests,
    rows: row.rows,
    outcomes: Object.fromEntries(outcomes.map((outcome, at) => [outcome, row.outcomes[at] ?? 0]).filter(([, count]) => count !== 0)),
    duration: row.duration.map((count) => count ?? 0),
    queue: row.queue.map((count) => count ?? 0),
    compute: row.compute.map((count) => count ?? 0),
  };
}

/** Points for every step that has begun: without requests a step has zero requests and no latency. */
export function servingSeries(steps: readonly ServingStep[], frame: SeriesFrame, nowMs: number): ServingSeries {
  const versions = [...new Set(steps.map(({ version }) => version))].sort((a, b) => a - b);
  const points = (some: readonly ServingStep[]) => {
    const byTime = groupByTime(some);
    return stepsOf(frame, nowMs).map((atMs) => servingPoint(atMs, byTime.get(atMs) ?? [], coveredSeconds(frame, atMs, nowMs)));
  };
  return {
    from: iso(frame.fromMs),
    to: iso(frame.toMs),
    stepSeconds: frame.stepSeconds,
    versions: versions.map((version) => ({ version, points: points(steps.filter((step) => step.version === version)) })),
    total: points(steps),
  };
}

function groupByTime(steps: readonly ServingStep[]): Map<number, ServingStep[]> {
  const groups = new Map<number, ServingStep[]>();
  for (const step of steps) groups.set(step.atMs, [...(groups.get(step.atMs) ?? []), step]);
  return groups;
}

function servingPoint(atMs: number, steps: readonly ServingStep[], seconds: number): ServingPoint {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const step of steps)
    for (const outcome of outcomes) if (step.outcomes[outcome]) counts[outcome] = (counts[outcome] ?? 0) + step.outcomes[outcome];
  const requests = steps.reduce((sum, step) => sum + step.requests, 0);
  const { errors, valid } = errorShare(counts);
  const duration = mergeLatencyBuckets(steps.map((step) => step.duration));
  return {
    at: iso(atMs),
    requests,
    requestsPerSecond: requests / seconds,
    errors,
    errorRatio: valid === 0 ? null : errors / valid,
    p50: latencyQuantile(duration, 0.5),
    p95: latencyQuantile(duration, 0.95),
    p99: latencyQuantile(duration, 0.99),
    queueP95: latencyQuantile(mergeLatencyBuckets(steps.map((step) => step.queue)), 0.95),
    computeP95: latencyQuantile(mergeLatencyBuckets(steps.map((step) => step.compute)), 0.95),
    rows: steps.reduce((sum, step) => sum + step.rows, 0),
    outcomes: counts,
  };
}
