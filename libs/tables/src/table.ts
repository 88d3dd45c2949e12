import { SlipwayError } from '@slipway/contracts';

/** What is known of a table's columns before its rows are read. */
export type TableHead =
  /** Every row has a cell for each of these names, in this order. */
  | { readonly kind: 'columns'; readonly names: readonly string[] }
  /** Every row names its values; these are the names in the first row. */
  | { readonly kind: 'objects'; readonly names: readonly string[] }
  /** Every row is a value without a name. */
  | { readonly kind: 'values' };

/** A row as its file has it. A fault makes the row bad, not the file. */
export type TableRow =
  | { readonly kind: 'cells'; readonly cells: readonly unknown[] }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly expected: string; readonly given: string };

/** A place between two rows of a file. */
export interface TablePosition {
  /** Rows before it. */
  readonly row: number;
  /** Bytes before it, for files that are read from front to back. */
  readonly offset?: number | undefined;
}

export interface RowBatch {
  readonly rows: readonly TableRow[];
  /** Rows before the first of them. */
  readonly start: number;
  /** Bytes of the file up to the end of each row, for files that are read from front to back. */
  readonly ends?: readonly number[];
}

/** The place behind a row of a batch. */
export function positionAfter(batch: RowBatch, index: number): TablePosition {
  const row = batch.start + index + 1;
  const offset = batch.ends?.[index];
  return offset === undefined ? { row } : { row, offset };
}

/** A table in a file. Reading holds a bounded part of it in memory. All methods throw TABLE_UNREADABLE where the file as a whole cannot be read on. */
export interface Table {
  readonly head: TableHead;
  /** Undefined where only reading to the end would tell. */
  readonly rowsTotal: number | undefined;
  /**
   * The rows behind a position that an earlier reading gave; without one, all rows.
   * @param wanted names of columns whose cells matter; where leaving out others saves work, their cells are undefined.
   */
  rows(from?: TablePosition, wanted?: ReadonlySet<string>): AsyncGenerator<RowBatch, void>;
  close(): Promise<void>;
}

export interface TableLimits {
  readonly maxColumns: number;
  /** One row as text, or one record batch or page where the format packs many rows together: 16 of these. */
  readonly maxRowBytes: number;
}

/** A file that cannot be read as the table it says it is. The message is a sentence for the sender. */
export function unreadable(message: string, cause?: unknown): SlipwayError {
  return new SlipwayError('TABLE_UNREADABLE', message, cause === undefined ? {} : { cause });
}

/** Packed parts of a file (a page, a record batch) may be this many times as large as a row. */
export const packedFactor = 16;

/** Refuses tables that are too wide. */
export function checkWidth(count: number, limits: TableLimits): void {
  if (count > limits.maxColumns) throw unreadable(`expected at most ${limits.maxColumns} columns; the file has ${count}`);
}
