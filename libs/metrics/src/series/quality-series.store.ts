import type { QualityPoint, QualitySeries, Task } from '@slipway/contracts';
import { type ConfusionCell, confusionMatrix, countConfusion } from '../quality/confusion-counts.js';
import { averageOf, classNames, judgeQuality, type QualityCounts } from '../quality/judge-quality.js';
import type { ErrorSums } from '../quality/regression-metrics.js';
import type { Queryable } from '../windows/partitions.store.js';
import { iso, type SeriesFrame, stepsOf } from './series-frame.js';

/** A matrix of more classes is not readable; the metrics still cover all of them. */
const maxMatrixClasses = 100;

const bin = (column: string) => `date_bin(make_interval(secs => $4), ${column}, 'epoch'::timestamptz)`;
const predictedPerStep = `
select ${bin('at')} as at, version_number as version, count(*)::float8 as predicted from telemetry.predictions
where deployment_id = $1 and at >= $2 and at < $3 and ($5::integer is null or version_number = $5) group by 1, 2`;

/** One label per prediction row: the newest, whatever its source. Joined by the prediction's time, so late labels land in its window. */
const labelled = `
with newest as (
  select distinct on (at, prediction_id, "row") at, prediction_id, "row", label, label_number from telemetry.labels
  where deployment_id = $1 and at >= $2 and at < $3 order by at, prediction_id, "row", received_at desc
), pairs as (
  select ${bin('p.at')} as at, p.version_number as version, l.label, p.predicted, p.predicted_number - l.label_number as error
  from newest l join telemetry.predictions p on p.at = l.at and p.id = l.prediction_id and p."row" = l."row"
  where p.deployment_id = $1 and p.at >= $2 and p.at < $3 and ($5::integer is null or p.version_number = $5)
)`;
const cellsPerStep = `${labelled}
select at, version, label, predicted, count(*)::float8 as count from pairs where label is not null group by 1, 2, 3, 4`;
const errorsPerStep = `${labelled}
select at, version, count(error)::float8 as n, coalesce(sum(abs(error)), 0) as absolute, coalesce(sum(error * error), 0) as squared,
  coalesce(sum(error * error * error * error), 0) as fourth
from pairs where error is not null group by 1, 2`;

interface StepKey {
  readonly at: Date;
  readonly version: number;
}
interface Counted extends StepKey, QualityCounts {}

/** Quality from labels, filed under the time of the prediction. */
export class QualitySeriesStore {
  constructor(private readonly db: Queryable) {}

  /** @param task of the version that is deployed; without one there is no quality, and the answer says so. */
  async series(query: {
    deploymentId: string;
    frame: SeriesFrame;
    version?: number | undefined;
    nowMs: number;
    task: Task | undefined;
  }): Promise<QualitySeries> {
    const { frame, task } = query;
    const shape = { from: iso(frame.fromMs), to: iso(frame.toMs), stepSeconds: frame.stepSeconds };
    const off = offReason(task);
    if (off !== undefined || task === undefined) {
      return { ...shape, taskKind: task?.kind ?? null, off: off ?? null, average: null, total: [], versions: [], byVersion: [], confusion: null };
    }
    const counted = await this.count(query, task);
    const steps = stepsOf(frame, query.nowMs);
    const versions = [...new Set(counted.map(({ version }) => version))].sort((a, b) => a - b);
    const points = (some: readonly Counted[]) => pointsOf(steps, some, task);
    const allCells = counted.flatMap(({ cells }) => cells);
    return {
      ...shape,
      taskKind: task.kind,
      off: null,
      average: averageOf(task),
      total: points(counted),
      versions: versions.map((version) => pointOf(frame.fromMs, version, ofVersion(counted, version), task)),
      byVersion: versions.map((version) => ({ version, points: points(ofVersion(counted, version)) })),
      confusion: matrixOf(allCells, task),
    };
  }

  private async count(query: { deploymentId: string; frame: SeriesFrame; version?: number | undefined }, task: Task): Promise<Counted[]> {
    const { frame } = query;
    const values = [query.deploymentId, iso(frame.fromMs), iso(frame.toMs), frame.stepSeconds, query.version ?? null];
    const isRegression = task.kind === 'regression';
    const [predicted, cells, errors] = await Promise.all([
      this.db.query<StepKey & { predicted: number }>(predictedPerStep, values),
      isRegression ? undefined : this.db.query<StepKey & ConfusionCell>(cellsPerStep, values),
      isRegression ? this.db.query<StepKey & ErrorSums>(errorsPerStep, values) : undefined,
    ]);
    return [
      ...predicted.rows.map((row) => ({ ...row, cells: [], errors: [] })),
      ...(cells?.rows ?? []).map(({ at, version, ...cell }) => ({ at, version, predicted: 0, cells: [cell], errors: [] })),
      ...(errors?.rows ?? []).map(({ at, version, ...sums }) => ({ at, version, predicted: 0, cells: [], errors: [sums] })),
    ];
  }
}

function offReason(task: Task | undefined): string | undefined {
  if (task === undefined) return 'The deployed version has no task. Set it with PATCH /v1/models/{model}/versions/{version}.';
  return task.kind === 'other' ? 'The task of the deployed version is "other": there is no answer that a label could be compared with.' : undefined;
}

function pointsOf(steps: readonly number[], counted: readonly Counted[], task: Task): QualityPoint[] {
  const byTime = new Map<number, Counted[]>();
  for (const one of counted) {
    const group = byTime.get(one.at.getTime()) ?? [];
    group.push(one);
    byTime.set(one.at.getTime(), group);
  }
  return steps.map((atMs) => {
    const group = byTime.get(atMs) ?? [];
    return pointOf(atMs, mainVersion(group), group, task);
  });
}

function pointOf(atMs: number, version: number, counted: readonly Counted[], task: Task): QualityPoint {
  const predicted = counted.reduce((sum, one) => sum + one.predicted, 0);
  const counts = { predicted, cells: counted.flatMap(({ cells }) => cells), errors: counted.flatMap(({ errors }) => errors) };
  return { at: iso(atMs), version, predicted, ...judgeQuality(counts, task) };
}

/** The version that made most predictions of a step; 0 when there were none. */
function mainVersion(counted: readonly Counted[]): number {
  const most = counted.reduce<Counted | undefined>((best, one) => (best === undefined || one.predicted > best.predicted ? one : best), undefined);
  return most?.version ?? 0;
}

function ofVersion(counted: readonly Counted[], version: number): Counted[] {
  return counted.filter((one) => one.version === version);
}

function matrixOf(cells: readonly ConfusionCell[], task: Task): QualitySeries['confusion'] {
  if (task.kind === 'regression') return null;
  const counts = countConfusion(cells, classNames(task));
  if (counts.n === 0 || counts.classes.length > maxMatrixClasses) return null;
  return { classes: [...counts.classes], counts: confusionMatrix(counts) };
}
