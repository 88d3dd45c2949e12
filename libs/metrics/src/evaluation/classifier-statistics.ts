import type { ClassificationMetric } from '@slipway/contracts';
import { calibrationError, equalMassBins, equalWidthBins } from './calibration.js';
import {
  accuracyOf,
  balancedAccuracy,
  classShare,
  cohensKappa,
  macroShare,
  matthews,
  microShare,
  type ShareKind,
  tabulate,
  weightedShare,
} from './confusion-table.js';
import { type ClassifiedRows, rowsWhere, type Scores, type Weights, weightOf } from './labelled-rows.js';
import { brierOf, isDistribution, isScored, logLossOf, meanOver, rankOfTruth, scoreAt } from './probability-losses.js';
import { averagePrecision, type RankedScores, rankScores, rocAuc } from './ranking.js';
import { StableSum } from './stable-sum.js';

export interface ClassifierTask {
  readonly kind: 'binary' | 'multiclass';
  /** Place of the positive class of a binary task. */
  readonly positive: number;
}

/** One class against all others, on the rows that have scores. */
export interface ClassRanking {
  readonly ranked: RankedScores;
  readonly isPositive: Uint8Array;
}

/** The rows that have scores, and what of them is found once for all resamples. */
export interface ScoreView {
  readonly scores: Scores;
  /** Places of these rows among all. */
  readonly rows: Int32Array;
  /** Every row's scores are probabilities that add up to 1. */
  readonly areProbabilities: boolean;
  /** Indexed like the classes; undefined for a class that has no score. */
  readonly rankings: readonly (ClassRanking | undefined)[];
  /** What calibration compares; undefined when the scores are no probabilities. */
  readonly calibrated: ClassRanking | undefined;
}

type Values = Partial<Record<ClassificationMetric, number | undefined>>;

/**
 * The rows with scores; undefined when the model gives none.
 * @param among only these rows
 */
export function viewScores(
  { scores, truth, classes }: ClassifiedRows,
  task: ClassifierTask,
  among: (row: number) => boolean = () => true,
): ScoreView | undefined {
  if (scores === undefined) return undefined;
  const rows = rowsWhere(truth.length, (row) => isScored(scores, row) && among(row));
  const rankings = classes.map((_, index) => (index < scores.columns ? rankClass(scores, rows, truth, index) : undefined));
  const areProbabilities = rows.every((row) => isDistribution(scores, row));
  const binary = rankings[task.positive];
  const calibrated = task.kind === 'binary' ? binary : rankConfidence(scores, rows, truth);
  return { scores, rows, areProbabilities, rankings, calibrated: areProbabilities ? calibrated : undefined };
}

/** Every metric of a classifier as a function of how often each row counts; undefined where it has no value. */
export function classifierStatistics(rows: ClassifiedRows, task: ClassifierTask, view: ScoreView | undefined): (weights: Weights) => Values {
  return (weights) => ({ ...labelValues(rows, task, weights), ...(view === undefined ? {} : scoreValues(rows, task, view, weights)) });
}

function labelValues(rows: ClassifiedRows, task: ClassifierTask, weights: Weights): Values {
  const table = tabulate(rows, weights);
  const main = (kind: ShareKind) => (task.kind === 'binary' ? classShare(table, task.positive, kind) : macroShare(table, kind));
  return {
    accuracy: accuracyOf(table),
    balancedAccuracy: balancedAccuracy(table),
    precision: main('precision'),
    recall: main('recall'),
    f1: main('f1'),
    precisionMacro: macroShare(table, 'precision'),
    recallMacro: macroShare(table, 'recall'),
    f1Macro: macroShare(table, 'f1'),
    precisionWeighted: weightedShare(table, 'precision'),
    recallWeighted: weightedShare(table, 'recall'),
    f1Weighted: weightedShare(table, 'f1'),
    precisionMicro: microShare(table, 'precision'),
    recallMicro: microShare(table, 'recall'),
    f1Micro: microShare(table, 'f1'),
    mcc: matthews(table),
    kappa: cohensKappa(table),
    answeredShare: table.n === 0 ? undefined : (table.n - (table.predicted[table.classes] ?? 0)) / table.n,
  };
}

