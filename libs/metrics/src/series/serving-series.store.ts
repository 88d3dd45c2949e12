import { type LatencyStage, type Outcome, outcomes, type ServingPoint, type ServingSeries, type ServingTotals } from '@slipway/contracts';
import { conditionsOf, planSpan } from '../hours/hours.store.js';
import { batchBucketCount, batchEdges } from '../windows/batch-buckets.js';
import { latencyEdges, latencyQuantile, mergeLatencyBuckets, sumOf } from '../windows/latency-buckets.js';
import type { Queryable } from '../windows/partitions.store.js';
import { type Stage, stages, sumsOfBuckets, sumsOfOutcomes } from '../windows/serving-columns.js';
import { errorShare } from './error-share.js';
import { coveredSeconds, iso, type SeriesFrame, stepsOf } from './series-frame.js';

/** Sums of requests; all of them add up. */
export interface ServingTotal {
  readonly requests: number;
  readonly rows: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Counts per latency bucket of each stage. */
  readonly duration: readonly number[];
  readonly queue: readonly number[];
  readonly compute: readonly number[];
  readonly decode: readonly number[];
  readonly encode: readonly number[];
  /** Runs of the model by their rows, see batch-buckets.ts. */
  readonly batch: readonly number[];
  readonly runs: number;
  readonly runRows: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Sums of the windows of one step and version. */
export interface ServingStep extends ServingTotal {
  readonly atMs: number;
  readonly version: number;
}

const sums = `sum(requests)::float8 as requests, sum("rows")::float8 as "rows", ${sumsOfOutcomes}, ${sumsOfBuckets('float8')}, sum(runs)::float8 as runs,
  sum(run_rows)::float8 as run_rows, sum(request_bytes)::float8 as request_bytes, sum(response_bytes)::float8 as response_bytes`;
const columns = `start_at, version_number, requests, "rows", outcomes, ${stages.map((stage) => `${stage}_buckets`).join(', ')}, batch_buckets, runs, run_rows,
  request_bytes, response_bytes`;
const ofDeployment = `deployment_id = $1 and role <> 'shadow' and ($2::integer is null or version_number = $2)`;

type SumsRow = Readonly<Record<`${Stage}_buckets` | 'batch_buckets' | 'outcome_counts', readonly number[]>> &
  Readonly<Record<'requests' | 'rows' | 'runs' | 'run_rows' | 'request_bytes' | 'response_bytes', number>>;

/** Reads serving windows, summed in the database, and the sums by the hour where whole hours are asked for. Shadow traffic is not served traffic. */
export class ServingSeriesStore {
  constructor(private readonly db: Queryable) {}

  /** One row per step and version that had requests. */
  async steps(query: { deploymentId: string; frame: SeriesFrame; version?: number | undefined }): Promise<ServingStep[]> {
    const { frame, deploymentId, version } = query;
    const source = await this.sourceOf(deploymentId, version, frame, frame.stepSeconds % 3_600 === 0);
    const step = `$${source.values.length + 1}`;
    const { rows } = await this.db.query<SumsRow & { at: Date; version: number }>(
      `select date_bin(make_interval(secs => ${step}), start_at, 'epoch'::timestamptz) as at, version_number as version, ${sums} from ${source.from}
       group by 1, 2 order by 1, 2`,
      [...source.values, frame.stepSeconds],
    );
    return rows.map((row) => ({ atMs: row.at.getTime(), version: row.version, ...totalOf(row) }));
  }

  /** All requests of a deployment in the windows that begin in a span, or undefined when there are none. Weeks cost as little as hours. */
  async total(query: { deploymentId: string; fromMs: number; toMs: number; version?: number | undefined }): Promise<ServingTotal | undefined> {
    const source = await this.sourceOf(query.deploymentId, query.version, query, true);
    const { rows } = await this.db.query<SumsRow>(`select ${sums} from ${source.from} having count(*) > 0`, [...source.values]);
    return rows[0] === undefined ? undefined : totalOf(rows[0]);
  }

