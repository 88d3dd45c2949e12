import { betterDirection, type MetricDifference } from '@slipway/contracts';
import { bootstrap, bootstrapP, intervalOf, resamplesFor } from './bootstrap.js';
import { type ClassifierTask, classifierStatistics, viewScores } from './classifier-statistics.js';
import { errorRows } from './error-measures.js';
import { type ClassifiedRows, type RegressedRows, rowsWhere, type Weights } from './labelled-rows.js';
import { holm, mcnemarExact } from './mcnemar.js';
import { regressorStatistics } from './measure-regressor.js';
import { isScored } from './probability-losses.js';

const resamplesMost = 999;
const seed = 20_260_102;
const level = 0.05;
const listedRows = 50;

/** What versions said about the same rows, in the same order. The first is what the others are compared with. */
export type ComparedRows =
  | { readonly kind: 'classifier'; readonly task: ClassifierTask; readonly versions: readonly ClassifiedRows[] }
  | { readonly kind: 'regressor'; readonly versions: readonly RegressedRows[] };

/** A difference to the first version; `other` is the place of the version that it belongs to. */
export type Difference = Omit<MetricDifference, 'version'> & { readonly other: number };

/** Differences of every metric to the first version: McNemar's exact test for the accuracy, the paired bootstrap for all others. */
export function compareMetrics(compared: ComparedRows): Difference[] {
  const all = compared.versions.slice(1).flatMap((_, index) => differencesOf(compared, index + 1));
  const byMetric = new Map<string, number[]>();
  for (const [index, { metric }] of all.entries()) byMetric.set(metric, [...(byMetric.get(metric) ?? []), index]);
  for (const indices of byMetric.values()) {
    const stands = holm(
      indices.map((index) => all[index]?.p ?? 1),
      level,
    );
    for (const [at, index] of indices.entries()) {
      const difference = all[index];
      if (difference !== undefined && stands[at] === true) all[index] = { ...difference, significant: true, better: betterOf(difference) };
    }
  }
  return all;
}

/**
 * How far versions are apart on the same rows. Classifiers: share of rows with different classes, where no answer is a class of its own.
 * Regressors: mean |difference|, null where no row was answered by both.
 */
export function disagreementMatrix(compared: ComparedRows): (number | null)[][] {
  const count = compared.versions[0]?.truth.length ?? 0;
  return compared.versions.map((first) =>
    compared.versions.map((second) => (count === 0 ? null : meanDistance(compared.kind, first, second, count))),
  );
}

/** Rows that the versions answer differently, the most different first; at most 50. */
export function disagreeingRows(compared: ComparedRows): number[] {
  const count = compared.versions[0]?.truth.length ?? 0;
  const spread = Float64Array.from({ length: count }, (_, row) => spreadOf(compared, row));
  return [...rowsWhere(count, (row) => (spread[row] ?? 0) > 0)].sort((a, b) => (spread[b] ?? 0) - (spread[a] ?? 0) || a - b).slice(0, listedRows);
}

function differencesOf(compared: ComparedRows, other: number): Difference[] {
  const pair = pairOf(compared, other);
  const values = pair.statistics(undefined);
  const resamples = resamplesFor(pair.count, 4 * pair.columns, resamplesMost);
  const resampled = bootstrap(pair.count, { resamples, seed }, pair.statistics);
  return Object.entries(values).flatMap(([metric, difference]): Difference[] => {
    if (difference === undefined || !Number.isFinite(difference)) return [];
    const list = resampled.get(metric) ?? [];
    const interval = intervalOf(difference, list, resamples);
    const isAccuracy = metric === 'accuracy' && pair.discordant !== undefined;
    const p = isAccuracy && pair.discordant !== undefined ? mcnemarExact(pair.discordant[0], pair.discordant[1]) : bootstrapP(list);
    return [
      {
        other,
        metric,
        difference,
        interval: interval === undefined ? null : [interval[0], interval[1]],
        p,
        test: isAccuracy ? 'mcnemar-exact' : 'paired-bootstrap',
        significant: false,
        n: pair.count,
        better: null,
      },
    ];
  });
}

interface Pair {
  readonly count: number;
  readonly columns: number;
  /** The other's metrics less the first one's. */
  readonly statistics: (weights: Weights) => Record<string, number | undefined>;
  /** Rows that only the first, and only the other, has right. */
  readonly discordant?: readonly [number, number];
}

