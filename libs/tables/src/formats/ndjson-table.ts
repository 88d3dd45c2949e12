import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { checkWidth, type RowBatch, type Table, type TableHead, type TableLimits, type TablePosition, type TableRow, unreadable } from '../table.js';
import { filePieces } from './file-pieces.js';
import { parseLine } from './parse-line.js';

const newline = 0x0a;
const begin: TablePosition = { row: 0, offset: 0 };

/** Reads a file with one JSON value per line (NDJSON, JSON Lines). */
export async function openNdjson(file: FileHandle, limits: TableLimits): Promise<Table> {
  const first = await firstValue(file, limits);
  return { head: headOf(first, limits), rowsTotal: undefined, rows: (from = begin) => readRows(file, from, limits), close: () => file.close() };
}

function headOf(first: unknown, limits: TableLimits): TableHead {
  if (typeof first !== 'object' || first === null || Array.isArray(first)) return { kind: 'values' };
  const names = Object.keys(first);
  checkWidth(names.length, limits);
  return { kind: 'objects', names };
}

/** The first line decides what all lines are, so it must be readable. */
async function firstValue(file: FileHandle, limits: TableLimits): Promise<unknown> {
  for await (const { rows } of readRows(file, begin, limits)) {
    const [first] = rows;
    if (first?.kind === 'value') return first.value;
    if (first?.kind === 'fault') throw unreadable(`the first line: expected ${first.expected}; given ${first.given}`);
  }
  throw unreadable('expected a file with rows; this one has none');
}

async function* readRows(file: FileHandle, from: TablePosition, limits: TableLimits): AsyncGenerator<RowBatch, void> {
  let start = from.row;
  const lines = new LineSplitter(from.offset ?? 0, limits.maxRowBytes);
  const batch = (found: readonly Line[]): RowBatch => {
    const rows: TableRow[] = [];
    const ends: number[] = [];
    for (const line of found) {
      const row = rowOf(line, limits);
      if (row === undefined) continue;
      rows.push(row);
      ends.push(line.end);
    }
    start += rows.length;
    return { rows, ends, start: start - rows.length };
  };
  for await (const piece of filePieces(file, from.offset ?? 0)) yield batch(lines.push(piece));
  yield batch(lines.finish());
}

interface Line {
  /** Undefined for a line over the limit. */
  readonly bytes: Buffer | undefined;
  readonly end: number;
}

/** Undefined for an empty line. */
function rowOf({ bytes }: Line, limits: TableLimits): TableRow | undefined {
  if (bytes === undefined) return { kind: 'fault', expected: `at most ${limits.maxRowBytes} bytes`, given: 'a longer line' };
  if (!isUtf8(bytes)) return { kind: 'fault', expected: 'UTF-8 text', given: 'other bytes' };
  const text = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trim();
  if (text === '') return undefined;
  const parsed = parseLine(text);
  return parsed.ok ? { kind: 'value', value: parsed.value } : { kind: 'fault', expected: 'one JSON value', given: parsed.given };
}

/** Cuts pieces of a file into lines. A line over the limit is dropped and only its end remembered. */
class LineSplitter {
  private held: Buffer[] = [];
  private heldBytes = 0;
  private isTooLong = false;

  constructor(
    private at: number,
    private readonly maxBytes: number,
  ) {}

  push(piece: Buffer): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline, start)) {
      this.hold(piece.subarray(start, end));
      lines.push(this.take(this.at + end + 1));
      start = end + 1;
    }
    this.hold(piece.subarray(start));
    this.at += piece.length;
    return lines;
  }

  /** The last line, where the file does not end with a line end. */
  finish(): Line[] {
    return this.heldBytes === 0 && !this.isTooLong ? [] : [this.take(this.at)];
  }

  private hold(part: Buffer): void {
    if (this.isTooLong || part.length === 0) return;
    this.heldBytes += part.length;
    this.held.push(part);
    if (this.heldBytes <= this.maxBytes) return;
    this.isTooLong = true;
    this.held = [];
  }

  private take(end: number): Line {
    const [only] = this.held;
    const joined = this.held.length === 1 && only !== undefined ? only : Buffer.concat(this.held);
    const line = { bytes: this.isTooLong ? undefined : joined, end };
    this.held = [];
    this.heldBytes = 0;
    this.isTooLong = false;
    return line;
  }
}