  private async sourceOf(
    deploymentId: string,
    version: number | undefined,
    span: { readonly fromMs: number; readonly toMs: number },
    byHours: boolean,
  ): Promise<{ from: string; values: readonly unknown[] }> {
    const values = [deploymentId, version ?? null];
    if (!byHours) {
      const from = `(select ${columns} from telemetry.serving_windows where ${ofDeployment} and start_at >= $3 and start_at < $4) w`;
      return { from, values: [...values, iso(span.fromMs), iso(span.toMs)] };
    }
    const conditions = conditionsOf(await planSpan(this.db, 'serving', deploymentId, span), 3);
    const from = `(select ${columns} from telemetry.serving_hours where ${ofDeployment} and ${conditions.hours}
      union all select ${columns} from telemetry.serving_windows where ${ofDeployment} and ${conditions.windows}) w`;
    return { from, values: [...values, ...conditions.values] };
  }
}

function totalOf(row: SumsRow): ServingTotal {
  return {
    requests: row.requests,
    rows: row.rows,
    outcomes: Object.fromEntries(outcomes.map((outcome, at) => [outcome, row.outcome_counts[at] ?? 0]).filter(([, count]) => count !== 0)),
    duration: row.duration_buckets,
    queue: row.queue_buckets,
    compute: row.compute_buckets,
    decode: row.decode_buckets,
    encode: row.encode_buckets,
    batch: row.batch_buckets,
    runs: row.runs,
    runRows: row.run_rows,
    requestBytes: row.request_bytes,
    responseBytes: row.response_bytes,
  };
}

/** Points for every step that has begun: without requests a step has zero requests and no latency. */
export function servingSeries(steps: readonly ServingStep[], frame: SeriesFrame, nowMs: number): ServingSeries {
  const versions = [...new Set(steps.map(({ version }) => version))].sort((a, b) => a - b);
  const points = (some: readonly ServingStep[]) => {
    const byTime = groupByTime(some);
    return stepsOf(frame, nowMs).map((atMs) => servingPoint(atMs, byTime.get(atMs) ?? [], coveredSeconds(frame, atMs, nowMs)));
  };
  const ofVersion = (version: number) => steps.filter((step) => step.version === version);
  return {
    from: iso(frame.fromMs),
    to: iso(frame.toMs),
    stepSeconds: frame.stepSeconds,
    latencyEdges: [...latencyEdges],
    batchEdges: [...batchEdges],
    versions: versions.map((version) => ({ version, points: points(ofVersion(version)), totals: servingTotals(ofVersion(version)) })),
    total: points(steps),
    totals: servingTotals(steps),
  };
}

function groupByTime(steps: readonly ServingStep[]): Map<number, ServingStep[]> {
  const groups = new Map<number, ServingStep[]>();
  for (const step of steps) groups.set(step.atMs, [...(groups.get(step.atMs) ?? []), step]);
  return groups;
}

const sumBy = (steps: readonly ServingTotal[], pick: (step: ServingTotal) => number) => steps.reduce((sum, step) => sum + pick(step), 0);
const stageOf = (steps: readonly ServingTotal[], stage: LatencyStage) => mergeLatencyBuckets(steps.map((step) => step[stage]));

function countsOf(steps: readonly ServingTotal[]): Partial<Record<Outcome, number>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const step of steps)
    for (const outcome of outcomes) if (step.outcomes[outcome]) counts[outcome] = (counts[outcome] ?? 0) + step.outcomes[outcome];
  return counts;
}

function servingPoint(atMs: number, steps: readonly ServingStep[], seconds: number): ServingPoint {
  const counts = countsOf(steps);
  const requests = sumBy(steps, (step) => step.requests);
  const { errors, valid } = errorShare(counts);
  const duration = stageOf(steps, 'duration');
  const runs = sumBy(steps, (step) => step.runs);
  return {
    at: iso(atMs),
    requests,
    requestsPerSecond: requests / seconds,
    errors,
    errorRatio: valid === 0 ? null : errors / valid,
    p50: latencyQuantile(duration, 0.5),
    p95: latencyQuantile(duration, 0.95),
    p99: latencyQuantile(duration, 0.99),
    queueP95: latencyQuantile(stageOf(steps, 'queue'), 0.95),
    computeP95: latencyQuantile(stageOf(steps, 'compute'), 0.95),
    decodeP95: latencyQuantile(stageOf(steps, 'decode'), 0.95),
    encodeP95: latencyQuantile(stageOf(steps, 'encode'), 0.95),
    rows: sumBy(steps, (step) => step.rows),
    runs,
    rowsPerRun: runs === 0 ? null : sumBy(steps, (step) => step.runRows) / runs,
    requestBytes: sumBy(steps, (step) => step.requestBytes),
    responseBytes: sumBy(steps, (step) => step.responseBytes),
    outcomes: counts,
  };
}

/** Everything of a span as one: histograms that can be added to those of another span. */
function servingTotals(steps: readonly ServingTotal[]): ServingTotals {
  const runs = sumBy(steps, (step) => step.runs);
  return {
    requests: sumBy(steps, (step) => step.requests),
    rows: sumBy(steps, (step) => step.rows),
    outcomes: countsOf(steps),
    latency: {
      duration: latencyOf(stageOf(steps, 'duration')),
      queue: latencyOf(stageOf(steps, 'queue')),
      compute: latencyOf(stageOf(steps, 'compute')),
      decode: latencyOf(stageOf(steps, 'decode')),
      encode: latencyOf(stageOf(steps, 'encode')),
    },
    batch: { counts: addedUp(steps.map((step) => step.batch)), runs, rowsPerRun: runs === 0 ? null : sumBy(steps, (step) => step.runRows) / runs },
    requestBytes: sumBy(steps, (step) => step.requestBytes),
    responseBytes: sumBy(steps, (step) => step.responseBytes),
  };
}

function addedUp(all: readonly (readonly number[])[]): number[] {
  return Array.from({ length: batchBucketCount }, (_, at) => all.reduce((sum, counts) => sum + (counts[at] ?? 0), 0));
}

function latencyOf(counts: readonly number[]) {
  return {
    count: sumOf(counts),
    p50: latencyQuantile(counts, 0.5),
    p95: latencyQuantile(counts, 0.95),
    p99: latencyQuantile(counts, 0.99),
    counts: [...counts],
  };
}