function pairOf(compared: ComparedRows, other: number): Pair {
  if (compared.kind === 'regressor') return regressorPair(compared.versions, other);
  const [first, second] = [compared.versions[0], compared.versions[other]];
  if (first === undefined || second === undefined) return { count: 0, columns: 1, statistics: () => ({}) };
  const areScored = (row: number) => [first, second].every(({ scores }) => scores !== undefined && isScored(scores, row));
  const of = (rows: ClassifiedRows) => classifierStatistics(rows, compared.task, viewScores(rows, compared.task, areScored));
  return {
    count: first.truth.length,
    columns: 1 + (first.scores?.columns ?? 0),
    statistics: less(of(first), of(second)),
    discordant: discordantOf(first, second),
  };
}

function regressorPair(versions: readonly RegressedRows[], other: number): Pair {
  const [first, second] = [versions[0], versions[other]];
  if (first === undefined || second === undefined) return { count: 0, columns: 1, statistics: () => ({}) };
  const both = rowsWhere(first.truth.length, (row) => Number.isFinite(first.predicted[row]) && Number.isFinite(second.predicted[row]));
  const of = ({ truth, predicted }: RegressedRows) => {
    const pick = (values: Float64Array) => Float64Array.from(both, (row) => values[row] ?? Number.NaN);
    return regressorStatistics(errorRows({ truth: pick(truth), predicted: pick(predicted) }));
  };
  return { count: both.length, columns: 2, statistics: less(of(first), of(second)) };
}

function less(
  first: (weights: Weights) => Partial<Record<string, number | undefined>>,
  second: (weights: Weights) => Partial<Record<string, number | undefined>>,
): Pair['statistics'] {
  return (weights) => {
    const [before, after] = [first(weights), second(weights)];
    const differences: Record<string, number | undefined> = {};
    for (const [metric, value] of Object.entries(after)) {
      const from = before[metric];
      differences[metric] = value === undefined || from === undefined ? undefined : value - from;
    }
    return differences;
  };
}

function discordantOf(first: ClassifiedRows, second: ClassifiedRows): readonly [number, number] {
  let [onlyFirst, onlySecond] = [0, 0];
  for (const [row, truth] of first.truth.entries()) {
    const [isFirst, isSecond] = [first.predicted[row] === truth, second.predicted[row] === truth];
    if (isFirst && !isSecond) onlyFirst += 1;
    if (isSecond && !isFirst) onlySecond += 1;
  }
  return [onlyFirst, onlySecond];
}

function betterOf({ metric, difference }: Difference): Difference['better'] {
  const direction = betterDirection(metric);
  if (direction === 'none' || difference === 0) return null;
  return difference > 0 === (direction === 'higher') ? 'this' : 'first';
}

function meanDistance(kind: ComparedRows['kind'], first: Predicted, second: Predicted, count: number): number | null {
  let sum = 0;
  let compared = 0;
  for (let row = 0; row < count; row += 1) {
    const [a, b] = [first.predicted[row] ?? Number.NaN, second.predicted[row] ?? Number.NaN];
    if (kind === 'regressor' && !(Number.isFinite(a) && Number.isFinite(b))) continue;
    sum += kind === 'classifier' ? Number(a !== b) : Math.abs(a - b);
    compared += 1;
  }
  return compared === 0 ? null : sum / compared;
}

interface Predicted {
  readonly predicted: Int32Array | Float64Array;
}

/** 0 where all agree. Classifiers: 1 and more where the classes differ, the more the further the scores of the true class are apart. */
function spreadOf(compared: ComparedRows, row: number): number {
  const predictions = compared.versions.map(({ predicted }) => predicted[row] ?? Number.NaN);
  if (compared.kind === 'regressor') {
    const finite = predictions.filter((value) => Number.isFinite(value));
    const range = finite.length < 2 ? 0 : Math.max(...finite) - Math.min(...finite);
    return finite.length < predictions.length && finite.length > 0 ? Number.POSITIVE_INFINITY : range;
  }
  if (predictions.every((value) => value === predictions[0])) return 0;
  const scores = compared.versions.flatMap(({ scores: given, truth }) => {
    const score = given?.values[row * given.columns + (truth[row] ?? 0)];
    return score === undefined || !Number.isFinite(score) ? [] : [score];
  });
  return 1 + (scores.length < 2 ? 0 : Math.max(...scores) - Math.min(...scores));
}
