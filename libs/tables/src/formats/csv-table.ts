import type { FileHandle } from 'node:fs/promises';
import { CsvError, type Parser, parse } from 'csv-parse';
import { checkWidth, type RowBatch, type Table, type TableHead, type TableLimits, type TablePosition, unreadable } from '../table.js';
import { filePieces } from './file-pieces.js';

export interface CsvOptions {
  /** Whether the first line names the columns. */
  readonly header: boolean;
  /** Recognised in the first line when it is not said. */
  readonly delimiter?: string | undefined;
}

interface CsvRecord {
  readonly cells: readonly string[];
  /** Bytes of the file up to its end. */
  readonly end: number;
}

/** Reads a CSV file (RFC 4180, UTF-8; a byte-order mark, other line ends and loose quotes are taken) from front to back. */
export async function openCsv(file: FileHandle, options: CsvOptions, limits: TableLimits): Promise<Table> {
  const delimiter = options.delimiter ?? guessDelimiter(await firstLine(file, limits));
  const first = await firstRecord(file, delimiter, limits);
  if (first === undefined) throw unreadable('expected a file with rows; this one has none');
  checkWidth(first.cells.length, limits);
  const head = headOf(first.cells, options);
  const begin: TablePosition = { row: 0, offset: options.header ? first.end : 0 };
  return {
    head,
    rowsTotal: undefined,
    rows: (from = begin) => readRows(file, { delimiter, limits, from: from.row === 0 ? begin : from, width: first.cells.length }),
    close: () => file.close(),
  };
}

function headOf(first: readonly string[], { header }: CsvOptions): TableHead {
  if (!header) return { kind: 'columns', names: first.map((_, index) => `column${index + 1}`) };
  if (first.every((cell) => cell.trim() !== '' && !Number.isNaN(Number(cell)))) {
    const shown = first.slice(0, 3).join(', ');
    throw unreadable(
      `expected the names of the columns in the first line; given numbers (${shown}${first.length > 3 ? ', …' : ''}). Say "header": false for a file without names`,
    );
  }
  return { kind: 'columns', names: first.map((cell) => cell.trim()) };
}

async function* readRows(
  file: FileHandle,
  how: { readonly delimiter: string; readonly limits: TableLimits; readonly from: TablePosition; readonly width: number },
): AsyncGenerator<RowBatch, void> {
  let start = how.from.row;
  for await (const records of readRecords(file, how.from.offset ?? 0, how.delimiter, how.limits, start + 1)) {
    if (records.length === 0) continue;
    yield { rows: records.map(({ cells }) => toRow(cells, how.width)), start, ends: records.map((record) => record.end) };
    start += records.length;
  }
}

function toRow(cells: readonly string[], width: number): RowBatch['rows'][number] {
  if (cells.length === width) return { kind: 'cells', cells };
  return { kind: 'fault', expected: `${width} cells`, given: String(cells.length) };
}

/**
 * The records behind an offset, in groups of those that one piece of the file completed.
 * @param isHead only the first one is wanted, and nothing behind it is looked at.
 */
async function* readRecords(
  file: FileHandle,
  offset: number,
  delimiter: string,
  limits: TableLimits,
  firstRow: number,
  isHead = false,
): AsyncGenerator<CsvRecord[], void> {
  let records: CsvRecord[] = [];
  let failure: unknown;
  const parser = parse({
    bom: offset === 0,
    delimiter,
    // Stated, because the parser would otherwise learn it from the place where it begins, which differs after a restart.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: limits.maxRowBytes,
    ...(isHead ? { to: 1 } : {}),
    on_record: (cells: string[], { bytes }) => {
      records.push({ cells, end: offset + bytes });
      return null;
    },
  });
  parser.on('error', (error) => {
    failure ??= error;
  });
  parser.resume();
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let row = firstRow;
  let at = offset;
  const take = (): CsvRecord[] => {
    if (failure !== undefined) throw csvFailure(failure, row + records.length, limits);
    const taken = records;
    records = [];
    row += taken.length;
    return taken;
  };
  try {
    for await (const piece of filePieces(file, offset)) {
      if (!isHead) checkUtf8(utf8, piece, at);
      at += piece.length;
      await write(parser, piece);
      yield take();
    }
    await end(parser);
    yield take();
  } finally {
    parser.destroy();
  }
}

function write(parser: Parser, piece: Buffer): Promise<void> {
  return new Promise((resolve) => parser.write(piece, () => resolve()));
}

function end(parser: Parser): Promise<void> {
  return new Promise((resolve) => {
    parser.once('close', resolve);
    parser.end(() => resolve());
  });
}

function checkUtf8(decoder: InstanceType<typeof TextDecoder>, piece: Buffer, at: number): void {
  try {
    decoder.decode(piece, { stream: true });
  } catch (error) {
    throw unreadable(`expected UTF-8 text; there are other bytes behind byte ${at}`, error);
  }
}

function csvFailure(error: unknown, row: number, limits: TableLimits): Error {
  const code = error instanceof CsvError ? error.code : undefined;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return unreadable(`row ${row}: a quote is opened and never closed`, error);
  if (code === 'CSV_MAX_RECORD_SIZE') return unreadable(`row ${row}: expected at most ${limits.maxRowBytes} bytes; is a quote not closed?`, error);
  return unreadable(`row ${row}: ${error instanceof Error ? error.message : String(error)}`, error);
}

async function firstRecord(file: FileHandle, delimiter: string, limits: TableLimits): Promise<CsvRecord | undefined> {
  for await (const [first] of readRecords(file, 0, delimiter, limits, 1, true)) if (first !== undefined) return first;
  return undefined;
}

async function firstLine(file: FileHandle, limits: TableLimits): Promise<string> {
  let text = '';
  for await (const piece of filePieces(file, 0)) {
    text += piece.toString('latin1');
    const line = /^[^\r\n]*[\r\n]/.exec(text.trimStart());
    if (line !== null) return line[0];
    if (text.length > limits.maxRowBytes) break;
  }
  return text;
}

/** The one of the usual delimiters that is there most often outside quotes; a comma when none is. */
export function guessDelimiter(line: string): string {
  const unquoted = line.replaceAll(/"[^"]*"/g, '');
  const counts = [',', ';', '\t', '|'].map((delimiter) => ({ delimiter, count: unquoted.split(delimiter).length - 1 }));
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).delimiter;
}
