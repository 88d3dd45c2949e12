import type { Judgement, Maturity, QualityMetrics, QualityPoint, QualitySeries, Task } from '@slipway/contracts';
import { type ArrivalCurve, arrivalsView, learnArrivals, maturityOf } from '../quality/arrival-curve.js';
import { countRows, weightOfRow } from '../quality/count-rows.js';
import { normalInterval, wilsonInterval } from '../quality/intervals.js';
import { type JudgedBy, judgedMetrics, judgeMetric, judgeQualityWindow, type QualityBaseline } from '../quality/judge-quality-window.js';
import { judgeBias } from '../quality/label-bias.js';
import { LabelledPredictionStore, type StoredLabelledRow } from '../quality/labelled-prediction.store.js';
import { medianSize } from '../quality/measure-errors.js';
import { scoredRows } from '../quality/measure-scores.js';
import { measureWindow, type WindowMeasures } from '../quality/measure-window.js';
import { varianceOf } from '../quality/moments.js';
import { addCounts, effectiveCounts, noCounts, type QualityCounts } from '../quality/quality-counts.js';
import { type QualityWindow, QualityWindowStore, type SliceTotals, type WindowSeconds, windowSeconds } from '../quality/quality-window.store.js';
import { type StoredWorst, WorstSampleStore } from '../quality/worst-sample.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { iso, type SeriesFrame, stepsOf } from './series-frame.js';

/** Up to so many labelled rows a span is measured from the rows themselves; beyond it from what was counted of them. */
export const measuredRowsMax = 5_000;
/** And so many where the steps are shorter than the shortest windows: there is nothing else to measure from then. */
export const finelyMeasuredRowsMax = 15_000;
/** Windows of five minutes are given up after two weeks. */
const recentMs = 13 * 86_400_000;
/** Longer spans have steps of whole days. */
const longMs = 10 * 86_400_000;
const slicesMost = 50;
const worstMost = 100;

const predictedPerStep = `
select (extract(epoch from date_bin(make_interval(secs => $4), at, 'epoch'::timestamptz)) * 1000)::float8 as "atMs", version_number as version, sum(1 / coalesce(probability, 1)::float8) as predicted
from telemetry.predictions
where deployment_id = $1 and at >= $2 and at < $3 and ($5::integer is null or version_number = $5) and ($6::text is null or slices ->> $6 = $7) group by 1, 2`;

/** What was counted of one step and version. */
interface Counted {
  readonly atMs: number;
  readonly version: number;
  predicted: number;
  labelled: number;
  readonly counts: QualityCounts;
  rows: StoredLabelledRow[];
}

/** What a series is asked for. */
export interface QualityQuery {
  readonly deploymentId: string;
  readonly frame: SeriesFrame;
  readonly version?: number | undefined;
  /** `name=value`. */
  readonly slice?: string | undefined;
  readonly nowMs: number;
  /** Of the version that is deployed; without one there is no quality, and the answer says so. */
  readonly task: Task | undefined;
  /** What each version's quality is compared with; a version without one is measured and not judged. */
  readonly baselines?: ReadonlyMap<number, QualityBaseline> | undefined;
}

/** A series without what others know: who asks adds the kept judgements and the estimates. */
export type MeasuredQuality = Omit<QualitySeries, 'judgements' | 'estimated'>;

/** Quality from labels, filed under the time of the prediction. */
export class QualitySeriesStore {
  private readonly windows: QualityWindowStore;
  private readonly labelled: LabelledPredictionStore;
  private readonly worstSamples: WorstSampleStore;

  constructor(private readonly db: Queryable) {
    this.windows = new QualityWindowStore(db);
    this.labelled = new LabelledPredictionStore(db);
    this.worstSamples = new WorstSampleStore(db);
  }

