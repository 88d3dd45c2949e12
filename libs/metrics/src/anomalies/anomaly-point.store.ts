import { type AnomalyPoint, type AnomalySeries, type AnomalySeriesName, anomalySeries } from '@slipway/contracts';
import { iso, type SeriesFrame } from '../series/series-frame.js';
import { type Queryable, withPartitions } from '../windows/partitions.store.js';
import type { WatchedPoint } from './series-watch.js';
import { watchedSeries } from './watched-series.js';

/** A window of one series as it was judged. */
export interface NewAnomalyPoint extends WatchedPoint {
  readonly atMs: number;
  readonly series: AnomalySeriesName;
}

const insert = `
insert into telemetry.anomaly_points (start_at, deployment_id, series, value, expected, lower, upper, score, is_anomaly)
select to_timestamp(p.at_ms / 1000.0), $1::text, p.series, p.value, p.expected, p.lower, p.upper, p.score, p.is_anomaly
from unnest($2::float8[], $3::text[], $4::float8[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::boolean[])
  as p(at_ms, series, value, expected, lower, upper, score, is_anomaly)
order by 1, 3
on conflict (start_at, deployment_id, series) do update set value = excluded.value, expected = excluded.expected, lower = excluded.lower,
  upper = excluded.upper, score = excluded.score, is_anomaly = excluded.is_anomaly`;
/** In a longer step an anomaly stays visible: the rarest score, and the widest band. */
const select = `
select series, date_bin(make_interval(secs => $4), start_at, 'epoch'::timestamptz) as at, avg(value) as value, avg(expected) as expected,
  min(lower) as lower, max(upper) as upper, max(score) as score, bool_or(is_anomaly) as "isAnomaly"
from telemetry.anomaly_points where deployment_id = $1 and start_at >= $2 and start_at < $3 group by 1, 2 order by 1, 2`;

/** Windows of watched series with what was expected of them. */
export class AnomalyPointStore {
  constructor(private readonly db: Queryable) {}

  /** Keeps points; a window that was judged before is replaced. */
  async write(deploymentId: string, points: readonly NewAnomalyPoint[]): Promise<void> {
    if (points.length === 0) return;
    const values = [
      deploymentId,
      points.map(({ atMs }) => atMs),
      points.map(({ series }) => series),
      points.map(({ value }) => value),
      points.map(({ expected }) => expected),
      points.map(({ band }) => band?.[0] ?? null),
      points.map(({ band }) => band?.[1] ?? null),
      points.map(({ score }) => score),
      points.map(({ isAnomaly }) => isAnomaly),
    ];
    await withPartitions(
      this.db,
      points.map(({ atMs }) => atMs),
      () => this.db.query(insert, values),
    );
  }

  /** The series of a deployment that have points in a frame, in the order of `anomalySeries`. */
  async series(deploymentId: string, frame: SeriesFrame): Promise<AnomalySeries['series']> {
    const { rows } = await this.db.query<Omit<AnomalyPoint, 'at'> & { series: string; at: Date }>(select, [
      deploymentId,
      iso(frame.fromMs),
      iso(frame.toMs),
      frame.stepSeconds,
    ]);
    return anomalySeries.flatMap((name) => {
      const points = rows.filter(({ series }) => series === name).map(({ series: _, at, ...point }) => ({ ...point, at: at.toISOString() }));
      return points.length === 0 ? [] : [{ name, unit: watchedSeries.find((each) => each.name === name)?.unit ?? '', points }];
    });
  }
}

/** The frame of a chart of anomalies: steps of whole windows. */
export function anomalyFrame(frame: SeriesFrame): SeriesFrame {
  const stepSeconds = Math.max(1, Math.ceil(frame.stepSeconds / 300)) * 300;
  return { fromMs: Math.floor(frame.fromMs / (stepSeconds * 1000)) * stepSeconds * 1000, toMs: frame.toMs, stepSeconds };
}