function scoreValues(rows: ClassifiedRows, task: ClassifierTask, view: ScoreView, all: Weights): Values {
  const weights = all === undefined ? undefined : Uint32Array.from(view.rows, (row) => all[row] ?? 0);
  return { ...areas(task, view, weights), ...losses(rows, task, view, weights), ...topShares(rows, view, weights) };
}

function areas(task: ClassifierTask, { rankings }: ScoreView, weights: Weights): Values {
  const roc = (ranking: ClassRanking) => rocAuc(ranking.ranked, ranking.isPositive, weights);
  const precision = (ranking: ClassRanking) => averagePrecision(ranking.ranked, ranking.isPositive, weights);
  if (task.kind === 'multiclass') {
    return {
      rocAuc: meanOfClasses(rankings, roc, () => 1),
      rocAucWeighted: meanOfClasses(rankings, roc, (ranking) => positives(ranking, weights)),
      prAuc: meanOfClasses(rankings, precision, () => 1),
      prAucWeighted: meanOfClasses(rankings, precision, (ranking) => positives(ranking, weights)),
    };
  }
  const ranking = rankings[task.positive];
  return ranking === undefined ? { rocAuc: undefined, prAuc: undefined } : { rocAuc: roc(ranking), prAuc: precision(ranking) };
}

function losses({ truth }: ClassifiedRows, task: ClassifierTask, view: ScoreView, weights: Weights): Values {
  const { scores, calibrated } = view;
  if (calibrated === undefined) return { logLoss: undefined, brier: undefined, ece: undefined, eceEqualWidth: undefined };
  const logLoss = logLossOf({ truth, scores });
  const brier = brierOf({ truth, scores }, task.kind === 'binary' ? task.positive : undefined);
  return {
    logLoss: meanOver(view.rows, logLoss, weights),
    brier: meanOver(view.rows, brier, weights),
    ece: calibrationError(equalMassBins(calibrated.ranked, calibrated.isPositive, weights)),
    eceEqualWidth: calibrationError(equalWidthBins(calibrated.ranked, calibrated.isPositive, weights)),
  };
}

function topShares({ truth }: ClassifiedRows, { scores, rows }: ScoreView, weights: Weights): Values {
  const rankOf = rankOfTruth({ truth, scores });
  const top = (most: number) => (scores.columns > most ? meanOver(rows, (row) => (rankOf(row) < most ? 1 : 0), weights) : undefined);
  return { top3Accuracy: top(3), top5Accuracy: top(5) };
}

/** Undefined as soon as one class has no value: a mean over other classes each time would not be comparable. */
function meanOfClasses(
  rankings: ScoreView['rankings'],
  areaOf: (ranking: ClassRanking) => number | undefined,
  weightOfClass: (ranking: ClassRanking) => number,
): number | undefined {
  const sum = new StableSum();
  let total = 0;
  for (const ranking of rankings) {
    const value = ranking === undefined ? undefined : areaOf(ranking);
    if (ranking === undefined || value === undefined) return undefined;
    const weight = weightOfClass(ranking);
    sum.add(weight * value);
    total += weight;
  }
  return total === 0 ? undefined : sum.value / total;
}

function positives({ isPositive }: ClassRanking, weights: Weights): number {
  let count = 0;
  for (let index = 0; index < isPositive.length; index += 1) if (isPositive[index] === 1) count += weightOf(weights, index);
  return count;
}

function rankClass(scores: Scores, rows: Int32Array, truth: Int32Array, index: number): ClassRanking {
  return {
    ranked: rankScores(Float64Array.from(rows, (row) => scoreAt(scores, row, index))),
    isPositive: Uint8Array.from(rows, (row) => (truth[row] === index ? 1 : 0)),
  };
}

/** How sure the model was of the class it scored highest, against whether that was the true one. */
function rankConfidence(scores: Scores, rows: Int32Array, truth: Int32Array): ClassRanking {
  const best = Int32Array.from(rows, (row) => {
    let column = 0;
    for (let other = 1; other < scores.columns; other += 1) if (scoreAt(scores, row, other) > scoreAt(scores, row, column)) column = other;
    return column;
  });
  return {
    ranked: rankScores(Float64Array.from(rows, (row, at) => scoreAt(scores, row, best[at] ?? 0))),
    isPositive: Uint8Array.from(rows, (row, at) => (truth[row] === best[at] ? 1 : 0)),
  };
}
