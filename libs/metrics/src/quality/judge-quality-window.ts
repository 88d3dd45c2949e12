import type { Judgement, Maturity, Task } from '@slipway/contracts';
import { betterDirection } from '@slipway/contracts';
import { normalShare } from '../estimates/normal-law.js';
import { z95 } from './intervals.js';
import type { WindowMeasures } from './measure-window.js';
import { studentQuantile } from './tail-quantiles.js';
import type { WindowMeasure } from './window-measure.js';

/** Fewer labels are shown, but not judged by (`monitoring.md` 7). */
export const minLabelled = 100;
/** And so many of each class. */
export const minPerClass = 10;
/** A metric must be beyond its reference by so many sampling errors at the least. */
export const minErrors = 3;

/** What a metric usually is. */
export interface UsualValue {
  readonly value: number;
  /** How far it usually is from that in windows of any size, beyond what chance does in small ones. */
  readonly sd: number;
  /** Labelled rows that it was measured on. */
  readonly rows: number;
}

/** What quality is compared with: the labelled part of a reference profile, or the first mature windows of the deployment itself. */
export interface QualityBaseline {
  readonly source: 'reference' | 'learned';
  readonly metrics: Readonly<Record<string, UsualValue>>;
}

/** Metrics that are judged, the first of them being the one that slices are compared by. Others are measured and shown. */
export const judgedMetrics: Readonly<Record<Task['kind'], readonly string[]>> = {
  binary: ['accuracy', 'precision', 'recall', 'f1', 'rocAuc', 'logLoss'],
  multiclass: ['accuracy', 'precision', 'recall', 'f1', 'rocAuc', 'logLoss'],
  regression: ['mae', 'rmse'],
  other: [],
};

/** Metrics that speak of classes one by one, and so need rows of each of many. */
const ofClasses: ReadonlySet<string> = new Set([
  'balancedAccuracy',
  'precision',
  'recall',
  'f1',
  'precisionMacro',
  'recallMacro',
  'f1Macro',
  'mcc',
  'kappa',
  'rocAuc',
  'rocAucWeighted',
  'prAuc',
  'prAucWeighted',
]);

export interface JudgedBy {
  readonly measures: WindowMeasures;
  readonly task: Task;
  readonly baseline?: QualityBaseline | undefined;
  /** Unstated: all labels have come. */
  readonly maturity?: Maturity | undefined;
  /** Chance of a false alarm that one metric of one window may have; unstated: that of three sampling errors. */
  readonly level?: number | undefined;
}

/**
 * Judges what was measured of one window by what the metrics usually are. An alarm: a metric is worse by more than three sampling errors, window and
 * reference together, or by more where many windows are judged. A window of too few labels is `insufficient`, and so is one whose labels have not
 * all come; both say what would be the case.
 * @returns by metric, those of `judgedMetrics` with a threshold and all others without
 */
export function judgeQualityWindow(by: JudgedBy): Record<string, Judgement> {
  const judged = new Set(judgedMetrics[by.task.kind]);
  return Object.fromEntries(
    Object.entries(by.measures.metrics).map(([name, measure]) => [
      name,
      judgeMetric(name, measure, judged.has(name) ? by : { ...by, baseline: undefined }),
    ]),
  );
}

/** Judges one metric. */
export function judgeMetric(name: string, measure: WindowMeasure, by: JudgedBy): Judgement {
  const { value, interval, n } = measure;
  const what = metricTitle(name, by.task);
  const unjudged = { value, interval: interval === null ? null : ([...interval] as [number, number]), n, threshold: null };
  if (value === null) return { ...unjudged, verdict: 'insufficient', reason: `The ${what} is undefined: ${measure.why ?? 'there is no value'}.` };
  const shown = tell(what, measure);
  const few = tooFew(name, by);
  if (few !== undefined) return { ...unjudged, verdict: 'insufficient', reason: `${shown}; ${few}.` };
  const usual = by.baseline?.metrics[name];
  if (usual === undefined || interval === null) return { ...unjudged, verdict: 'ok', reason: `${shown}.` };
  const limit = limitOf(name, measure, usual, by);
  const isWorse = betterDirection(name) === 'lower' ? value > limit : value < limit;
  const compared = `${shown}; ${by.baseline?.source === 'learned' ? 'it was' : 'the reference has'} ${number(usual.value)} on ${count(usual.rows)} rows, limit ${number(limit)}`;
  const judged = { ...unjudged, threshold: limit };
  if (by.maturity !== undefined && by.maturity.state !== 'mature')
    return {
      ...judged,
      verdict: 'insufficient',
      reason: `${compared}. Provisional: ${provisional(by.maturity)}${isWorse ? '; with these alone it would be an alarm' : ''}.`,
    };
  return { ...judged, verdict: isWorse ? 'alarm' : 'ok', reason: `${isWorse ? 'Worse than usual. ' : ''}${compared}.` };
}

