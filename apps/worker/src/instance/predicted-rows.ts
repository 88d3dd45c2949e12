import type { Task } from '@slipway/contracts';
import { elementCount, fromFloat16, type Tensor } from '@slipway/inference';

type Label = string | number;

/** Rows with more scores than this are not sorted: it would cost more than many a model. */
const topColumnsMax = 4096;

/** What was predicted, row by row: `p` the class or value, `s` its score where there is one. */
export interface PredictedRows {
  readonly p?: readonly (Label | null)[];
  readonly s?: readonly (number | null)[];
}

/** How many rows a request has: the length of its inputs along the row axis; 1 where rows are not counted. */
export function rowsOf(inputs: readonly Tensor[], rowAxis: number | null | undefined): number {
  if (rowAxis === null || rowAxis === undefined) return 1;
  return inputs[0]?.shape[rowAxis] ?? 1;
}

/**
 * Reads the predicted class or value of the first `rows` rows from the outputs, as the version's task says. A classifier
 * without a prediction output predicts the class of its highest score, or, with one score per row, the positive class from 0.5 on.
 * The score is that of the positive class for a binary task and that of the predicted class for a multiclass one.
 */
export function predictedRows(task: Task, outputs: readonly Tensor[], rows: number): PredictedRows {
  const predictions = outputs.find((output) => output.name === task.predictionOutput);
  const scores = outputs.find((output) => output.name === task.scoreOutput);
  if (task.kind === 'other' || (predictions === undefined && scores === undefined)) return {};
  const columns = scores === undefined ? 0 : columnsOf(scores, rows);
  const p: (Label | null)[] = [];
  const s: (number | null)[] = [];
  for (let row = 0; row < rows; row++) {
    const best = scores === undefined ? -1 : bestColumn(scores, row, columns);
    const label = predictions === undefined ? labelOf(task, best) : labelAt(task, predictions, row, rows);
    p.push(label);
    s.push(scores === undefined ? null : scoreAt(task, scores, row, columns, label, best));
  }
  return { p, s };
}

/** Labels by falling score of the first `rows` rows, at most `most` of each; undefined where a row has no more than two classes. */
export function topLabels(task: Task, outputs: readonly Tensor[], rows: number, most: number): (readonly Label[])[] | undefined {
  const scores = outputs.find((output) => output.name === task.scoreOutput);
  const columns = scores === undefined ? 0 : columnsOf(scores, rows);
  if (task.kind !== 'multiclass' || scores === undefined || columns <= 2 || columns > topColumnsMax) return undefined;
  return Array.from({ length: rows }, (_, row) => {
    const order = Array.from({ length: columns }, (_column, column) => column);
    const scoreOf = (column: number) => numberAt(scores, row * columns + column);
    order.sort((a, b) => scoreOf(b) - scoreOf(a));
    return order.slice(0, most).flatMap((column) => labelOf(task, column) ?? []);
  });
}

/** Values per row; 0 when they do not divide evenly, and then no row has a score. */
function columnsOf(scores: Tensor, rows: number): number {
  const total = elementCount(scores.shape);
  const all = scores.shape.length > 0 ? (scores.shape[0] ?? rows) : rows;
  const columns = all > 0 ? total / all : 0;
  return Number.isInteger(columns) ? columns : 0;
}

function bestColumn(scores: Tensor, row: number, columns: number): number {
  if (columns === 1) return numberAt(scores, row) >= 0.5 ? 1 : 0;
  let best = -1;
  let highest = Number.NEGATIVE_INFINITY;
  for (let column = 0; column < columns; column++) {
    const score = numberAt(scores, row * columns + column);
    if (score > highest) {
      highest = score;
      best = column;
    }
  }
  return best;
}

function labelOf(task: Task, column: number): Label | null {
  if (column < 0) return null;
  return task.classes?.[column] ?? column;
}

function labelAt(task: Task, predictions: Tensor, row: number, rows: number): Label | null {
  const stride = rows > 0 && predictions.shape.length > 1 ? elementCount(predictions.shape.slice(1)) : 1;
  const value = predictions.data[row * stride];
  if (value === undefined) return null;
  if (typeof value === 'string') return value;
  const number = predictions.datatype === 'FP16' ? fromFloat16(Number(value)) : Number(value);
  if (!Number.isFinite(number)) return null;
  if (typeof value === 'bigint' && !Number.isSafeInteger(number)) return String(value);
  // An index into named classes is shown by its name; a label that is itself one of the classes stays.
  const isIndex = task.classes !== undefined && typeof task.classes[0] === 'string';
  return isIndex ? (task.classes?.[number] ?? number) : number;
}

function scoreAt(task: Task, scores: Tensor, row: number, columns: number, label: Label | null, best: number): number | null {
  if (columns === 0) return null;
  if (columns === 1) return finite(numberAt(scores, row));
  const wanted = task.kind === 'binary' ? positiveColumn(task) : columnOf(task, label, best);
  return wanted < 0 || wanted >= columns ? null : finite(numberAt(scores, row * columns + wanted));
}

function positiveColumn(task: Task): number {
  const column = task.positiveClass === undefined ? -1 : (task.classes?.indexOf(task.positiveClass) ?? -1);
  return column === -1 ? 1 : column;
}

function columnOf(task: Task, label: Label | null, best: number): number {
  if (label === null) return best;
  const column = task.classes?.indexOf(label) ?? -1;
  return column === -1 ? best : column;
}

function numberAt(tensor: Tensor, index: number): number {
  const value = Number(tensor.data[index]);
  return tensor.datatype === 'FP16' ? fromFloat16(value) : value;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
