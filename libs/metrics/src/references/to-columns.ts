import type { ProfileLayout } from '@slipway/contracts';
import type { ColumnValues } from '../profiles/index.js';

/** A row as the columns of a layout have it, numbers and texts apart, each in the order of the layout. */
export interface ColumnRow {
  readonly numbers: Float64Array;
  readonly texts: readonly string[];
}

/** Rows turned into columns, by the places of the layout. */
export function toColumns({ columns }: ProfileLayout, rows: readonly ColumnRow[]): ColumnValues[] {
  const next = { numeric: 0, categorical: 0 };
  return columns.map(({ kind }): ColumnValues => {
    const at = next[kind]++;
    return kind === 'numeric' ? Float64Array.from(rows, ({ numbers }) => numbers[at] ?? Number.NaN) : rows.map(({ texts }) => texts[at] ?? '');
  });
}
