import type { ColumnCounts, Profile, ProfileLayout } from '@slipway/contracts';
import type { ColumnValues } from './build-layout.js';
import { CategoryCounter, NumericCounter } from './column-counters.js';
import { emptyCounts } from './merge-profiles.js';

/**
 * The profile of values that lie column by column, as those of a reference do: counted by the very code that counts live rows. A column without
 * values counts nothing. FP32 values are expected rounded as their tensor rounds them (`Math.fround`), else the largest may lie above its edge.
 */
export function countColumns(layout: ProfileLayout, rows: number, valuesOf: (index: number) => ColumnValues | undefined): Profile {
  const columns = layout.columns.map((column, index): ColumnCounts => {
    const values = valuesOf(index);
    if (column.kind === 'categorical') {
      const counter = new CategoryCounter(column);
      if (values instanceof Float64Array) counter.foldNumbers(values, 0, 1, values.length, 0);
      else if (values !== undefined) counter.foldTexts(values, 0, 1, values.length, 0);
      return counter.toCounts();
    }
    if (!(values instanceof Float64Array)) return emptyCounts(column.edges === undefined ? 0 : column.edges.length + 1);
    const counter = new NumericCounter(column);
    counter.fold(values, 0, 1, values.length, 0);
    return counter.toCounts();
  });
  return { layout: layout.id, rows, columns };
}
