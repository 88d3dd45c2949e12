import { type Distance, emptySide, measured, rowsOf, unmeasured } from './distance.js';

export interface StabilityOptions {
  /** Added to every bin of both sides before dividing, so that empty bins stay finite; 0 leaves the table as it is. */
  readonly pseudoCount?: number | undefined;
  /** Instead of a pseudo-count: the share that an empty bin is taken to have, the others unchanged (as NannyML and others do). */
  readonly floor?: number | undefined;
}

/**
 * Population stability index Σ (q − p)·ln(q/p) of a window against a reference in the same bins (`monitoring.md` 6.1); symmetric, 0 when equal,
 * unbounded. Its value depends on how empty bins are filled: here by half a row in every bin of both sides unless told otherwise. Unfilled, a
 * bin that only one side has leaves it undefined.
 */
export function populationStabilityIndex(
  reference: readonly number[],
  window: readonly number[],
  { pseudoCount = 0.5, floor }: StabilityOptions = {},
): Distance {
  const rows = rowsOf(reference, window);
  const empty = emptySide(rows);
  if (empty !== undefined) return empty;
  const added = floor === undefined ? pseudoCount : 0;
  const [n, m] = [rows.n + added * reference.length, rows.m + added * window.length];
  let sum = 0;
  for (const [bin, count] of reference.entries()) {
    const p = filled((count + added) / n, floor);
    const q = filled(((window[bin] ?? 0) + added) / m, floor);
    if (p === q) continue;
    if (p === 0 || q === 0) return unmeasured('undefined', `bin ${bin} is empty on one side only, so the index is infinite`, rows);
    sum += (q - p) * Math.log(q / p);
  }
  return measured(Math.max(0, sum), rows);
}

/**
 * What the index averages without drift: (B − 1)(1/n + 1/m), since PSI/(1/n + 1/m) follows χ² with B − 1 degrees of freedom (B. Yurdakul,
 * "Statistical properties of PSI", 2018). Both sides count: a fixed reference is one draw too.
 */
export function stabilityNoise(bins: number, n: number, m: number): number {
  return Math.max(0, bins - 1) * (1 / n + 1 / m);
}

function filled(share: number, floor: number | undefined): number {
  return floor !== undefined && share === 0 ? floor : share;
}
