import type { RecordedOutputs, Task } from '@slipway/contracts';
import { brierOf, isDistribution, logLossOf, rankOfTruth } from '../evaluation/probability-losses.js';
import { predictionBin, scoreBin, sizeBin } from './count-bins.js';
import { momentsOf } from './moments.js';
import { addCounts, classKey, noCounts, noErrors, noScores, noVectors, type QualityCounts } from './quality-counts.js';

/** What was predicted for a row. */
export interface PredictedRow {
  /** The class as text. */
  readonly predicted: string | null;
  /** The value of a regression, or the class when it is a number. */
  readonly predictedNumber: number | null;
  /** Of the positive class (binary) or of the predicted class (multiclass). */
  readonly score: number | null;
}

/** A row whose label is known. */
export interface LabelledRow extends PredictedRow {
  /** Scores of all classes; null where not all of them are recorded. */
  readonly scores: readonly number[] | null;
  /** Place of the label among the scores; for a binary task 1 where the label is the positive class, else 0; null where that is not known. */
  readonly truth: number | null;
  /** Classes that scored higher than the true one; −1: more than are recorded; null: not known. */
  readonly rank: number | null;
  /** The class, or null for a value. */
  readonly label: string | null;
  readonly labelNumber: number | null;
}

const epsilon = 2 ** -52;
/** Beyond it a percentage says nothing, and taking it out of a sum again would leave its rounding behind. */
const percentageMost = 1e6;

/** Counts a prediction that was stored. */
export function countPrediction(counts: QualityCounts, row: PredictedRow): void {
  const bin = predictionBin(row);
  counts.all[bin] = (counts.all[bin] ?? 0) + 1;
}

/** Counts of one labelled row. The prediction itself is not in them. */
export function countsOfLabel(row: LabelledRow): QualityCounts {
  const counts = noCounts();
  if (row.label !== null) countClass(counts, row, row.label);
  else if (row.labelNumber !== null && row.predictedNumber !== null) countValue(counts, row, row.predictedNumber - row.labelNumber, row.labelNumber);
  return counts;
}

/** Counts of labelled rows with their predictions, as they would add up one by one: for windows that are at hand as rows. */
export function countRows(rows: Iterable<LabelledRow>): QualityCounts {
  const counts = noCounts();
  for (const row of rows) {
    countPrediction(counts, row);
    addCounts(counts, countsOfLabel(row));
  }
  return counts;
}

/** How wrong one labelled row is: |e|, or 1 − probability of the true class; without one 1 for a wrong class and 0 for the right one. */
export function errorOf(row: LabelledRow): number | undefined {
  if (row.label !== null) return lossOf(row, row.label);
  return row.labelNumber === null || row.predictedNumber === null ? undefined : Math.abs(row.predictedNumber - row.labelNumber);
}

/** The place of a label among a version's scores, and how many scored higher; what `LabelledRow` says of it. */
export function placeLabel(
  label: string | null,
  task: Task | undefined,
  outputs: RecordedOutputs | null,
): Pick<LabelledRow, 'scores' | 'truth' | 'rank'> {
  const none = { scores: null, truth: null, rank: null };
  if (label === null || task === undefined) return none;
  const classes = task.classes?.map(String);
  if (task.kind === 'binary') return { ...none, truth: positiveClassOf(task) === undefined ? null : Number(label === positiveClassOf(task)) };
  if (task.kind !== 'multiclass') return none;
  const scores = outputs?.scores;
  const truth = classes?.indexOf(label) ?? (/^\d{1,4}$/.test(label) ? Number(label) : -1);
  if (scores !== undefined && truth >= 0 && truth < scores.length && scores.every((score) => score !== null)) {
    const all = scores.map((score) => score ?? Number.NaN);
    return { scores: all, truth, rank: rankOfTruth(oneRow(all, truth))(0) };
  }
  const place = outputs?.top?.findIndex(([name]) => String(name) === label);
  return { ...none, rank: place === undefined ? null : place };
}

