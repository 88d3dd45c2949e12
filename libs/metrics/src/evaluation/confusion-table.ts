import { type ClassifiedRows, type Weights, weightOf } from './labelled-rows.js';
import { StableSum } from './stable-sum.js';

export type ShareKind = 'precision' | 'recall' | 'f1';

/** Counts of true against predicted class. The last column counts answers that are none of the classes. */
export interface ConfusionTable {
  readonly classes: number;
  readonly n: number;
  /** Row-major, `classes` rows of `classes + 1` columns. */
  readonly counts: Float64Array;
  readonly actual: Float64Array;
  /** One more than classes. */
  readonly predicted: Float64Array;
}

export function tabulate(rows: ClassifiedRows, weights?: Weights): ConfusionTable {
  const classes = rows.classes.length;
  const counts = new Float64Array(classes * (classes + 1));
  const actual = new Float64Array(classes);
  const predicted = new Float64Array(classes + 1);
  let n = 0;
  for (let row = 0; row < rows.truth.length; row += 1) {
    const weight = weightOf(weights, row);
    const truth = rows.truth[row] ?? 0;
    const said = rows.predicted[row] ?? classes;
    counts[truth * (classes + 1) + said] = (counts[truth * (classes + 1) + said] ?? 0) + weight;
    actual[truth] = (actual[truth] ?? 0) + weight;
    predicted[said] = (predicted[said] ?? 0) + weight;
    n += weight;
  }
  return { classes, n, counts, actual, predicted };
}

export function hits(table: ConfusionTable, index: number): number {
  return table.counts[index * (table.classes + 1) + index] ?? 0;
}

export function accuracyOf(table: ConfusionTable): number | undefined {
  let right = 0;
  for (let index = 0; index < table.classes; index += 1) right += hits(table, index);
  return table.n === 0 ? undefined : right / table.n;
}

/** Precision, recall or F1 of one class; undefined where the divisor is 0 (`monitoring.md` 6.7). */
export function classShare(table: ConfusionTable, index: number, kind: ShareKind): number | undefined {
  const right = hits(table, index);
  const actual = table.actual[index] ?? 0;
  const predicted = table.predicted[index] ?? 0;
  const divisor = { precision: predicted, recall: actual, f1: predicted + actual }[kind];
  return divisor === 0 ? undefined : (kind === 'f1' ? 2 * right : right) / divisor;
}

/** Plain mean of the recalls of classes that occur, as scikit-learn's `balanced_accuracy_score`. */
export function balancedAccuracy(table: ConfusionTable): number | undefined {
  const sum = new StableSum();
  let occurring = 0;
  for (let index = 0; index < table.classes; index += 1) {
    const recall = classShare(table, index, 'recall');
    if (recall === undefined) continue;
    sum.add(recall);
    occurring += 1;
  }
  return occurring === 0 ? undefined : sum.value / occurring;
}

/** Plain mean over all classes, undefined ones counted as 0, as scikit-learn's `zero_division=0`. */
export function macroShare(table: ConfusionTable, kind: ShareKind): number | undefined {
  if (table.n === 0 || table.classes === 0) return undefined;
  const sum = new StableSum();
  for (let index = 0; index < table.classes; index += 1) sum.add(classShare(table, index, kind) ?? 0);
  return sum.value / table.classes;
}

/** Mean weighted by how often each class truly occurs, undefined ones counted as 0. */
export function weightedShare(table: ConfusionTable, kind: ShareKind): number | undefined {
  if (table.n === 0) return undefined;
  const sum = new StableSum();
  for (let index = 0; index < table.classes; index += 1) sum.add((table.actual[index] ?? 0) * (classShare(table, index, kind) ?? 0));
  return sum.value / table.n;
}

/** From the counts of all classes together. It is the accuracy unless some answers are no class at all. */
export function microShare(table: ConfusionTable, kind: ShareKind): number | undefined {
  if (table.n === 0) return undefined;
  const right = (accuracyOf(table) ?? 0) * table.n;
  const predicted = table.n - (table.predicted[table.classes] ?? 0);
  if (kind === 'recall') return right / table.n;
  if (kind === 'f1') return (2 * right) / (table.n + predicted);
  return predicted === 0 ? undefined : right / predicted;
}

/** Matthews' correlation for any number of classes (J. Gorodkin, 2004); 0 when its divisor is 0, as in scikit-learn. */
export function matthews(table: ConfusionTable): number | undefined {
  if (table.n === 0) return undefined;
  const { n } = table;
  let right = 0;
  let both = 0;
  let predictedSquares = (table.predicted[table.classes] ?? 0) ** 2;
  let actualSquares = 0;
  for (let index = 0; index < table.classes; index += 1) {
    const actual = table.actual[index] ?? 0;
    const predicted = table.predicted[index] ?? 0;
    right += hits(table, index);
    both += actual * predicted;
    predictedSquares += predicted * predicted;
    actualSquares += actual * actual;
  }
  const divisor = Math.sqrt(n * n - predictedSquares) * Math.sqrt(n * n - actualSquares);
  return divisor === 0 ? 0 : (right * n - both) / divisor;
}

/** Cohen's κ: agreement beyond that of chance. Undefined when chance alone agrees on every row. */
export function cohensKappa(table: ConfusionTable): number | undefined {
  if (table.n === 0) return undefined;
  const { n } = table;
  let right = 0;
  let chance = 0;
  for (let index = 0; index < table.classes; index += 1) {
    right += hits(table, index);
    chance += (table.actual[index] ?? 0) * (table.predicted[index] ?? 0);
  }
  const divisor = n * n - chance;
  return divisor === 0 ? undefined : (right * n - chance) / divisor;
}
