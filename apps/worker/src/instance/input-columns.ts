import { elementCount, fromFloat16, type Tensor } from '@slipway/inference';

/** Longest text that a slice or a join key may be. */
const textMax = 256;

/** Where in the inputs a column lies: a tensor, and which value of its row. */
export interface InputColumn {
  readonly tensor: string;
  /** Undefined: the tensor has one value per row. */
  readonly index: number | undefined;
}

/** Reads a column's name: an input's own, or `name[i]`. An input that is itself called so wins. */
export function inputColumn(name: string, inputNames: readonly string[]): InputColumn {
  const [, tensor, index] = inputNames.includes(name) ? [] : (/^(.*)\[(\d+)\]$/s.exec(name) ?? []);
  return tensor === undefined || index === undefined ? { tensor: name, index: undefined } : { tensor, index: Number(index) };
}

/** Values per row of an input; undefined when they do not divide evenly among the rows. */
export function valuesPerRow(tensor: Tensor, rows: number): number | undefined {
  const values = elementCount(tensor.shape) / rows;
  return Number.isInteger(values) ? values : undefined;
}

/**
 * A column's value of one row as text: a number as short as its datatype allows, a truth as `true` or `false`. Undefined where there is no such value:
 * the input was not given, or has another number of values per row than the column's name says.
 */
export function columnText(inputs: readonly Tensor[], column: InputColumn, row: number, rows: number): string | undefined {
  const tensor = inputs.find(({ name }) => name === column.tensor);
  const perRow = tensor === undefined ? undefined : valuesPerRow(tensor, rows);
  if (tensor === undefined || perRow === undefined) return undefined;
  if (column.index === undefined ? perRow !== 1 : column.index >= perRow) return undefined;
  const value = valueAt(tensor, row * perRow + (column.index ?? 0));
  return value === undefined ? undefined : String(value).slice(0, textMax);
}

/** A value as people write it: large integers as texts, 32-bit floats by the digits that they hold. */
export function valueAt({ data, datatype }: Tensor, at: number): string | number | boolean | undefined {
  const value = data[at];
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (datatype === 'BOOL') return value !== 0;
  if (datatype === 'FP16') return shortened(fromFloat16(value), 4);
  return datatype === 'FP32' ? shortened(value, 7) : value;
}

/** Whole numbers are exact; others are as short as their significand. */
export function shortened(value: number, digits: number): number {
  return Number.isInteger(value) || !Number.isFinite(value) ? value : Number(value.toPrecision(digits));
}
