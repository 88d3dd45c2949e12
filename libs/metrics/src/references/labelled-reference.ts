import type { LabelledReference } from '@slipway/contracts';
import { calibrate } from '../estimates/calibrate.js';
import { type ErrorFeature, fitErrorTable } from '../estimates/error-table.js';
import { estimateBinary } from '../estimates/estimate-binary.js';
import { estimateMulticlass } from '../estimates/estimate-multiclass.js';
import { spreadOfMetrics } from '../estimates/metric-spread.js';
import type { ArrangedRows } from '../evaluation/arrange-rows.js';
import type { ClassifierTask } from '../evaluation/classifier-statistics.js';
import type { ClassifiedRows, RegressedRows } from '../evaluation/labelled-rows.js';
import { quantileOf } from './describe-column.js';

/** Fewer labelled rows carry no estimate. */
export const labelledRowsMin = 200;
/** Scores (rows times classes) that a multiclass reference is described by; of more rows evenly drawn ones. */
const scoresMost = 2_000_000;
const residualShares = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999];

/**
 * What estimates without labels stand on. Null where there are too few rows for that.
 * @param features numeric inputs of the same rows, for the error table of a regressor
 */
export function describeLabelled(arranged: ArrangedRows, features: readonly ErrorFeature[]): LabelledReference | null {
  if (arranged.kind === 'regressor') return describeRegressor(arranged.rows, features);
  return arranged.task.kind === 'binary' ? describeBinary(arranged.rows, arranged.task) : describeMulticlass(arranged.rows);
}

function describeBinary({ truth, predicted, scores, classes }: ClassifiedRows, { positive }: ClassifierTask): LabelledReference | null {
  const kept = rowsWithAnswer(truth.length, (row) => (predicted[row] ?? classes.length) < classes.length && isScored(scores, row, positive));
  if (kept.length < labelledRowsMin) return null;
  const isTrue = Uint8Array.from(kept, (row) => (truth[row] === positive ? 1 : 0));
  const said = Uint8Array.from(kept, (row) => (predicted[row] === positive ? 1 : 0));
  const raw = scores === undefined ? undefined : Float64Array.from(kept, (row) => scores.values[row * scores.columns + positive] ?? Number.NaN);
  // Known labels are chances of 0 and 1: realised and estimated metrics come out of the same formulas.
  const metricsOf = (rows: Uint32Array) => {
    const { rocAuc, prAuc, ...others } = estimateBinary({
      scores: Float64Array.from(rows, (row) => raw?.[row] ?? said[row] ?? 0),
      chances: Float64Array.from(rows, (row) => isTrue[row] ?? 0),
      predicted: Uint8Array.from(rows, (row) => said[row] ?? 0),
    });
    return raw === undefined ? others : { ...others, rocAuc, prAuc };
  };
  const metrics = spreadOfMetrics(kept.length, metricsOf);
  if (raw === undefined || !raw.every((score) => score >= 0 && score <= 1)) return { rows: kept.length, metrics };
  const { map, isIdentity, ece } = calibrate(raw, isTrue);
  const positiveClass = classes[positive] ?? String(positive);
  return { rows: kept.length, metrics, positiveClass, calibration: { [positiveClass]: { x: [...map.x], y: [...map.y], isIdentity } }, ece };
}

