import type { ConfusionCounts } from './confusion-counts.js';
import { type Interval, meanOfIntervals, wilsonInterval } from './intervals.js';

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
export function accuracy(counts: ConfusionCounts): Estimate | null {
  return proportion(counts.correct, counts.n);
}

/**
 * Precision TP/(TP+FP), recall TP/(TP+FN), F1 = 2TP/(2TP+FP+FN) of one class (`monitoring.md` 6.7).
 * Precision is undefined when the class was never predicted, recall when it never occurred, F1 only when neither happened.
 */
export function classMetrics(counts: ConfusionCounts, index: number): ClassMetrics {
  const truePositives = counts.truePositives[index] ?? 0;
  const predicted = counts.predicted[index] ?? 0;
  const actual = counts.actual[index] ?? 0;
  return {
    precision: proportion(truePositives, predicted),
    recall: proportion(truePositives, actual),
    f1: f1Of(truePositives, predicted + actual - truePositives),
  };
}

/**
 * Plain means over the classes, undefined ones counted as 0, which is scikit-learn's default; null without classes or rows.
 * `undefinedShare` is the share of classes for which at least one metric was undefined.
 */
export function macroMetrics(counts: ConfusionCounts): ClassMetrics & { readonly undefinedShare: number } {
  const all = counts.classes.map((_, index) => classMetrics(counts, index));
  const mean = (pick: (one: ClassMetrics) => Estimate | null): Estimate | null => {
    if (all.length === 0 || counts.n === 0) return null;
    const parts = all.map((one) => pick(one) ?? { value: 0, interval: [0, 0] as const });
    return { value: parts.reduce((sum, { value }) => sum + value, 0) / parts.length, interval: meanOfIntervals(parts) };
  };
  const isUndefined = (one: ClassMetrics) => one.precision === null || one.recall === null || one.f1 === null;
  return {
    precision: mean((one) => one.precision),
    recall: mean((one) => one.recall),
    f1: mean((one) => one.f1),
    undefinedShare: all.length === 0 ? 0 : all.filter(isUndefined).length / all.length,
  };
}

function proportion(successes: number, n: number): Estimate | null {
  return n === 0 ? null : { value: successes / n, interval: wilsonInterval(successes, n) };
}

/** F1 = 2J/(1+J) of the Jaccard share J = TP/(TP+FP+FN): the map is monotone, so it carries J's Wilson interval over. */
function f1Of(truePositives: number, union: number): Estimate | null {
  if (union === 0) return null;
  const fromJaccard = (share: number) => (2 * share) / (1 + share);
  const [low, high] = wilsonInterval(truePositives, union);
  return { value: (2 * truePositives) / (truePositives + union), interval: [fromJaccard(low), fromJaccard(high)] };
}
