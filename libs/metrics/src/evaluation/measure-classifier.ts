import type { ClassMeasures, EvaluationResult, Measure } from '@slipway/contracts';
import { accuracy, type ClassMetrics, classMetrics, type Estimate, macroMetrics, microMetric } from '../quality/classification-metrics.js';
import { wilsonInterval } from '../quality/intervals.js';
import { bootstrap, intervalOf, resamplesFor } from './bootstrap.js';
import { equalMassBins, equalWidthBins } from './calibration.js';
import { type ClassifierTask, type ClassRanking, classifierStatistics, type ScoreView, viewScores } from './classifier-statistics.js';
import { type ConfusionTable, hits, tabulate } from './confusion-table.js';
import type { ClassifiedRows } from './labelled-rows.js';
import { insufficient, measured, undefinedMeasure } from './measures.js';
import { averagePrecision, rocAuc } from './ranking.js';

/** Fewer rows say nothing about calibration in ten bins (`monitoring.md` 6.7). */
const minCalibrated = 100;
const resamplesMost = 400;
/** The same for every evaluation, so that the same rows give the same intervals. */
const seed = 20_260_101;
const scoreMetrics: ReadonlySet<string> = new Set([
  'rocAuc',
  'rocAucWeighted',
  'prAuc',
  'prAucWeighted',
  'logLoss',
  'brier',
  'ece',
  'eceEqualWidth',
  'top3Accuracy',
  'top5Accuracy',
]);

/**
 * Everything that is measured of a classifier on labelled rows, over the fixed set of classes of `rows`. Values are scikit-learn's
 * (`zero_division=0` in averages); an answer that is no class is a miss, as if it were a class of its own that never occurs.
 * @param resamples of the bootstrap, at most; fewer where rows are many
 */
export function measureClassifier(rows: ClassifiedRows, task: ClassifierTask, resamples = resamplesMost): EvaluationResult {
  const table = tabulate(rows);
  const view = viewScores(rows, task);
  return {
    kind: task.kind,
    metrics: { ...resampledMeasures(rows, task, { view, most: resamples }), ...countMeasures(table, rows.classes, task) },
    classes: [...rows.classes],
    positiveClass: task.kind === 'binary' ? (rows.classes[task.positive] ?? null) : null,
    perClass: rows.classes.map((name, index) => classMeasures(name, { table, index, ranking: view?.rankings[index] })),
    confusion: confusionOf(table),
    calibration: calibrationOf(view, task),
  };
}

/** All metrics by their formulas, with intervals of the bootstrap. */
function resampledMeasures(
  rows: ClassifiedRows,
  task: ClassifierTask,
  { view, most }: { readonly view: ScoreView | undefined; readonly most: number },
): Record<string, Measure> {
  const count = rows.truth.length;
  const statistics = classifierStatistics(rows, task, view);
  const resamples = resamplesFor(count, 4 * (1 + (view?.scores.columns ?? 0)), most);
  const resampled = bootstrap(count, { resamples, seed }, statistics);
  const measures: Record<string, Measure> = {};
  for (const [name, value] of Object.entries(statistics(undefined))) {
    const n = scoreMetrics.has(name) ? (view?.rows.length ?? 0) : count;
    const measure =
      value === undefined ? undefinedMeasure(n, whyNone(name, n, view)) : measured(value, intervalOf(value, resampled.get(name) ?? [], resamples), n);
    const isThin = (name === 'ece' || name === 'eceEqualWidth') && n < minCalibrated;
    measures[name] = isThin ? insufficient(measure, `calibration needs at least ${minCalibrated} rows with scores; there are ${n}`) : measure;
  }
  return measures;
}

function whyNone(name: string, n: number, view: ScoreView | undefined): string {
  if (n === 0) return scoreMetrics.has(name) ? 'no labelled row has scores that are numbers' : 'there are no labelled rows';
  if (name === 'kappa') return 'chance alone would agree on every row';
  if (name.startsWith('top')) return 'the version scores too few classes';
  if (view?.calibrated === undefined && /^(logLoss|brier|ece)/.test(name))
    return 'the scores are no probabilities: expected values of 0 to 1 that add up to 1 in each row';
  return 'a class does not occur, or occurs alone, or has no score, among the labelled rows';
}

