import type { ResultFormat, TensorSignature } from '@slipway/contracts';
import { isSingle, type RowValue } from './row-values.js';

/** Writes one line per row of the file. */
export interface ResultWriter {
  /** The first line; empty where the format has none. */
  readonly header: string;
  predicted(row: number, ids: readonly unknown[], version: number, values: readonly RowValue[]): string;
  failed(row: number, ids: readonly unknown[], reason: string): string;
}

export interface ResultLayout {
  readonly idColumns: readonly string[];
  readonly outputs: readonly TensorSignature[];
  /** Axis 0 of the outputs counts rows. */
  readonly hasRows: boolean;
}

/** The writer of a format. */
export function resultWriter(format: ResultFormat, layout: ResultLayout): ResultWriter {
  return format === 'ndjson' ? ndjsonWriter(layout) : csvWriter(layout);
}

function ndjsonWriter({ idColumns, outputs, hasRows }: ResultLayout): ResultWriter {
  const singles = new Set(outputs.filter((output) => isSingle(output, hasRows)).map((output) => output.name));
  const start = (row: number, ids: readonly unknown[]): string => {
    if (idColumns.length === 0) return `{"row":${row}`;
    return `{"row":${row},"id":{${idColumns.map((name, index) => `${JSON.stringify(name)}:${JSON.stringify(ids[index] ?? null)}`).join(',')}}`;
  };
  return {
    header: '',
    predicted: (row, ids, version, values) => {
      const parts = values.map((value) => `${JSON.stringify(value.name)}:${singles.has(value.name) ? jsonText(value.at(0)) : jsonList(value)}`);
      return `${start(row, ids)},"version":${version},"outputs":{${parts.join(',')}}}\n`;
    },
    failed: (row, ids, reason) => `${start(row, ids)},"error":${JSON.stringify(reason)}}\n`,
  };
}

/** JSON has no word for NaN and the infinities, so they are texts; 64-bit integers are exact. */
function jsonText(value: number | bigint | boolean | string): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function jsonList({ shape, at }: RowValue): string {
  let index = 0;
  const write = (axis: number): string => {
    if (axis === shape.length) return jsonText(at(index++));
    return `[${Array.from({ length: shape[axis] ?? 0 }, () => write(axis + 1)).join(',')}]`;
  };
  return write(0);
}

/** An output of more values per row goes into one cell, as JSON. */
const cellsPerOutput = 64;

function csvWriter({ idColumns, outputs, hasRows }: ResultLayout): ResultWriter {
  const layouts = outputs.map((output) => ({ name: output.name, names: columnsOf(output, hasRows) }));
  const width = layouts.reduce((sum, output) => sum + output.names.length, 0);
  const header = line(uniqueNames(['row', ...idColumns, ...layouts.flatMap((output) => output.names), 'version', 'error']).map(textCell));
  return {
    header,
    predicted: (row, ids, version, values) => {
      const byName = new Map(values.map((value) => [value.name, value]));
      const cells = layouts.flatMap(({ name, names }) => cellsOf(byName.get(name), names.length));
      return line([String(row), ...ids.map(idCell), ...cells, String(version), '']);
    },
    failed: (row, ids, reason) => line([String(row), ...ids.map(idCell), ...new Array<string>(width + 1).fill(''), textCell(reason)]),
  };
}

/** One column per value where the shape is fixed and small. */
function columnsOf(output: TensorSignature, hasRows: boolean): readonly string[] {
  if (isSingle(output, hasRows)) return [output.name];
  const rowShape = hasRows ? output.shape.slice(1) : output.shape;
  const count = rowShape.reduce((product, dimension) => product * dimension, 1);
  const isFixed = output.unranked !== true && rowShape.every((dimension) => dimension >= 0);
  if (!isFixed || count === 0 || count > cellsPerOutput) return [output.name];
  return rowShape.reduce<string[]>(
    (names, dimension) => names.flatMap((name) => Array.from({ length: dimension }, (_, at) => `${name}[${at}]`)),
    [output.name],
  );
}

function cellsOf(value: RowValue | undefined, width: number): string[] {
  if (value === undefined) return new Array<string>(width).fill('');
  const count = value.shape.reduce((product, dimension) => product * dimension, 1);
  if (count === width) return Array.from({ length: width }, (_, index) => valueCell(value.at(index)));
  return width === 1 ? [textCell(jsonList(value))] : new Array<string>(width).fill('');
}

function valueCell(value: number | bigint | boolean | string): string {
  return typeof value === 'string' ? textCell(value) : String(value);
}

function idCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return textCell(typeof value === 'string' ? value : JSON.stringify(value));
}

const plainNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Spreadsheets run a cell that begins like a formula; an apostrophe in front keeps it a text. Plain numbers are none. */
function textCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function line(cells: readonly string[]): string {
  return `${cells.join(',')}\n`;
}

/** A name that was taken gets a number. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let count = 2; taken.has(unique); count += 1) unique = `${name}_${count}`;
    taken.add(unique);
    return unique;
  });
}
