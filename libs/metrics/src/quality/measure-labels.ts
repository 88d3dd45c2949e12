import type { ConfusionTable } from '../evaluation/confusion-table.js';
import {
  accuracy,
  balanced,
  type ClassMetrics,
  classMetrics,
  kappaMetric,
  macroMetrics,
  matthewsMetric,
  microMetric,
  weightedMetric,
} from './classification-metrics.js';
import { wilsonInterval } from './intervals.js';
import { measureOf, measureOr, noMeasure, type WindowMeasure } from './window-measure.js';

const noRows = 'there are no labelled rows';

/**
 * Metrics that follow from the table of true against predicted classes alone.
 * @param positive place of the positive class of a binary task
 */
export function measureLabels(table: ConfusionTable, classes: readonly string[], positive: number | undefined): Record<string, WindowMeasure> {
  const { n } = table;
  const macro = macroMetrics(table);
  const main: ClassMetrics = positive === undefined ? macro : classMetrics(table, positive);
  const answered = n - (table.predicted[table.classes] ?? 0);
  const why = (ofClass: string) => (positive === undefined || n === 0 ? noRows : `class "${classes[positive] ?? ''}" ${ofClass}`);
  return {
    accuracy: measureOr(accuracy(table), n, noRows),
    balancedAccuracy: measureOr(balanced(table), n, noRows),
    precision: measureOr(main.precision, n, why('was never predicted')),
    recall: measureOr(main.recall, n, why('did not occur')),
    f1: measureOr(main.f1, n, why('neither occurred nor was predicted')),
    precisionMacro: measureOr(macro.precision, n, noRows),
    recallMacro: measureOr(macro.recall, n, noRows),
    f1Macro: measureOr(macro.f1, n, noRows),
    precisionWeighted: measureOr(weightedMetric(table, 'precision'), n, noRows),
    recallWeighted: measureOr(weightedMetric(table, 'recall'), n, noRows),
    f1Weighted: measureOr(weightedMetric(table, 'f1'), n, noRows),
    precisionMicro: measureOr(microMetric(table, 'precision'), n, 'no row has a prediction'),
    recallMicro: measureOr(microMetric(table, 'recall'), n, noRows),
    f1Micro: measureOr(microMetric(table, 'f1'), n, noRows),
    mcc: measureOr(matthewsMetric(table), n, noRows),
    kappa: measureOr(kappaMetric(table), n, n === 0 ? noRows : 'chance alone would agree on every row'),
    answeredShare: n === 0 ? noMeasure(noRows) : measureOf({ value: answered / n, interval: wilsonInterval(answered, n) }, n),
    /** Share of the classes for which a metric is undefined and counts as 0 in the averages. */
    undefinedShare: n === 0 ? noMeasure(noRows) : measureOf({ value: macro.undefinedShare, interval: null }, n),
  };
}

export function measureOfClass(table: ConfusionTable, index: number): Record<string, WindowMeasure> {
  const { precision, recall, f1 } = classMetrics(table, index);
  const [actual, predicted] = [table.actual[index] ?? 0, table.predicted[index] ?? 0];
  return {
    precision: measureOr(precision, predicted, 'the class was never predicted'),
    recall: measureOr(recall, actual, 'the class did not occur'),
    f1: measureOr(f1, actual + predicted, 'the class neither occurred nor was predicted'),
  };
}