/** Shares of rows, and means of such, have intervals that need no resampling. */
function countMeasures(table: ConfusionTable, classes: readonly string[], task: ClassifierTask): Record<string, Measure> {
  const { n } = table;
  const macro = macroMetrics(table);
  const isBinary = task.kind === 'binary';
  const main: ClassMetrics = isBinary ? classMetrics(table, task.positive) : macro;
  const positive = JSON.stringify(classes[task.positive] ?? '');
  const why = (ofClass: string) => (isBinary && n > 0 ? `class ${positive} ${ofClass}` : 'there are no labelled rows');
  const answered = n - (table.predicted[table.classes] ?? 0);
  return {
    accuracy: estimated(accuracy(table), n, 'there are no labelled rows'),
    precision: estimated(main.precision, isBinary ? (table.predicted[task.positive] ?? 0) : n, why('was never predicted')),
    recall: estimated(main.recall, isBinary ? (table.actual[task.positive] ?? 0) : n, why('did not occur')),
    f1: estimated(main.f1, n, why('neither occurred nor was predicted')),
    precisionMacro: estimated(macro.precision, n, 'there are no labelled rows'),
    recallMacro: estimated(macro.recall, n, 'there are no labelled rows'),
    f1Macro: estimated(macro.f1, n, 'there are no labelled rows'),
    precisionMicro: estimated(microMetric(table, 'precision'), n, 'no row has a prediction'),
    recallMicro: estimated(microMetric(table, 'recall'), n, 'there are no labelled rows'),
    f1Micro: estimated(microMetric(table, 'f1'), n, 'there are no labelled rows'),
    answeredShare: n === 0 ? undefinedMeasure(0, 'there are no labelled rows') : measured(answered / n, wilsonInterval(answered, n), n),
  };
}

interface ClassContext {
  readonly table: ConfusionTable;
  readonly index: number;
  readonly ranking: ClassRanking | undefined;
}

function classMeasures(name: string, { table, index, ranking }: ClassContext): ClassMeasures {
  const { precision, recall, f1 } = classMetrics(table, index);
  const [actual, predicted] = [table.actual[index] ?? 0, table.predicted[index] ?? 0];
  return {
    class: name,
    actual,
    predicted,
    precision: estimated(precision, predicted, 'the class was never predicted'),
    recall: estimated(recall, actual, 'the class did not occur'),
    f1: estimated(f1, actual + predicted - hits(table, index), 'the class neither occurred nor was predicted'),
    ...(ranking === undefined ? {} : { rocAuc: areaMeasure(ranking, rocAuc), prAuc: areaMeasure(ranking, averagePrecision) }),
  };
}

function areaMeasure({ ranked, isPositive }: ClassRanking, areaOf: typeof rocAuc): Measure {
  const area = areaOf(ranked, isPositive);
  return area === undefined
    ? undefinedMeasure(isPositive.length, 'the class does not occur, or occurs alone')
    : measured(area, undefined, isPositive.length);
}

function confusionOf(table: ConfusionTable): EvaluationResult['confusion'] {
  const cells: EvaluationResult['confusion'] = [];
  for (let actual = 0; actual < table.classes; actual += 1) {
    for (let predicted = 0; predicted <= table.classes; predicted += 1) {
      const count = table.counts[actual * (table.classes + 1) + predicted] ?? 0;
      if (count > 0) cells.push({ actual, predicted: predicted === table.classes ? null : predicted, count });
    }
  }
  return cells;
}

function calibrationOf(view: ScoreView | undefined, task: ClassifierTask): EvaluationResult['calibration'] {
  if (view?.calibrated === undefined || view.rows.length === 0) return null;
  const { ranked, isPositive } = view.calibrated;
  return {
    of: task.kind === 'binary' ? 'positive' : 'predicted',
    equalMass: equalMassBins(ranked, isPositive),
    equalWidth: equalWidthBins(ranked, isPositive),
  };
}

function estimated(estimate: Estimate | null, n: number, why: string): Measure {
  return estimate === null ? undefinedMeasure(n, why) : measured(estimate.value, estimate.interval, n);
}