/** The class that counts as positive: the one the task names, else the second, as in scikit-learn's 0/1 labels. */
export function positiveClassOf(task: Task): string | undefined {
  const classes = task.classes?.map(String) ?? ['0', '1'];
  const named = task.positiveClass === undefined ? -1 : classes.indexOf(String(task.positiveClass));
  return named >= 0 ? classes[named] : classes[Math.min(1, classes.length - 1)];
}

function countClass(counts: QualityCounts, row: LabelledRow, label: string): void {
  const isRight = row.predicted === label;
  const hasScore = row.score !== null && Number.isFinite(row.score);
  const predicted = row.predicted === null ? '' : classKey.of(row.predicted);
  counts.cells[classKey.of(label)] = { [predicted]: 1 };
  counts.labelled[predictionBin(row)] = [1, isRight ? 1 : 0, hasScore ? (row.score ?? 0) : 0];
  counts.loss = momentsOf(lossOf(row, label));
  if (hasScore && row.scores === null) counts.scores[classKey.of(label)] = scoresOf(row.score ?? 0);
  if (row.rank !== null) counts.ranks[row.rank < 0 ? '-' : String(row.rank)] = 1;
  if (row.scores !== null && row.truth !== null) counts.vectors = vectorOf(row.scores, row.truth);
}

function lossOf({ score, scores, truth, predicted }: LabelledRow, label: string): number {
  const own = scores === null || truth === null ? undefined : scores[truth];
  if (own !== undefined) return isProbability(own) ? 1 - own : Number(predicted !== label);
  if (scores === null && truth !== null && score !== null && isProbability(score)) return truth === 1 ? 1 - score : score;
  return Number(predicted !== label);
}

function scoresOf(score: number): QualityCounts['scores'][string] {
  const bins: Record<string, [number, number]> = { [scoreBin(score)]: [1, score] };
  if (!isProbability(score)) return { ...noScores(), bins, outside: 1 };
  const kept = Math.min(1 - epsilon, Math.max(epsilon, score));
  return {
    bins,
    outside: 0,
    log1: momentsOf(-Math.log(kept)),
    log0: momentsOf(-Math.log(1 - kept)),
    square1: momentsOf((1 - score) ** 2),
    square0: momentsOf(score ** 2),
  };
}

function vectorOf(scores: readonly number[], truth: number): QualityCounts['vectors'] {
  const row = oneRow(scores, truth);
  const columns = scores.map(
    (score, index): Record<string, [number, number, number]> => ({ [scoreBin(score)]: [1, index === truth ? 1 : 0, score] }),
  );
  if (!isDistribution(row.scores, 0)) return { ...noVectors(), n: 1, outside: 1, columns };
  return { n: 1, outside: 0, logLoss: momentsOf(logLossOf(row)(0)), brier: momentsOf(brierOf(row)(0)), columns };
}

function countValue(counts: QualityCounts, row: LabelledRow, error: number, truth: number): void {
  const absolute = Math.abs(error);
  if (!Number.isFinite(error)) return;
  const size = Math.abs(truth);
  counts.labelled[predictionBin(row)] = [1, absolute, 0];
  counts.errors = {
    ...noErrors(),
    error: momentsOf(error),
    absolute: momentsOf(absolute),
    squared: momentsOf(error * error),
    truth: momentsOf(truth),
    size: momentsOf(size),
    product: momentsOf(absolute * size),
    percentage: momentsOf(Math.min(percentageMost, absolute / Math.max(size, epsilon))),
    absoluteBins: { [sizeBin(absolute)]: 1 },
    sizeBins: { [sizeBin(size)]: 1 },
  };
}

function oneRow(scores: readonly number[], truth: number) {
  return { truth: Int32Array.of(truth), scores: { columns: scores.length, values: Float64Array.from(scores) } };
}

function isProbability(score: number): boolean {
  return score >= 0 && score <= 1;
}
