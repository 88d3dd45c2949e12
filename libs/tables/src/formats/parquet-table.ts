import type { FileHandle } from 'node:fs/promises';
import { SlipwayError } from '@slipway/contracts';
import {
  type AsyncBuffer,
  type ColumnChunk,
  type Compressors,
  type DecodedArray,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type RowGroup,
} from 'hyparquet';
import { checkWidth, packedFactor, type RowBatch, type Table, type TableLimits, type TableRow, unreadable } from '../table.js';
import { type Codec, codecs, expand } from './expand.js';
import { readExactly } from './file-pieces.js';

/** Values decoded at once; as JavaScript arrays they take up to 32 bytes each. */
const valuesAtOnce = 8_000_000;
/** Rows handed on at once. */
const batchRows = 2_048;

/** Reads a Parquet file: its footer when it is opened, then the wanted columns of one row group after the other. */
export async function openParquet(file: FileHandle, limits: TableLimits): Promise<Table> {
  const { size } = await file.stat();
  const source = new CachedFile(file, size, packedFactor * limits.maxRowBytes);
  await checkFooter(file, size, packedFactor * limits.maxRowBytes);
  const metadata = await attempt('its footer', () => parquetMetadataAsync(source, { geoparquet: false }));
  const names = await attempt('its schema', () => parquetSchema(metadata).children.map((child) => child.element.name));
  checkWidth(names.length, limits);
  if (names.length === 0) throw unreadable('expected a file with columns; this one has none');
  const rowsTotal = Number(metadata.num_rows);
  const groupRows = metadata.row_groups.map((group) => Number(group.num_rows));
  if (groupRows.some((rows) => rows < 0) || groupRows.reduce((sum, rows) => sum + rows, 0) !== rowsTotal)
    throw unreadable('the Parquet file contradicts itself: its row groups do not have as many rows as it says it has');

  async function* rows(from: { readonly row: number } = { row: 0 }, wanted?: ReadonlySet<string>): AsyncGenerator<RowBatch, void> {
    const columns = wanted === undefined ? names : names.filter((name) => wanted.has(name));
    const compressors = compressorsWithin(packedFactor * limits.maxRowBytes);
    // Each group is scanned on its own, so that nothing of it stays in memory behind it.
    let groupStart = 0;
    for (const [index, group] of metadata.row_groups.entries()) {
      const groupEnd = groupStart + (groupRows[index] ?? 0);
      source.forget();
      if (groupEnd > from.row && groupEnd > groupStart) {
        for (const [start, end] of slicesOf(group, { index, groupStart, groupEnd, columns })) {
          if (end <= from.row) continue;
          const scan = await attempt(`row group ${index + 1}`, () =>
            parquetScan({ file: source, metadata, columns: [...columns], rowStart: start, rowEnd: end, compressors, utf8: true }),
          );
          const data = new Map<string, DecodedArray>();
          for (const column of columns) {
            data.set(
              column,
              await attempt(`column "${column}" of row group ${index + 1}`, () => scan.readColumn({ column, rowStart: start, rowEnd: end })),
            );
          }
          yield* inBatches(names, data, start, end, Math.max(from.row, start));
        }
      }
      groupStart = groupEnd;
    }
  }
  return { head: { kind: 'columns', names }, rowsTotal, rows, close: () => file.close() };
}

function* inBatches(
  names: readonly string[],
  data: ReadonlyMap<string, DecodedArray>,
  start: number,
  end: number,
  from: number,
): Generator<RowBatch, void> {
  for (const [name, column] of data) {
    if (column.length !== end - start) throw unreadable(`column "${name}" has ${column.length} values where its row group has ${end - start} rows`);
  }
  const columns = names.map((name) => data.get(name));
  for (let at = from; at < end; at += batchRows) {
    const rows: TableRow[] = [];
    for (let row = at; row < Math.min(at + batchRows, end); row += 1)
      rows.push({ kind: 'cells', cells: columns.map((column) => column?.[row - start]) });
    yield { rows, start: at };
  }
}

