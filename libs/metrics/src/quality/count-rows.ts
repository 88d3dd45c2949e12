import type { RecordedOutputs, Task } from '@slipway/contracts';
import { brierOf, isDistribution, logLossOf, rankOfTruth } from '../evaluation/probability-losses.js';
import { predictionBin, scoreBin, sizeBin } from './count-bins.js';
import { addValue } from './moments.js';
import {
  addCounts,
  addToBin,
  addToSums,
  classKey,
  countsAt,
  noCounts,
  noErrors,
  noScores,
  noVectors,
  type QualityCounts,
  type ScoreCounts,
  scaleCounts,
  type VectorCounts,
} from './quality-counts.js';

/** What was predicted for a row. */
export interface PredictedRow {
  /** The class as text. */
  readonly predicted: string | null;
  /** The value of a regression, or the class when it is a number. */
  readonly predictedNumber: number | null;
  /** Of the positive class (binary) or of the predicted class (multiclass). */
  readonly score: number | null;
  /** With which probability it was recorded; absent: for certain. It stands for 1 / probability predictions. */
  readonly probability?: number | null | undefined;
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

/** How many predictions a record stands for. */
export function weightOfRow({ probability }: Pick<PredictedRow, 'probability'>): number {
  return typeof probability === 'number' && probability > 0 && probability < 1 ? 1 / probability : 1;
}

/** Counts a prediction that was stored. */
export function countPrediction(counts: QualityCounts, row: PredictedRow): void {
  addToBin(counts.all, predictionBin(row), weightOfRow(row));
}

/** Counts one labelled row, as often as it stands for others. The prediction itself is counted when it is stored. */
export function countLabel(counts: QualityCounts, row: LabelledRow): void {
  const weight = weightOfRow(row);
  const own = weight === 1 ? counts : noCounts();
  countOnce(own, row);
  if (own !== counts) addCounts(counts, scaleCounts(own, weight));
}

function countOnce(counts: QualityCounts, row: LabelledRow): void {
  if (row.label !== null) countClass(counts, row, row.label);
  else if (row.labelNumber !== null && row.predictedNumber !== null) countValue(counts, row, row.predictedNumber - row.labelNumber, row.labelNumber);
}

/** Counts of labelled rows with their predictions, as they would add up one by one: for windows that are at hand as rows. */
export function countRows(rows: Iterable<LabelledRow>): QualityCounts {
  const counts = noCounts();
  for (const row of rows) {
    countPrediction(counts, row);
    countLabel(counts, row);
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
  const { predicted, score, scores, truth, rank } = row;
  const hasScore = score !== null && Number.isFinite(score);
  addToBin(
    countsAt(counts.cells, classKey.of(label), () => ({})),
    predicted === null ? '' : classKey.of(predicted),
  );
  addToSums(counts.labelled, predictionBin(row), [1, predicted === label ? 1 : 0, hasScore ? score : 0]);
  counts.loss = addValue(counts.loss, lossOf(row, label));
  if (hasScore && (scores === null || scores.length === 2)) countScore(countsAt(counts.scores, classKey.of(label), noScores), score);
  if (rank !== null) addToBin(counts.ranks, rank < 0 ? '-' : String(rank));
  if (scores !== null && truth !== null) {
    counts.vectors ??= noVectors();
    countVector(counts.vectors, scores, truth);
  }
}

function lossOf({ score, scores, truth, predicted }: LabelledRow, label: string): number {
  const own = scores === null || truth === null ? undefined : scores[truth];
  if (own !== undefined) return isProbability(own) ? 1 - own : Number(predicted !== label);
  if (scores === null && truth !== null && score !== null && isProbability(score)) return truth === 1 ? 1 - score : score;
  return Number(predicted !== label);
}

function countScore(counts: ScoreCounts, score: number): void {
  addToSums(counts.bins, scoreBin(score), [1, score]);
  if (!isProbability(score)) {
    counts.outside += 1;
    return;
  }
  const kept = Math.min(1 - epsilon, Math.max(epsilon, score));
  counts.log1 = addValue(counts.log1, -Math.log(kept));
  counts.log0 = addValue(counts.log0, -Math.log(1 - kept));
  counts.square1 = addValue(counts.square1, (1 - score) ** 2);
  counts.square0 = addValue(counts.square0, score ** 2);
}

function countVector(counts: VectorCounts, scores: readonly number[], truth: number): void {
  const row = oneRow(scores, truth);
  counts.n += 1;
  scores.forEach((score, index) => {
    const bins = counts.columns[index] ?? {};
    counts.columns[index] = bins;
    addToSums(bins, scoreBin(score), [1, index === truth ? 1 : 0, score]);
  });
  if (!isDistribution(row.scores, 0)) {
    counts.outside += 1;
    return;
  }
  counts.logLoss = addValue(counts.logLoss, logLossOf(row)(0));
  counts.brier = addValue(counts.brier, brierOf(row)(0));
}

function countValue(counts: QualityCounts, row: LabelledRow, error: number, truth: number): void {
  if (!Number.isFinite(error)) return;
  const [absolute, size] = [Math.abs(error), Math.abs(truth)];
  addToSums(counts.labelled, predictionBin(row), [1, absolute, 0]);
  const errors = counts.errors ?? noErrors();
  counts.errors = errors;
  errors.error = addValue(errors.error, error);
  errors.absolute = addValue(errors.absolute, absolute);
  errors.squared = addValue(errors.squared, error * error);
  errors.truth = addValue(errors.truth, truth);
  errors.size = addValue(errors.size, size);
  errors.product = addValue(errors.product, absolute * size);
  errors.percentage = addValue(errors.percentage, Math.min(percentageMost, absolute / Math.max(size, epsilon)));
  addToBin(errors.absoluteBins, sizeBin(absolute));
  addToBin(errors.sizeBins, sizeBin(size));
}

function oneRow(scores: readonly number[], truth: number) {
  return { truth: Int32Array.of(truth), scores: { columns: scores.length, values: Float64Array.from(scores) } };
}

function isProbability(score: number): boolean {
  return score >= 0 && score <= 1;
}
