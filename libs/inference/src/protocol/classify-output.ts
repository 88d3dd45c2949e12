import { type Datatype, SlipwayError, type Task } from '@slipway/contracts';
import { fromFloat16 } from '../tensors/float16.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type Tensor } from '../tensors/tensor.js';
import { maxTextElements } from './read-json-data.js';

/** What a version knows of its outputs; all of it may be missing. */
export type ClassificationTask = Pick<Task, 'scoreOutput' | 'classes' | 'rowAxis'>;

/** Whether outputs of the datatype can be classified: those with an order. */
export function isClassifiable(datatype: Datatype): boolean {
  return datatype !== 'BYTES' && datatype !== 'BOOL';
}

/**
 * The classification extension: an output as its highest values, each as the text `value:index` or `value:index:label`, highest first and
 * NaN last. With rows the shape is [rows, k], else [k]; k is at most the number of values.
 * @param count how many values are wanted of each row.
 * @throws SlipwayError INFER_OUTPUT_TOO_LARGE
 * @param task tells the labels of the score output, and whether rows are counted.
 */
export function classifyOutput(output: Tensor, count: number, task?: ClassificationTask | null): Tensor {
  const rows = rowsOf(output, task);
  const columns = rows === undefined ? elementCount(output.shape) : elementCount(output.shape.slice(1));
  const shown = Math.min(count, columns);
  if ((rows ?? 1) * shown > maxTextElements) {
    throw new SlipwayError(
      'INFER_OUTPUT_TOO_LARGE',
      `output ${quote(output.name)}: ${(rows ?? 1) * shown} classes are over the limit of ${maxTextElements}; ask for fewer`,
    );
  }
  const labels = task?.scoreOutput === output.name ? task.classes : undefined;
  const texts: string[] = [];
  for (let row = 0; row < (rows ?? 1); row++) {
    for (const column of highest(output, row * columns, columns, shown)) {
      const label = labels?.[column];
      const value = valueText(output, row * columns + column);
      texts.push(label === undefined ? `${value}:${column}` : `${value}:${column}:${label}`);
    }
  }
  return { name: output.name, datatype: 'BYTES', shape: rows === undefined ? [shown] : [rows, shown], data: texts };
}

/** The length of the first axis where it counts rows; with several axes it does unless the task says otherwise. */
function rowsOf({ shape }: Tensor, task: ClassificationTask | null | undefined): number | undefined {
  const hasRows = shape.length > 0 && (task?.rowAxis === 0 || (shape.length > 1 && task?.rowAxis !== null));
  return hasRows ? shape[0] : undefined;
}

/** Up to here the highest are picked in one pass, which for the usual few is many times faster than sorting all values. */
const pickedMax = 32;

/** The columns of the highest values, in order; equal ones by their column. */
function highest(output: Tensor, start: number, columns: number, count: number): number[] {
  const isAbove = (a: number, b: number) => isHigher(numberAt(output, start + a), numberAt(output, start + b));
  const order: number[] = [];
  if (count > pickedMax) {
    for (let column = 0; column < columns; column++) order.push(column);
    order.sort((a, b) => (isAbove(a, b) ? -1 : isAbove(b, a) ? 1 : a - b));
    return order.slice(0, count);
  }
  for (let column = 0; column < columns; column++) {
    if (order.length === count && !isAbove(column, order[count - 1] ?? 0)) continue;
    if (order.length === count) order.pop();
    let place = order.length;
    while (place > 0 && isAbove(column, order[place - 1] ?? 0)) place--;
    order.splice(place, 0, column);
  }
  return order;
}

function isHigher(a: number | bigint, b: number | bigint): boolean {
  return a > b || (Number.isNaN(b) && !Number.isNaN(a));
}

function numberAt({ datatype, data }: Tensor, index: number): number | bigint {
  const value = data[index];
  if (typeof value === 'bigint') return value;
  return datatype === 'FP16' ? fromFloat16(Number(value)) : Number(value);
}

/** Values as C's `%f` and `%d` write them, which is what clients of this extension have always read. */
function valueText(output: Tensor, index: number): string {
  const value = numberAt(output, index);
  if (typeof value === 'bigint' || !output.datatype.startsWith('FP')) return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  return fixedText(value);
}

/** Six decimals. `toFixed` goes over to exponents from 1e21 on and rounds the rare tie away from zero, C rounds it to even. */
function fixedText(value: number): string {
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  const text = value.toFixed(6);
  // Six decimals can only tie for odd multiples of 2^-7.
  const isTie = Number.isInteger(value * 128) && !Number.isInteger(value * 64);
  if (isTie && Number(text.at(-1)) % 2 === 1) return `${text.slice(0, -1)}${Number(text.at(-1)) - 1}`;
  return Object.is(value, -0) ? `-${text}` : text;
}
