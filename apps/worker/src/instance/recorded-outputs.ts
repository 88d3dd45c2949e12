import { type RecordedOutputs, recordedOutputValuesMax, recordedScoresMax, recordedTopMax, type Task } from '@slipway/contracts';
import { fromFloat16, type Tensor } from '@slipway/inference';
import { shortened, valueAt, valuesPerRow } from './input-columns.js';

/** Digits of a recorded score: more than sampling error ever shows. */
const scoreDigits = 6;
/** Classes of a row that are looked through for the highest ones; a larger output is left out, since that would cost more than many a model. */
const rankedMax = 4_096;

/**
 * What a record tells of the first `rows` rows' outputs besides the prediction and its score: the scores of three and more classes, or the highest of
 * them, and small outputs that the task does not name. Undefined where there is nothing more to tell.
 * @param rows of the request, among which an output's values divide.
 */
export function recordedOutputs(
  task: Task | undefined,
  outputs: readonly Tensor[],
  rows: number,
  most: number,
): (RecordedOutputs | null)[] | undefined {
  const scores = task === undefined || task.kind !== 'multiclass' ? undefined : outputs.find(({ name }) => name === task.scoreOutput);
  const classes = scores === undefined ? 0 : (valuesPerRow(scores, rows) ?? 0);
  const others = othersOf(task, outputs, rows);
  if ((classes < 3 || classes > rankedMax) && others.length === 0) return undefined;
  return Array.from({ length: Math.min(rows, most) }, (_, row) => ({
    ...(scores === undefined || classes < 3 || classes > rankedMax ? {} : scoresOf(task, scores, row, classes)),
    ...(others.length === 0 ? {} : { others: Object.fromEntries(others.map(({ tensor, perRow }) => [tensor.name, rowOf(tensor, row, perRow)])) }),
  }));
}

function scoresOf(task: Task | undefined, scores: Tensor, row: number, classes: number): RecordedOutputs {
  const own = Array.from({ length: classes }, (_, column) => numberAt(scores, row * classes + column));
  if (classes <= recordedScoresMax) return { scores: own.map((score) => (Number.isFinite(score) ? shortened(score, scoreDigits) : null)) };
  const top: [string | number, number][] = [];
  for (let place = 0; place < recordedTopMax; place += 1) {
    const column = highest(own);
    if (column === -1) break;
    top.push([task?.classes?.[column] ?? column, shortened(own[column] ?? 0, scoreDigits)]);
    own[column] = Number.NaN;
  }
  return { top };
}

/** The first of the highest; -1 where there is no number. */
function highest(values: readonly number[]): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (const [at, value] of values.entries()) {
    if (value <= most || Number.isNaN(value)) continue;
    best = at;
    most = value;
  }
  return best;
}

function othersOf(task: Task | undefined, outputs: readonly Tensor[], rows: number): { tensor: Tensor; perRow: number }[] {
  let left = recordedOutputValuesMax;
  return outputs.flatMap((tensor) => {
    const perRow = tensor.name === task?.predictionOutput || tensor.name === task?.scoreOutput ? 0 : (valuesPerRow(tensor, rows) ?? 0);
    if (perRow === 0 || perRow > left) return [];
    left -= perRow;
    return [{ tensor, perRow }];
  });
}

/** Texts are cut: they are for looking at. */
const textMax = 64;
function rowOf(tensor: Tensor, row: number, perRow: number): (string | number | boolean | null)[] {
  return Array.from({ length: perRow }, (_, at) => {
    const value = valueAt(tensor, row * perRow + at);
    if (typeof value === 'string') return value.slice(0, textMax);
    return value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value;
  });
}

function numberAt(tensor: Tensor, at: number): number {
  const value = Number(tensor.data[at]);
  return tensor.datatype === 'FP16' ? fromFloat16(value) : value;
}