function describeMulticlass({ truth, predicted, scores, classes }: ClassifiedRows): LabelledReference | null {
  const width = scores?.columns ?? 0;
  const stride = Math.max(1, Math.ceil((truth.length * Math.max(width, classes.length)) / scoresMost));
  const isUsable = (row: number) => (predicted[row] ?? classes.length) < classes.length && (width === 0 || isScored(scores, row, 0));
  const kept = rowsWithAnswer(truth.length, (row) => row % stride === 0 && isUsable(row));
  if (kept.length < labelledRowsMin) return null;
  const count = Math.max(width, classes.length);
  const scoreOf = (row: number, column: number) => (column < width ? (scores?.values[row * width + column] ?? 0) : 0);
  const metricsOf = (rows: Uint32Array) => {
    const places = Uint32Array.from(rows, (row) => kept[row] ?? 0);
    const { rocAuc, ...others } = estimateMulticlass({
      classes: count,
      scores: Float64Array.from({ length: places.length * count }, (_, at) => scoreOf(places[Math.floor(at / count)] ?? 0, at % count)),
      chances: Float64Array.from({ length: places.length * count }, (_, at) => (truth[places[Math.floor(at / count)] ?? 0] === at % count ? 1 : 0)),
      predicted: Int32Array.from(places, (row) => predicted[row] ?? count),
    });
    return width === 0 ? others : { ...others, rocAuc };
  };
  const metrics = spreadOfMetrics(kept.length, metricsOf);
  if (width === 0 || scores === undefined) return { rows: kept.length, metrics };
  const calibration: NonNullable<LabelledReference['calibration']> = {};
  let ece = { before: 0, after: 0 };
  for (let column = 0; column < Math.min(width, classes.length); column += 1) {
    const raw = Float64Array.from(kept, (row) => scoreOf(row, column));
    const isTrue = Uint8Array.from(kept, (row) => (truth[row] === column ? 1 : 0));
    const one = calibrate(raw, isTrue);
    calibration[classes[column] ?? String(column)] = { x: [...one.map.x], y: [...one.map.y], isIdentity: one.isIdentity };
    const share = isTrue.reduce((sum, each) => sum + each, 0) / kept.length;
    ece = { before: ece.before + share * one.ece.before, after: ece.after + share * one.ece.after };
  }
  return { rows: kept.length, metrics, calibration, ece, confidence: confidenceOf({ truth, predicted, scores, classes }, kept) };
}

/** How sure the model was of the class it predicted against how often that was right: what is left where only that score is recorded. */
function confidenceOf({ truth, predicted, scores }: ClassifiedRows, kept: Uint32Array): NonNullable<LabelledReference['confidence']> {
  const raw = Float64Array.from(kept, (row) => scores?.values[row * scores.columns + (predicted[row] ?? 0)] ?? 0);
  const isRight = Uint8Array.from(kept, (row) => (truth[row] === predicted[row] ? 1 : 0));
  const { map, isIdentity, ece } = calibrate(raw, isRight);
  return { x: [...map.x], y: [...map.y], isIdentity, ece };
}

function describeRegressor({ truth, predicted }: RegressedRows, features: readonly ErrorFeature[]): LabelledReference | null {
  const kept = rowsWithAnswer(truth.length, (row) => Number.isFinite(predicted[row]) && Number.isFinite(truth[row]));
  if (kept.length < labelledRowsMin) return null;
  const values = Float64Array.from(kept, (row) => predicted[row] ?? 0);
  const errors = Float64Array.from(kept, (row) => (predicted[row] ?? 0) - (truth[row] ?? 0));
  const metrics = spreadOfMetrics(kept.length, (rows) => errorMetrics(rows, errors));
  const sorted = errors.slice().sort();
  const own = features.map(({ name, values: all }) => ({ name, values: Float64Array.from(kept, (row) => all[row] ?? Number.NaN) }));
  const table = fitErrorTable({ predicted: values, errors }, own);
  return {
    rows: kept.length,
    metrics,
    residualQuantiles: residualShares.map((share) => quantileOf(sorted, share)),
    errorTable: {
      ...table,
      predictionEdges: [...table.predictionEdges],
      columnEdges: [...table.columnEdges],
      meanAbsolute: table.meanAbsolute.map((line) => [...line]),
      meanSquared: table.meanSquared.map((line) => [...line]),
      rows: table.rows.map((line) => [...line]),
    },
  };
}

function errorMetrics(rows: Uint32Array, errors: Float64Array): Record<string, number | undefined> {
  let [absolute, squared] = [0, 0];
  for (const row of rows) {
    const error = errors[row] ?? 0;
    absolute += Math.abs(error);
    squared += error * error;
  }
  const n = rows.length;
  return { mae: n === 0 ? undefined : absolute / n, rmse: n === 0 ? undefined : Math.sqrt(squared / n) };
}

function rowsWithAnswer(count: number, passes: (row: number) => boolean): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row).filter(passes);
}

function isScored(scores: ClassifiedRows['scores'], row: number, column: number): boolean {
  return scores === undefined || Number.isFinite(scores.values[row * scores.columns + column]);
}