  async series(query: QualityQuery): Promise<MeasuredQuality> {
    const { task } = query;
    const off = offReason(task);
    if (off !== undefined || task === undefined) return nothing(query, off ?? null);
    const [{ frame, counted, isExact }, curve] = await Promise.all([this.count(query), this.arrivals(query)]);
    const span = { deploymentId: query.deploymentId, fromMs: frame.fromMs, toMs: frame.toMs, version: query.version };
    const [slices, worst, around] = await Promise.all([
      query.slice === undefined ? this.windows.slices({ ...span, ...sliceSpan(frame), limit: slicesMost }) : [],
      query.slice === undefined ? this.worstSamples.worst({ ...span, limit: worstMost }) : [],
      // Rows without a label are not among the labelled ones: what was predicted for them, windows know.
      isExact ? this.windows.windows({ ...span, slice: query.slice, ...sliceSpan(frame) }) : undefined,
    ]);
    const measuring: Measuring = { task, curve, nowMs: query.nowMs, isExact, baselines: query.baselines ?? new Map() };
    return answer({
      query,
      frame,
      counted,
      measuring,
      slices,
      worst,
      around: around === undefined ? undefined : joined(frame.fromMs, countWindows(frame, around)).counts,
    });
  }

  private async arrivals({ deploymentId, nowMs }: QualityQuery): Promise<ArrivalCurve> {
    return learnArrivals(await this.windows.arrivals(deploymentId, nowMs), nowMs);
  }

  /** From rows while they are few, else from windows whose length divides the step, which may have to be widened for that. */
  private async count(query: QualityQuery): Promise<{ frame: SeriesFrame; counted: Counted[]; isExact: boolean }> {
    const { deploymentId, frame, version, slice } = query;
    const most = frame.stepSeconds < windowSeconds[0] ? finelyMeasuredRowsMax : measuredRowsMax;
    const span = { deploymentId, version, slice, fromMs: frame.fromMs, toMs: frame.toMs };
    const around = await this.windows.totals({ ...span, seconds: 3_600, fromMs: floorTo(frame.fromMs, 3_600) });
    const isFew = around.labelled <= most && (frame.stepSeconds >= windowSeconds[0] || around.predicted <= 2 * finelyMeasuredRowsMax);
    const rows = isFew || frame.toMs - frame.fromMs < 2 * 3_600_000 ? await this.labelled.between({ ...span, limit: most + 1 }) : undefined;
    if (rows !== undefined && rows.length <= most) return { frame, counted: await this.countExactly(query, rows), isExact: true };
    const widened = widen(frame, slice === undefined && frame.fromMs > query.nowMs - recentMs);
    const seconds = widestWithin(widened, slice === undefined);
    const windows = await this.windows.windows({ ...span, seconds, fromMs: widened.fromMs, toMs: widened.toMs });
    return { frame: widened, counted: countWindows(widened, windows), isExact: false };
  }

  private async countExactly({ deploymentId, frame, version, slice }: QualityQuery, rows: readonly StoredLabelledRow[]): Promise<Counted[]> {
    const steps = new Map<string, Counted>();
    const at = slice?.indexOf('=') ?? -1;
    const name = slice === undefined ? null : slice.slice(0, at);
    const predicted = await this.db.query<{ atMs: number; version: number; predicted: number }>(predictedPerStep, [
      deploymentId,
      iso(frame.fromMs),
      iso(frame.toMs),
      frame.stepSeconds,
      version ?? null,
      name,
      slice?.slice(at + 1) ?? null,
    ]);
    for (const row of predicted.rows) stepOf(steps, row.atMs, row.version).predicted = row.predicted;
    for (const row of rows) stepOf(steps, floorTo(row.atMs, frame.stepSeconds), row.version).rows.push(row);
    for (const step of steps.values()) {
      step.labelled = step.rows.reduce((sum, row) => sum + weightOfRow(row), 0);
      addCounts(step.counts, countRows(step.rows));
    }
    return [...steps.values()];
  }
}

interface Measuring {
  readonly task: Task;
  readonly curve: ArrivalCurve;
  readonly nowMs: number;
  readonly isExact: boolean;
  readonly baselines: ReadonlyMap<number, QualityBaseline>;
}

interface Answered {
  readonly query: QualityQuery;
  readonly frame: SeriesFrame;
  readonly counted: readonly Counted[];
  readonly measuring: Measuring;
  readonly slices: readonly SliceTotals[];
  readonly worst: readonly StoredWorst[];
  /** Of whole windows around the span, where the span itself is measured from rows. */
  readonly around: QualityCounts | undefined;
}

