import type { ColumnLayout } from '@slipway/contracts';
import type { ColumnValues } from '../profiles/index.js';

/** Whole numbers of no more values than these are names, not sizes: codes, flags, ratings. */
const distinctMost = 20;
/** Rows per value below which few values may be chance. */
const rowsPerValue = 10;

/**
 * Which columns of numbers are better counted value by value: those of few different whole numbers. Scores, summaries and what a regression
 * predicts stay numbers whatever they look like.
 */
export function guessKinds(columns: readonly ColumnLayout[], valuesOf: (index: number) => ColumnValues | undefined): ColumnLayout[] {
  return columns.map((column, index) => {
    const values = valuesOf(index);
    if (column.kind !== 'numeric' || column.summary !== undefined || column.name.startsWith('@')) return column;
    if (!(values instanceof Float64Array) || !areCodes(values)) return column;
    return { ...column, kind: 'categorical', categories: [] };
  });
}

function areCodes(values: Float64Array): boolean {
  const seen = new Set<number>();
  let present = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    if (!Number.isSafeInteger(value)) return false;
    present += 1;
    seen.add(value);
    if (seen.size > distinctMost) return false;
  }
  return seen.size > 0 && present >= rowsPerValue * seen.size;
}
