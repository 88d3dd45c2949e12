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
  const hasScores = scores !== undefined && classes >= 3 && classes <= rankedMax;
  const recorded: RecordedOutputs[] = [];
  for (let row = 0; row < Math.min(rows, most); row += 1) {
    const own: RecordedOutputs = hasScores ? scoresOf(task, scores, row, classes) : {};
    if (others.length > 0) own.others = othersOfRow(others, row);
    recorded.push(own);
  }
  return recorded;
}

interface OtherOutput {
  readonly tensor: Tensor;
  readonly perRow: number;
}

function othersOfRow(others: readonly OtherOutput[], row: number): Record<string, (string | number | boolean | null)[]> {
  // An output may have any name, also one that objects have by themselves.
  return Object.fromEntries(others.map(({ tensor, perRow }) => [tensor.name, rowOf(tensor, row, perRow)]));
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

function othersOf(task: Task | undefined, outputs: readonly Tensor[], rows: number): OtherOutput[] {
  let left = recordedOutputValuesMax;
  const others: OtherOutput[] = [];
  for (const tensor of outputs) {
    const perRow = tensor.name === task?.predictionOutput || tensor.name === task?.scoreOutput ? 0 : (valuesPerRow(tensor, rows) ?? 0);
    if (perRow === 0 || perRow > left) continue;
    left -= perRow;
    others.push({ tensor, perRow });
  }
  return others;
}

/** Texts are cut: they are for looking at. */
const textMax = 64;
function rowOf(tensor: Tensor, row: number, perRow: number): (string | number | boolean | null)[] {
  const values: (string | number | boolean | null)[] = [];
  for (let at = 0; at < perRow; at += 1) {
    const value = valueAt(tensor, row * perRow + at);
    if (typeof value === 'string') values.push(value.slice(0, textMax));
    else values.push(value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value);
  }
  return values;
}

function numberAt(tensor: Tensor, at: number): number {
  const value = Number(tensor.data[at]);
  return tensor.datatype === 'FP16' ? fromFloat16(value) : value;
}