function answer({ query, frame, counted, measuring, slices, worst, around }: Answered): MeasuredQuality {
  const { task, nowMs } = measuring;
  const steps = stepsOf(frame, nowMs);
  const stepMs = frame.stepSeconds * 1000;
  const versions = [...new Set(counted.map(({ version }) => version))].sort((a, b) => a - b);
  // A step that one version answered is the same for the version and for all together.
  const known = new Map<Counted, QualityPoint>();
  const points = (some: readonly Counted[]) => pointsOf(steps, some, (one) => pointOnce(known, one, stepMs, measuring));
  const wholeOf = (some: readonly Counted[]) => joined(frame.fromMs, some);
  const whole = wholeOf(counted);
  const measures = measure(whole, measuring);
  const reliability = measures.reliability();
  const total = points(counted);
  const ofVersion = (version: number) => (versions.length === 1 ? counted : counted.filter((one) => one.version === version));
  return {
    ...frameOf(frame),
    taskKind: task.kind,
    off: null,
    average: averageOf(task),
    measuredFrom: measuring.isExact ? 'rows' : 'counts',
    slice: query.slice ?? null,
    total,
    versions: versions.map((version) => pointOf(wholeOf(ofVersion(version)), Math.min(frame.toMs, nowMs), measuring)),
    byVersion: versions.map((version) => ({ version, points: versions.length === 1 ? total : points(ofVersion(version)) })),
    confusion: confusionOf(measures),
    perClass: measures.perClass.map(({ class: name, actual, predicted, metrics }) => ({
      class: name,
      actual,
      predicted,
      metrics: Object.fromEntries(Object.entries(metrics).map(([metric, one]) => [metric, judgeMetric(metric, one, { measures, task })])),
    })),
    calibration:
      reliability === null
        ? null
        : { of: task.kind === 'binary' ? 'positive' : 'predicted', bins: reliability.map((bin) => ({ ...bin, n: Math.round(bin.n) })) },
    slices: slicesView(slices, task),
    errors: errorsOf(steps, counted, task),
    worst: worstView(worst, whole.counts),
    bias: judgeBias(around ?? whole.counts, task),
    arrivals: arrivalsView(measuring.curve),
  };
}

function nothing({ frame, task, slice }: QualityQuery, off: string | null): MeasuredQuality {
  const none = {
    total: [],
    versions: [],
    byVersion: [],
    confusion: null,
    perClass: [],
    calibration: null,
    slices: [],
    errors: [],
    worst: [],
    bias: null,
  };
  const arrivals = { usualCoverage: null, matureAfterSeconds: null, curve: [] };
  return { ...frameOf(frame), taskKind: task?.kind ?? null, off, average: null, measuredFrom: 'rows', slice: slice ?? null, ...none, arrivals };
}

function frameOf(frame: SeriesFrame) {
  return { from: iso(frame.fromMs), to: iso(frame.toMs), stepSeconds: frame.stepSeconds };
}

function offReason(task: Task | undefined): string | undefined {
  if (task === undefined) return 'The deployed version has no task. Set it with PATCH /v1/models/{model}/versions/{version}.';
  return task.kind === 'other' ? 'The task of the deployed version is "other": there is no answer that a label could be compared with.' : undefined;
}

/** Whether recall and F1 are those of the positive class or the plain mean over classes. */
function averageOf(task: Task): QualitySeries['average'] {
  if (task.kind === 'binary') return 'binary';
  return task.kind === 'multiclass' ? 'macro' : null;
}

function pointsOf(steps: readonly number[], counted: readonly Counted[], pointFor: (counted: Counted) => QualityPoint): QualityPoint[] {
  const groups = groupByTime(counted);
  return steps.map((atMs) => {
    const group = groups.get(atMs) ?? [];
    const [only] = group;
    return pointFor(only !== undefined && group.length === 1 ? only : joined(atMs, group));
  });
}

function groupByTime(counted: readonly Counted[]): Map<number, Counted[]> {
  const groups = new Map<number, Counted[]>();
  for (const one of counted) {
    const group = groups.get(one.atMs) ?? [];
    group.push(one);
    groups.set(one.atMs, group);
  }
  return groups;
}

function pointOnce(known: Map<Counted, QualityPoint>, counted: Counted, stepMs: number, measuring: Measuring): QualityPoint {
  const point = known.get(counted) ?? pointOf(counted, counted.atMs + stepMs, measuring);
  known.set(counted, point);
  return point;
}

