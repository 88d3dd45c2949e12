import type { AnomalySeriesName, Task } from '@slipway/contracts';
import { placeOfBin } from '../quality/count-bins.js';
import { QualityWindowStore } from '../quality/quality-window.store.js';
import { errorShare } from '../series/error-share.js';
import { iso } from '../series/series-frame.js';
import { ServingSeriesStore, type ServingStep } from '../series/serving-series.store.js';
import { latencyQuantile, mergeLatencyBuckets, sumOf } from '../windows/latency-buckets.js';
import type { Queryable } from '../windows/partitions.store.js';
import type { WindowValue } from './watched-series.js';

/** Length of the windows in which series are watched. */
export const anomalyWindowMs = 300_000;
const stepSeconds = anomalyWindowMs / 1000;

/** What was measured of a deployment in one window. */
export interface MeasuredWindow {
  readonly atMs: number;
  readonly values: Readonly<Partial<Record<AnomalySeriesName, WindowValue>>>;
  /** Instances were there: that nothing came is known, and not only not seen. */
  readonly isAlive: boolean;
}

/** An average over the copies, so that another number of them is nothing new. */
const resources = `
select extract(epoch from date_bin('5 minutes', start_at, 'epoch'::timestamptz))::float8 * 1000 as "atMs", avg(cpu) as cpu, avg(memory) as memory,
  count(*)::float8 as n
from (
  select start_at, avg(cpu_seconds / nullif(covered_seconds, 0)) as cpu, avg(memory_bytes)::float8 as memory from telemetry.resource_windows
  where deployment_id = $1 and start_at >= $2 and start_at < $3 group by start_at
) w group by 1`;
const arrivals = `
select extract(epoch from start_at)::float8 * 1000 as "atMs", labels from telemetry.label_arrivals
where deployment_id = $1 and start_at >= $2 and start_at < $3`;

/** Reads the watched series of a deployment, window by window. */
export class AnomalyInputStore {
  private readonly serving: ServingSeriesStore;
  private readonly quality: QualityWindowStore;

  constructor(private readonly db: Queryable) {
    this.serving = new ServingSeriesStore(db);
    this.quality = new QualityWindowStore(db);
  }

  /** Every window of a span, in order. Traffic and labels of a window in which nothing came are absent: the caller knows whether that is a zero. */
  async windows(query: { deploymentId: string; task: Task | undefined; fromMs: number; toMs: number }): Promise<MeasuredWindow[]> {
    const { deploymentId, fromMs, toMs } = query;
    const span = [deploymentId, iso(fromMs), iso(toMs)];
    const [steps, used, labels, predicted] = await Promise.all([
      this.serving.steps({ deploymentId, frame: { fromMs, toMs, stepSeconds } }),
      this.db.query<{ atMs: number; cpu: number | null; memory: number | null; n: number }>(resources, span),
      this.db.query<{ atMs: number; labels: number }>(arrivals, span),
      this.quality.windows({ deploymentId, seconds: 300, fromMs, toMs }),
    ]);
    const served = groupBy(steps, ({ atMs }) => atMs);
    const usedAt = new Map(used.rows.map((row) => [row.atMs, row]));
    const labelsAt = new Map(labels.rows.map((row) => [row.atMs, row.labels]));
    const predictedAt = groupBy(predicted, ({ startMs }) => startMs);
    const windows: MeasuredWindow[] = [];
    for (let atMs = fromMs; atMs < toMs; atMs += anomalyWindowMs) {
      const resource = usedAt.get(atMs);
      const own = served.get(atMs) ?? [];
      const arrived = labelsAt.get(atMs);
      const mean = meanPrediction(
        (predictedAt.get(atMs) ?? []).map(({ counts }) => counts.all),
        query.task,
      );
      windows.push({
        atMs,
        isAlive: resource !== undefined || own.length > 0,
        values: {
          ...servedValues(own),
          ...(resource?.cpu == null ? {} : { cpu: { value: resource.cpu, n: resource.n } }),
          ...(resource?.memory == null ? {} : { memory: { value: resource.memory, n: resource.n } }),
          ...(arrived === undefined ? {} : { labels: { value: arrived / stepSeconds, n: arrived } }),
          ...(mean === undefined ? {} : { prediction_mean: mean }),
        },
      });
    }
    return windows;
  }
}

function servedValues(steps: readonly ServingStep[]): MeasuredWindow['values'] {
  if (steps.length === 0) return {};
  const requests = steps.reduce((sum, step) => sum + step.requests, 0);
  let [errors, valid] = [0, 0];
  for (const step of steps) {
    const own = errorShare(step.outcomes);
    errors += own.errors;
    valid += own.valid;
  }
  const duration = mergeLatencyBuckets(steps.map((step) => step.duration));
  const timed = sumOf(duration);
  const [p50, p95] = [latencyQuantile(duration, 0.5), latencyQuantile(duration, 0.95)];
  return {
    traffic: { value: requests / stepSeconds, n: requests },
    ...(valid === 0 ? {} : { error_ratio: { value: errors / valid, n: valid } }),
    ...(p50 === null || p95 === null ? {} : { latency_p50: { value: p50, n: timed }, latency_p95: { value: p95, n: timed } }),
  };
}

/** Mean of the predicted scores or values, from their bins; of classes without scores the share of the first one (of two: the positive one). */
function meanPrediction(windows: readonly Readonly<Record<string, number>>[], task: Task | undefined): WindowValue | undefined {
  const told = task?.positiveClass ?? task?.classes?.[0];
  let [n, sum] = [0, 0];
  for (const bins of windows) {
    for (const [bin, count] of Object.entries(bins)) {
      const value = placeOfBin(bin) ?? (told !== undefined && bin.startsWith('c') ? Number(bin === `c${told}`) : undefined);
      if (value === undefined) continue;
      n += count;
      sum += count * value;
    }
  }
  return n > 0 ? { value: sum / n, n } : undefined;
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}
