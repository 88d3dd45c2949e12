import {
  accuracyOf,
  balancedAccuracy,
  type ConfusionTable,
  classShare,
  cohensKappa,
  hits,
  macroShare,
  matthews,
  microShare,
  type ShareKind,
  weightedShare,
} from '../evaluation/confusion-table.js';
import { type Interval, meanOfIntervals, normalInterval, wilsonInterval } from './intervals.js';

/** A metric with its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly interval: Interval;
}

/** Of one class; null where the metric is undefined (zero division). */
export interface ClassMetrics {
  readonly precision: Estimate | null;
  readonly recall: Estimate | null;
  readonly f1: Estimate | null;
}

/** Share of rows predicted right; null without rows. */
export function accuracy(table: ConfusionTable): Estimate | null {
  const value = accuracyOf(table);
  return value === undefined ? null : { value, interval: wilsonInterval(right(table), table.n) };
}

/**
 * Precision TP/(TP+FP), recall TP/(TP+FN), F1 = 2TP/(2TP+FP+FN) of one class (`monitoring.md` 6.7).
 * Precision is undefined when the class was never predicted, recall when it never occurred, F1 only when neither happened.
 */
export function classMetrics(table: ConfusionTable, index: number): ClassMetrics {
  return {
    precision: classEstimate(table, index, 'precision'),
    recall: classEstimate(table, index, 'recall'),
    f1: classEstimate(table, index, 'f1'),
  };
}

/**
 * Plain means over the classes, undefined ones counted as 0, which is scikit-learn's default; null without classes or rows.
 * `undefinedShare` is the share of classes for which at least one metric was undefined.
 */
export function macroMetrics(table: ConfusionTable): ClassMetrics & { readonly undefinedShare: number } {
  const all = Array.from({ length: table.classes }, (_, index) => classMetrics(table, index));
  const mean = (kind: ShareKind): Estimate | null => {
    const value = macroShare(table, kind);
    return value === undefined ? null : { value, interval: meanOfIntervals(all.map((one) => one[kind] ?? nothing)) };
  };
  const isUndefined = (one: ClassMetrics) => one.precision === null || one.recall === null || one.f1 === null;
  return {
    precision: mean('precision'),
    recall: mean('recall'),
    f1: mean('f1'),
    undefinedShare: all.length === 0 ? 0 : all.filter(isUndefined).length / all.length,
  };
}

/** Mean weighted by how often each class occurs, undefined ones counted as 0; the weights are taken as given. */
export function weightedMetric(table: ConfusionTable, kind: ShareKind): Estimate | null {
  const value = weightedShare(table, kind);
  if (value === undefined) return null;
  const parts = Array.from({ length: table.classes }, (_, index) => classEstimate(table, index, kind) ?? nothing);
  return { value, interval: meanOfIntervals(parts, [...table.actual]) };
}

/** From the counts of all classes together. */
export function microMetric(table: ConfusionTable, kind: ShareKind): Estimate | null {
  const value = microShare(table, kind);
  if (value === undefined) return null;
  const answered = table.n - (table.predicted[table.classes] ?? 0);
  if (kind === 'f1') return { value, interval: overF1(wilsonInterval(right(table), table.n + answered - right(table))) };
  return { value, interval: wilsonInterval(right(table), kind === 'precision' ? answered : table.n) };
}

/** Plain mean of the recalls of classes that occur. */
export function balanced(table: ConfusionTable): Estimate | null {
  const value = balancedAccuracy(table);
  const parts = Array.from({ length: table.classes }, (_, index) => classEstimate(table, index, 'recall')).filter((one) => one !== null);
  return value === undefined ? null : { value, interval: meanOfIntervals(parts) };
}

/** Matthews' correlation; its interval by the delta method over the cells of the table. */
export function matthewsMetric(table: ConfusionTable): Estimate | null {
  const value = matthews(table);
  if (value === undefined) return null;
  const { n } = table;
  const share = (count: number | undefined) => (count ?? 0) / n;
  let predictedRest = 1 - share(table.predicted[table.classes]) ** 2;
  let actualRest = 1;
  for (let index = 0; index < table.classes; index += 1) {
    predictedRest -= share(table.predicted[index]) ** 2;
    actualRest -= share(table.actual[index]) ** 2;
  }
  const divisor = Math.sqrt(predictedRest * actualRest);
  if (!(divisor > 0)) return { value, interval: [-1, 1] };
  const spread = spreadOver(table, (row, column) => {
    const both = (row === column ? 1 : 0) - share(table.predicted[row]) - share(table.actual[column]);
    return both / divisor + value * (share(table.predicted[column]) / predictedRest + share(table.actual[row]) / actualRest);
  });
  return { value, interval: normalInterval(value, spread, [-1, 1]) };
}

/** Cohen's κ; its interval by the delta method (J. L. Fleiss, J. Cohen and B. S. Everitt, 1969). */
export function kappaMetric(table: ConfusionTable): Estimate | null {
  const value = cohensKappa(table);
  if (value === undefined) return null;
  const { n } = table;
  const share = (count: number | undefined) => (count ?? 0) / n;
  let chance = 0;
  for (let index = 0; index < table.classes; index += 1) chance += share(table.actual[index]) * share(table.predicted[index]);
  const apart = 1 - chance;
  const missed = 1 - right(table) / n;
  const spread = spreadOver(
    table,
    (row, column) => (row === column ? 1 / apart : 0) - ((share(table.predicted[row]) + share(table.actual[column])) * missed) / apart ** 2,
  );
  return { value, interval: normalInterval(value, spread, [-1, 1]) };
}

/** Standard error of a function of the cells' shares from its derivative by each (delta method, multinomial). */
function spreadOver(table: ConfusionTable, derivative: (row: number, column: number) => number): number {
  let mean = 0;
  let squares = 0;
  for (let row = 0; row < table.classes; row += 1) {
    for (let column = 0; column <= table.classes; column += 1) {
      const share = (table.counts[row * (table.classes + 1) + column] ?? 0) / table.n;
      if (share === 0) continue;
      const slope = derivative(row, column);
      mean += share * slope;
      squares += share * slope * slope;
    }
  }
  return Math.sqrt(Math.max(0, squares - mean * mean) / table.n);
}

function classEstimate(table: ConfusionTable, index: number, kind: ShareKind): Estimate | null {
  const value = classShare(table, index, kind);
  if (value === undefined) return null;
  const found = hits(table, index);
  const [actual, predicted] = [table.actual[index] ?? 0, table.predicted[index] ?? 0];
  if (kind === 'f1') return { value, interval: overF1(wilsonInterval(found, predicted + actual - found)) };
  return { value, interval: wilsonInterval(found, kind === 'precision' ? predicted : actual) };
}

/** F1 = 2J/(1+J) of the Jaccard share J = TP/(TP+FP+FN): the map is monotone, so it carries J's interval over. */
function overF1([low, high]: Interval): Interval {
  return [(2 * low) / (1 + low), (2 * high) / (1 + high)];
}

function right(table: ConfusionTable): number {
  let count = 0;
  for (let index = 0; index < table.classes; index += 1) count += hits(table, index);
  return count;
}

/** An undefined part of an average counts as 0, for certain. */
const nothing: Estimate = { value: 0, interval: [0, 0] };