function pointOf(counted: Counted, endMs: number, measuring: Measuring): QualityPoint {
  const { task, nowMs, curve } = measuring;
  const { predicted, version } = counted;
  const maturity = maturityOf({ predicted, labelled: counted.labelled, ageMs: nowMs - endMs }, curve);
  if (counted.labelled === 0) return { at: iso(counted.atMs), version, predicted, labelled: 0, ...unmeasured, metrics: {}, maturity };
  const measures = measure(counted, measuring);
  const metrics = judgeAll({ measures, task, maturity: decisive(maturity), baseline: measuring.baselines.get(version) });
  const pick = (name: string): Judgement | null => (measures.labelled === 0 ? null : (metrics[name] ?? null));
  return {
    at: iso(counted.atMs),
    version,
    predicted,
    labelled: measures.standsFor,
    accuracy: pick('accuracy'),
    recall: pick('recall'),
    precision: pick('precision'),
    f1: pick('f1'),
    mae: pick('mae'),
    rmse: pick('rmse'),
    metrics: measures.labelled === 0 ? {} : metrics,
    maturity,
  };
}

const unmeasured = { accuracy: null, recall: null, precision: null, f1: null, mae: null, rmse: null };

/** Who asks now wants to know what can be said now: only what is known of how labels come in makes a window provisional. */
function decisive(maturity: Maturity): Maturity | undefined {
  return maturity.expected === null ? undefined : maturity;
}

function judgeAll(by: JudgedBy): QualityMetrics {
  return judgeQualityWindow(by);
}

function measure({ counts, rows }: Counted, { task, isExact }: Measuring): WindowMeasures {
  return measureWindow(counts, task, isExact ? scoredRows(rows) : undefined);
}

/** The steps or versions together, under the version that made most predictions; 0 when there were none. */
function joined(atMs: number, some: readonly Counted[]): Counted {
  const [only] = some;
  if (some.length === 1 && only !== undefined) return { ...only, atMs };
  const byVersion = new Map<number, number>();
  const all: Counted = { atMs, version: 0, predicted: 0, labelled: 0, counts: noCounts(), rows: [] };
  for (const one of some) {
    byVersion.set(one.version, (byVersion.get(one.version) ?? 0) + one.predicted);
    all.predicted += one.predicted;
    all.labelled += one.labelled;
    addCounts(all.counts, one.counts);
    for (const row of one.rows) all.rows.push(row);
  }
  const [main] = [...byVersion].sort(([a, of], [b, than]) => than - of || a - b);
  return { ...all, version: main?.[0] ?? 0 };
}

function confusionOf({ confusion }: WindowMeasures): QualitySeries['confusion'] {
  return confusion === null ? null : { classes: [...confusion.classes], counts: confusion.counts.map((row) => [...row]) };
}

function slicesView(slices: readonly SliceTotals[], task: Task): QualitySeries['slices'] {
  const metric = judgedMetrics[task.kind][0] ?? '';
  const isValue = task.kind === 'regression';
  const wrong = ({ labelled, good }: SliceTotals) => (isValue ? good : labelled - good);
  const byName = new Map<string, number>();
  for (const one of slices) byName.set(nameOf(one), (byName.get(nameOf(one)) ?? 0) + wrong(one));
  return slices
    .map((one) => {
      const { slice, predicted, labelled, good, squares, excess } = one;
      // As many rows as the labelled ones are worth, see `effectiveCounts`.
      const worth = labelled === 0 ? 0 : labelled ** 2 / (labelled + excess);
      const total = byName.get(nameOf(one)) ?? 0;
      const value = labelled === 0 ? null : good / labelled;
      const spread = labelled < 2 || value === null ? 0 : Math.sqrt(Math.max(0, squares / labelled - value ** 2) / worth);
      const interval =
        value === null ? null : isValue ? normalInterval(value, spread, [0, Infinity]) : wilsonInterval(good * (worth / labelled), worth);
      const measures = {
        labelled: worth,
        standsFor: labelled,
        leastOfClass: undefined,
        leastClass: undefined,
        metrics: {},
        perClass: [],
        confusion: null,
        reliability: () => null,
      };
      const judgement = judgeMetric(
        metric,
        { value, interval, n: worth, why: value === null ? 'there are no labelled rows' : null, bound: 0 },
        { measures, task },
      );
      return { slice, predicted, labelled, metric, judgement, contribution: total === 0 ? null : wrong(one) / total };
    })
    .sort((a, b) => (b.contribution ?? 0) - (a.contribution ?? 0) || b.labelled - a.labelled);
}

