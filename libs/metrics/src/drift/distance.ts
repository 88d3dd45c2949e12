/**
 * What every comparison of a reference (n rows) with a window (m rows) gives back. `insufficient`: a side without rows; `undefined`: the
 * question has no answer (one category, a division by nothing). `value` is null unless the status is `ok`, and never NaN.
 */
export interface Distance {
  readonly value: number | null;
  readonly n: number;
  readonly m: number;
  readonly status: 'ok' | 'insufficient' | 'undefined';
  readonly reason?: string;
}

/** A distance with the chance of one as large when both sides are draws of one distribution. */
export interface DistanceTest extends Distance {
  readonly p: number | null;
}

/** A distance that could be measured. */
export function measured(value: number, { n, m }: Rows): Distance {
  return { value, n, m, status: 'ok' };
}

/** One that could not. */
export function unmeasured(status: 'insufficient' | 'undefined', reason: string, { n, m }: Rows): Distance {
  return { value: null, n, m, status, reason };
}

export interface Rows {
  readonly n: number;
  readonly m: number;
}

/**
 * Rows on both sides of a table of bins.
 * @throws RangeError unless both sides have as many bins and every count is finite and ≥ 0.
 */
export function rowsOf(reference: readonly number[], window: readonly number[]): Rows {
  if (reference.length !== window.length)
    throw new RangeError(`expected as many bins in the window as in the reference (${reference.length}), given ${window.length}`);
  return { n: sumOfCounts(reference), m: sumOfCounts(window) };
}

/** Why nothing can be said of sides with so few rows; undefined where something can. */
export function emptySide(rows: Rows): Distance | undefined {
  if (rows.n > 0 && rows.m > 0) return undefined;
  return unmeasured('insufficient', rows.n > 0 ? 'the window has no rows' : 'the reference has no rows', rows);
}

/** Both sides as shares of one. */
export function sharesOf(counts: readonly number[], total: number): number[] {
  return counts.map((count) => count / total);
}

function sumOfCounts(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) {
    if (!(count >= 0 && Number.isFinite(count))) throw new RangeError(`expected counts that are finite and not negative, given ${count}`);
    sum += count;
  }
  return sum;
}