/** Where an alarm begins: so many errors from the usual value, of the window, of the reference and of how the metric wanders anyway. */
function limitOf(name: string, { value, interval, n, bound }: WindowMeasure, usual: UsualValue, { level, measures, baseline }: JudgedBy): number {
  const isLower = betterDirection(name) === 'lower';
  // Towards the usual value, since that is the side on which the window may be wrong.
  const half = isLower ? (value ?? 0) - (interval?.[0] ?? 0) : (interval?.[1] ?? 0) - (value ?? 0);
  const own = Math.max(half, 0) / z95;
  const reference = own * Math.sqrt(n / Math.max(1, usual.rows));
  const errors = Math.max(minErrors, studentQuantile(level ?? normalShare(-minErrors), freedom(name, n, measures)));
  // What is learned here was counted in the same bins; a reference was measured row by row.
  const binned = baseline?.source === 'reference' ? bound : 0;
  const apart = errors * Math.sqrt(own ** 2 + reference ** 2 + usual.sd ** 2) + binned;
  return isLower ? usual.value + apart : usual.value - apart;
}

/** Rows that the error of a metric is estimated from: areas under curves hang on the smaller of two sides. */
function freedom(name: string, n: number, { leastOfClass }: WindowMeasures): number {
  const isArea = name.startsWith('rocAuc') || name.startsWith('prAuc');
  return Math.max(2, (isArea ? Math.min(n, leastOfClass ?? n) : n) - 1);
}

function tooFew(name: string, { measures, task }: JudgedBy): string | undefined {
  const { labelled, leastOfClass, leastClass } = measures;
  if (labelled < minLabelled) return `at least ${minLabelled} labels are needed for a judgement`;
  const needsClasses = task.kind === 'binary' || ofClasses.has(name);
  if (!needsClasses || leastOfClass === undefined || leastOfClass >= minPerClass) return undefined;
  return `class "${leastClass ?? ''}" has ${Math.floor(leastOfClass)} of them, and at least ${minPerClass} are needed for a judgement`;
}

/** Whether a window has labels enough for any of its judged metrics: then it does not grow any further. */
export function hasEnoughLabels(measures: WindowMeasures, task: Task): boolean {
  return judgedMetrics[task.kind].some((name) => tooFew(name, { measures, task }) === undefined);
}

function tell(what: string, { value, interval, n, bound }: WindowMeasure): string {
  const band = interval === null ? '' : ` (95 % interval ${number(interval[0])} to ${number(interval[1])})`;
  const binned = bound > 0 ? `, ± ${number(bound)} from counting in bins` : '';
  return `The ${what} is ${number(value ?? 0)}${binned} on ${count(n)} labelled rows${band}`;
}

function provisional({ state, coverage, expected }: Maturity): string {
  if (state === 'none' || coverage === null) return 'no labels have come yet';
  const usual = expected === null ? 'how many usually come is not known yet' : `windows of that age usually have ${percent(expected)}`;
  return `${percent(coverage)} of the predictions have a label, and ${usual}`;
}

const titles: Readonly<Record<string, string>> = {
  accuracy: 'accuracy',
  balancedAccuracy: 'balanced accuracy',
  precision: 'precision',
  recall: 'recall',
  f1: 'F1',
  mcc: "Matthews' correlation",
  kappa: "Cohen's κ",
  rocAuc: 'area under the ROC curve',
  prAuc: 'average precision',
  logLoss: 'log loss',
  brier: 'Brier score',
  ece: 'calibration error',
  mae: 'mean absolute error',
  rmse: 'root mean squared error',
  medae: 'median absolute error',
  bias: 'mean error',
  r2: 'R²',
  explainedVariance: 'explained variance',
  wape: 'weighted absolute percentage error',
  mape: 'mean absolute percentage error',
};

/** A metric in words, with the class or the average that it is of. */
export function metricTitle(name: string, task: Task): string {
  const title = titles[name] ?? wordsOf(name);
  if (name !== 'precision' && name !== 'recall' && name !== 'f1') return title;
  return task.kind === 'multiclass' ? `${title}, mean over classes` : title;
}

/** Asked for thousands of times per chart; metrics are few. */
const words = new Map<string, string>();
function wordsOf(name: string): string {
  const known = words.get(name);
  if (known !== undefined) return known;
  const made = name.replaceAll(/([A-Z0-9]+)/g, ' $1').toLowerCase();
  if (words.size < 100) words.set(name, made);
  return made;
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function count(n: number): string {
  const digits = String(Math.round(n));
  return digits.length < 4 ? digits : digits.replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