/** How much of a row group is decoded at once: all of it, or runs of rows where its columns have no lists (pages with lists cannot be skipped). */
function slicesOf(
  group: RowGroup,
  at: { readonly index: number; readonly groupStart: number; readonly groupEnd: number; readonly columns: readonly string[] },
): [number, number][] {
  const wanted = new Set(at.columns);
  const chunks = group.columns.filter((chunk) => wanted.has(chunk.meta_data?.path_in_schema[0] ?? ''));
  const values = chunks.reduce((sum, chunk) => sum + valuesOf(chunk), 0);
  if (values <= valuesAtOnce) return [[at.groupStart, at.groupEnd]];
  if (chunks.some((chunk) => (chunk.meta_data?.path_in_schema.length ?? 1) > 1))
    throw unreadable(
      `row group ${at.index + 1} holds ${values} values in lists; at most ${valuesAtOnce} are read at once. Write the file with smaller row groups`,
    );
  const step = Math.max(batchRows, Math.floor(valuesAtOnce / chunks.length));
  const slices: [number, number][] = [];
  for (let start = at.groupStart; start < at.groupEnd; start += step) slices.push([start, Math.min(start + step, at.groupEnd)]);
  return slices;
}

function valuesOf(chunk: ColumnChunk): number {
  return Number(chunk.meta_data?.num_values ?? 0);
}

/** The footer's length stands before the last four bytes; it is checked before the footer is read. */
async function checkFooter(file: FileHandle, size: number, maxBytes: number): Promise<void> {
  const tail = size < 12 ? undefined : await readExactly(file, size - 8, 8);
  if (tail === undefined || tail.toString('latin1', 4) !== 'PAR1') throw unreadable('the Parquet file is cut: it does not end with its footer');
  const bytes = tail.readUInt32LE(0);
  if (bytes > size - 12) throw unreadable('the Parquet file is damaged: its footer is said to be larger than the file');
  if (bytes > maxBytes) throw unreadable(`the footer of the Parquet file has ${bytes} bytes; at most ${maxBytes} are read`);
}

/** Decompressors with a bound; the library's own are used for nothing. */
function compressorsWithin(maxBytes: number): Compressors {
  const bounded = (codec: Codec) => (input: Uint8Array, bytes: number) => expand(codec, input, bytes, maxBytes);
  return Object.fromEntries(codecs.map((codec) => [codec, bounded(codec)]));
}

/** The file as the library reads it. What was read is kept for the next slice of the same row group, within a bound. */
class CachedFile implements AsyncBuffer {
  private readonly kept = new Map<string, ArrayBuffer>();
  private keptBytes = 0;

  constructor(
    private readonly file: FileHandle,
    readonly byteLength: number,
    private readonly maxBytes: number,
  ) {}

  forget(): void {
    this.kept.clear();
    this.keptBytes = 0;
  }

  async slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const key = `${start}-${end}`;
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const length = end - start;
    if (!(start >= 0 && length >= 0 && end <= this.byteLength))
      throw unreadable('the Parquet file is cut or damaged: a part of it lies beyond its end');
    if (length > this.maxBytes)
      throw unreadable(
        `a column of a row group has ${length} bytes; at most ${this.maxBytes} are read at once. Write the file with smaller row groups`,
      );
    const bytes = await readExactly(this.file, start, length);
    if (bytes === undefined) throw unreadable('the Parquet file became shorter while it was read');
    if (this.keptBytes + length <= this.maxBytes) {
      this.kept.set(key, bytes.buffer);
      this.keptBytes += length;
    }
    return bytes.buffer;
  }
}

/** What goes wrong inside the library is a fault of the file. */
async function attempt<T>(what: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw unreadable(`the Parquet file cannot be read: ${what}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
