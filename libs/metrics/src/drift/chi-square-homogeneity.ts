import { type DistanceTest, emptySide, rowsOf, unmeasured } from './distance.js';
import { chiSquareTail } from './gamma-tail.js';

/** Fewer expected rows than this in a cell leave the χ² law a poor fit (W. Cochran, 1954). */
const fewestExpected = 5;

export interface HomogeneityOptions {
  /** Joins all categories in which either side expects fewer than 5 rows into one; on unless switched off. */
  readonly pool?: boolean | undefined;
  /** Yates' correction of 2 × 2 tables, as scipy does by default; off unless asked for. */
  readonly yates?: boolean | undefined;
}

export interface HomogeneityTest extends DistanceTest {
  readonly df: number;
  /** Effect size 0 to 1: √(X²/(n + m)) for two rows (H. Cramér, 1946). */
  readonly cramersV: number | null;
}

/**
 * χ² test that reference and window are draws of one distribution over K categories (`monitoring.md` 6.5): 2 × K table, `value` is X². The
 * reference counts as the sample that it is; testing against its shares as if they were exact is anti-conservative for small ones.
 */
export function chiSquareHomogeneity(
  reference: readonly number[],
  window: readonly number[],
  { pool = true, yates = false }: HomogeneityOptions = {},
): HomogeneityTest {
  const rows = rowsOf(reference, window);
  const empty = emptySide(rows);
  if (empty !== undefined) return { ...empty, p: null, df: 0, cramersV: null };
  const columns = columnsOf(reference, window, pool ? (fewestExpected * (rows.n + rows.m)) / Math.min(rows.n, rows.m) : 0);
  const df = columns.length - 1;
  if (df < 1) return { ...unmeasured('undefined', 'fewer than two categories are left to compare', rows), p: null, df: 0, cramersV: null };
  const total = rows.n + rows.m;
  const shift = yates && df === 1 ? 0.5 : 0;
  let statistic = 0;
  for (const [first, second] of columns) {
    for (const [seen, side] of [
      [first, rows.n],
      [second, rows.m],
    ] as const) {
      const expected = (side * (first + second)) / total;
      statistic += Math.max(0, Math.abs(seen - expected) - shift) ** 2 / expected;
    }
  }
  return { value: statistic, ...rows, status: 'ok', p: chiSquareTail(statistic, df), df, cramersV: Math.min(1, Math.sqrt(statistic / total)) };
}

/** Columns of the table, those whose sum is below `fewest` as one. */
function columnsOf(reference: readonly number[], window: readonly number[], fewest: number): [number, number][] {
  const columns: [number, number][] = [];
  const other: [number, number] = [0, 0];
  for (const [bin, first] of reference.entries()) {
    const second = window[bin] ?? 0;
    if (first + second === 0) continue;
    if (first + second >= fewest) columns.push([first, second]);
    else {
      other[0] += first;
      other[1] += second;
    }
  }
  if (other[0] + other[1] > 0) columns.push(other);
  return columns;
}
