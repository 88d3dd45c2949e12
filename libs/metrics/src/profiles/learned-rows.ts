import type { ColumnValues } from './build-layout.js';
import { ByteReader, ByteWriter } from './byte-io.js';

/** Some rows as they were, by the columns of a layout: NaN and empty texts are missing. Row i of each column belongs to row i of the others. */
export interface LearnedRows {
  readonly layoutId: string;
  readonly rows: number;
  readonly columns: readonly ColumnValues[];
}

/** What sealed rows are bound to, so that a piece of another version or source does not open in their place. */
export function learnedRowsPurpose({ versionId, source, sequence }: { versionId: string; source: string; sequence: number }): string {
  return `first rows ${versionId} ${source}#${sequence}`;
}

const version = 1;
const columnsMax = 100_000;
const rowsMax = 1_000_000;
const kinds = { numbers: 0, texts: 1 } as const;

export function encodeLearnedRows({ layoutId, rows, columns }: LearnedRows): Buffer {
  const to = new ByteWriter();
  to.byte(version);
  to.bytes(Buffer.from(layoutId, 'utf8'));
  to.whole(rows);
  to.whole(columns.length);
  for (const values of columns) {
    const areNumbers = values instanceof Float64Array;
    to.byte(areNumbers ? kinds.numbers : kinds.texts);
    if (areNumbers) for (const value of values) to.double(value);
    else for (const value of values) to.bytes(Buffer.from(value, 'utf8'));
  }
  return to.toBuffer();
}

/** @throws RangeError for bytes that are no learned rows */
export function decodeLearnedRows(bytes: Uint8Array): LearnedRows {
  const from = new ByteReader(bytes);
  const given = from.byte();
  if (given !== version) throw new RangeError(`expected learned rows of version ${version}, given ${given}`);
  const layoutId = Buffer.from(from.bytes()).toString('utf8');
  const [rows, count] = [from.whole(), from.whole()];
  if (rows > rowsMax || count > columnsMax) throw new RangeError(`${rows} rows of ${count} columns; at most ${rowsMax} of ${columnsMax} are read`);
  const columns: ColumnValues[] = [];
  for (let index = 0; index < count; index++) columns.push(readColumn(from, rows));
  return { layoutId, rows, columns };
}

/** Rows of one layout, one behind the other. */
export function joinLearnedRows(parts: readonly LearnedRows[]): readonly ColumnValues[] {
  const [first] = parts;
  return (first?.columns ?? []).map((one, index) => {
    const own = parts.map(({ columns }) => columns[index] ?? []);
    if (!(one instanceof Float64Array)) return own.flatMap((values) => (values instanceof Float64Array ? [] : values));
    return Float64Array.from(own.flatMap((values) => (values instanceof Float64Array ? [...values] : [])));
  });
}

function readColumn(from: ByteReader, rows: number): ColumnValues {
  if (from.byte() === kinds.texts) {
    const texts: string[] = [];
    for (let row = 0; row < rows; row++) texts.push(Buffer.from(from.bytes()).toString('utf8'));
    return texts;
  }
  from.expect(rows * 8);
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) numbers[row] = from.double();
  return numbers;
}
