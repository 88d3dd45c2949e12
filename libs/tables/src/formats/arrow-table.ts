import type { FileHandle } from 'node:fs/promises';
import { SlipwayError } from '@slipway/contracts';
import { type Table as ArrowData, type Batch, CompressionType, setCompressionCodec, tableFromIPC } from '@uwdata/flechette';
import { checkWidth, packedFactor, type RowBatch, type Table, type TableLimits, type TableRow, unreadable } from '../table.js';
import { type ArrowMessage, arrowMessages, readMessage } from './arrow-messages.js';
import { type Codec, expand } from './expand.js';

/** Rows handed on at once. */
const batchRows = 2_048;
const maxBatchRows = 2 ** 24;
/** Compressed parts of a message expand at most to this. The library keeps its codecs for the whole process, so it is one bound for all. */
const maxExpandedBytes = 256 * 1024 * 1024;

for (const [type, codec] of [
  [CompressionType.LZ4_FRAME, 'LZ4_FRAME'],
  [CompressionType.ZSTD, 'ZSTD'],
] as const satisfies readonly (readonly [number, Codec])[]) {
  setCompressionCodec(type, { decode: (bytes, expandedBytes) => expand(codec, bytes, expandedBytes, maxExpandedBytes), encode: refuseToEncode });
}

function refuseToEncode(): never {
  throw new Error('tables are only read here');
}

/** Reads an Arrow IPC file or stream, one record batch after the other; dictionaries stay in memory, within a bound. */
export async function openArrow(file: FileHandle, limits: TableLimits): Promise<Table> {
  const { size } = await file.stat();
  const maxBytes = packedFactor * limits.maxRowBytes;
  const schema = await readSchema(file, size, limits);
  const names = attempt('its schema', () => tableFromIPC([schema])).schema.fields.map((field) => field.name);
  checkWidth(names.length, limits);
  if (names.length === 0) throw unreadable('expected a file with columns; this one has none');

  async function* rows(from: { readonly row: number } = { row: 0 }, wanted?: ReadonlySet<string>): AsyncGenerator<RowBatch, void> {
    const dictionaries: Uint8Array[] = [];
    let dictionaryBytes = 0;
    let start = 0;
    for await (const message of arrowMessages(file, size, limits.maxRowBytes)) {
      if (message.kind === 'dictionary') {
        dictionaryBytes += message.bytes;
        if (dictionaryBytes > maxBytes) throw unreadable(`the dictionaries of the Arrow file have more than ${maxBytes} bytes`);
        dictionaries.push(await readMessage(file, message, maxBytes));
      }
      if (message.kind !== 'batch') continue;
      checkRows(message);
      const end = start + message.rows;
      if (end > from.row) {
        const bytes = await readMessage(file, message, maxBytes);
        const data = attempt('a record batch', () => tableFromIPC([schema, ...dictionaries, bytes], { useDate: true, useBigInt: true }));
        yield* inBatches(data, { start, end, from: Math.max(start, from.row), wanted });
      }
      start = end;
    }
  }
  return { head: { kind: 'columns', names }, rowsTotal: undefined, rows, close: () => file.close() };
}

async function readSchema(file: FileHandle, size: number, limits: TableLimits): Promise<Uint8Array> {
  for await (const message of arrowMessages(file, size, limits.maxRowBytes)) {
    if (message.kind === 'schema') return readMessage(file, message, packedFactor * limits.maxRowBytes);
    break;
  }
  throw damaged('it does not begin with its schema');
}

/** A batch of nulls alone, or a compressed one, may announce any number of rows in a few bytes. */
function checkRows({ rows }: ArrowMessage): void {
  if (!(rows >= 0 && rows <= maxBatchRows))
    throw unreadable(`a record batch of the Arrow file has ${rows} rows; at most ${maxBatchRows} are read at once`);
}

function* inBatches(
  data: ArrowData,
  at: { readonly start: number; readonly end: number; readonly from: number; readonly wanted: ReadonlySet<string> | undefined },
): Generator<RowBatch, void> {
  const columns = data.names.map((name, index) => (at.wanted?.has(String(name)) === false ? undefined : data.getChildAt(index)));
  for (const column of columns) {
    if (column === undefined) continue;
    if (column.length !== at.end - at.start) throw damaged('a column does not have as many values as its batch has rows');
    for (const batch of column.data) checkLists(batch);
  }
  for (let first = at.from; first < at.end; first += batchRows) {
    const last = Math.min(first + batchRows, at.end);
    const rows = attempt('a record batch', () => {
      const found: TableRow[] = [];
      for (let row = first; row < last; row += 1) found.push({ kind: 'cells', cells: columns.map((column) => column?.at(row - at.start)) });
      return found;
    });
    yield { rows, start: first };
  }
}

/** The library believes the lengths of lists; one that lies would have it gather values that are not there. */
function checkLists(batch: Batch<unknown>): void {
  const { children, length, offsets, sizes, type } = batch;
  if (children === undefined) return;
  for (const child of children) checkLists(child);
  const [child] = children;
  if (child === undefined) return;
  const stride: unknown = Reflect.get(type, 'stride');
  if (typeof stride === 'number' && stride * length > child.length) throw damaged('lists reach beyond their values');
  if (offsets === undefined || offsets === null) return;
  let end = 0;
  for (let index = 0; index < length; index++) {
    const from = Number(offsets[index]);
    const to = sizes === undefined || sizes === null ? Number(offsets[index + 1]) : from + Number(sizes[index]);
    if (!(from >= 0 && to >= from && to <= child.length)) throw damaged('lists reach beyond their values');
    if (sizes === undefined && from < end) throw damaged('lists overlap');
    end = to;
  }
}

function damaged(how: string): SlipwayError {
  return unreadable(`the Arrow file is damaged: ${how}`);
}

/** What goes wrong inside the library is a fault of the file. */
function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw unreadable(`the Arrow file cannot be read: ${what}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