function nameOf({ slice }: SliceTotals): string {
  return slice.slice(0, slice.indexOf('='));
}

function errorsOf(steps: readonly number[], counted: readonly Counted[], task: Task): QualitySeries['errors'] {
  const groups = groupByTime(counted);
  return steps.map((atMs) => {
    const all = joined(atMs, groups.get(atMs) ?? []);
    const counts = effectiveCounts(all.counts);
    const moments = task.kind === 'regression' ? counts.errors?.error : counts.loss;
    if (moments === undefined || moments.n === 0) return { at: iso(atMs), n: 0, mean: null, interval: null, meanAbsolute: null };
    const interval = normalInterval(moments.mean, Math.sqrt(varianceOf(moments) / moments.n));
    const meanAbsolute = task.kind === 'regression' ? (counts.errors?.absolute.mean ?? null) : moments.mean;
    return { at: iso(atMs), n: moments.n, mean: moments.mean, interval: [interval[0], interval[1]], meanAbsolute };
  });
}

/** Outstanding: more than 5 modified z beyond the others (B. Iglewicz and D. C. Hoaglin, 1993); probabilities that were missed by more than 0.95. */
function worstView(worst: readonly StoredWorst[], counts: QualityCounts): QualitySeries['worst'] {
  const usual = counts.errors === null ? undefined : medianSize(counts.errors.absoluteBins);
  return worst.map(({ id, row, atMs, version, error, predicted, predictedNumber, label, labelNumber, score }) => ({
    predictionId: `${id}#${row}`,
    at: iso(atMs),
    version,
    error,
    predicted: predictedNumber ?? predicted,
    label: labelNumber ?? label,
    score,
    outstanding: usual === undefined ? error > 0.95 && score !== null : 0.6745 * error > 5 * usual,
  }));
}

function countWindows(frame: SeriesFrame, windows: readonly QualityWindow[]): Counted[] {
  const steps = new Map<string, Counted>();
  for (const window of windows) {
    const step = stepOf(steps, floorTo(window.startMs, frame.stepSeconds), window.version);
    step.predicted += window.predicted;
    step.labelled += window.labelled;
    addCounts(step.counts, window.counts);
  }
  return [...steps.values()];
}

function stepOf(steps: Map<string, Counted>, atMs: number, version: number): Counted {
  const key = `${atMs} ${version}`;
  const known = steps.get(key);
  if (known !== undefined) return known;
  const made: Counted = { atMs, version, predicted: 0, labelled: 0, counts: noCounts(), rows: [] };
  steps.set(key, made);
  return made;
}

/**
 * Widens steps to whole windows: five minutes, then hours, and days where the span is long, so that no chart reads and measures more windows than some
 * hundreds.
 */
function widen(frame: SeriesFrame, hasFine: boolean): SeriesFrame {
  const least = isLong(frame) ? windowSeconds[2] : hasFine ? windowSeconds[0] : windowSeconds[1];
  const unit = frame.stepSeconds <= least ? least : (windowSeconds.findLast((seconds) => seconds <= frame.stepSeconds && seconds >= least) ?? least);
  const stepSeconds = Math.max(least, Math.ceil(frame.stepSeconds / unit) * unit);
  return { fromMs: floorTo(frame.fromMs, stepSeconds), toMs: frame.toMs, stepSeconds };
}

/** From here on days tell the course as well as hours do. */
function isLong({ fromMs, toMs }: SeriesFrame): boolean {
  return toMs - fromMs > longMs;
}

function widestWithin({ stepSeconds }: SeriesFrame, hasFine: boolean): WindowSeconds {
  const fitting = windowSeconds.filter((seconds) => stepSeconds % seconds === 0 && (hasFine || seconds > windowSeconds[0]));
  return fitting.at(-1) ?? windowSeconds[1];
}

function sliceSeconds(frame: SeriesFrame): WindowSeconds {
  return isLong(frame) ? 86_400 : 3_600;
}

/** Slices are counted by the hour: the hour or day that a span begins in belongs to it. */
function sliceSpan(frame: SeriesFrame): { seconds: WindowSeconds; fromMs: number } {
  const seconds = sliceSeconds(frame);
  return { seconds, fromMs: floorTo(frame.fromMs, seconds) };
}

function floorTo(ms: number, seconds: number): number {
  return Math.floor(ms / (seconds * 1000)) * seconds * 1000;
}
