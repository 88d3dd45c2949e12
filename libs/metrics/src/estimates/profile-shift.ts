import type { ColumnCounts } from '@slipway/contracts';
import { normalQuantile, normalShare } from './normal-law.js';

/** A column counted in the reference and in a window, in the same bins. */
export interface ShiftedColumn {
  readonly name: string;
  readonly reference: ColumnCounts;
  readonly window: ColumnCounts;
}

/** How far a window's columns have moved, for judging whether rows of it can be told from those of the reference. */
export interface ProfileShift {
  /** Sum over the columns of the squared distance at which each alone separates the sides, without noise; 0 when they do not. */
  readonly sum: number;
  /** That of the column that separates them best. */
  readonly most: number;
  readonly column: string | null;
}

/** Added to every bin of both sides. */
const pseudoCount = 0.5;
/** Separation at which any two sides are apart: an area of 0.99998. */
const distanceMost = 6;

/**
 * The shift of each column as one number: the best ordering of its bins tells the sides apart with an area A under the ROC curve, which is that
 * of two normal laws at the distance d = √2·Φ⁻¹(A). Squares of distances add up over columns that do not hang together. From d² is taken what
 * drawing alone makes, (B−1)(1/n+1/m), as for the PSI, which d² is for small shifts.
 */
export function profileShift(columns: readonly ShiftedColumn[]): ProfileShift {
  let shift: ProfileShift = { sum: 0, most: 0, column: null };
  for (const { name, reference, window } of columns) {
    const squared = squaredDistance(reference, window);
    if (squared === undefined) continue;
    shift = squared > shift.most ? { sum: shift.sum + squared, most: squared, column: name } : { ...shift, sum: shift.sum + squared };
  }
  return { ...shift, sum: Math.max(0, shift.sum) };
}

/**
 * The area under the ROC curve that a classifier of rows would reach, by the profile alone.
 * @param independence how far squares of distances add up: 1 all, 0 only the largest; measured when a reference is made
 */
export function domainAucOfProfile({ sum, most }: ProfileShift, independence: number): number {
  const squared = most + independence * Math.max(0, sum - most);
  return normalShare(Math.min(distanceMost, Math.sqrt(squared)) / Math.SQRT2);
}

function squaredDistance(reference: ColumnCounts, window: ColumnCounts): number | undefined {
  const [before, after] = [cellsOf(reference), cellsOf(window)];
  const [n, m] = [reference.n, window.n];
  if (n === 0 || m === 0 || before.length !== after.length) return undefined;
  // Bins that neither side has say nothing and would only add noise that is not there.
  const used = [...before.keys()].filter((bin) => (before[bin] ?? 0) + (after[bin] ?? 0) > 0);
  const shares = used
    .map((bin) => ({
      p: ((before[bin] ?? 0) + pseudoCount) / (n + pseudoCount * used.length),
      q: ((after[bin] ?? 0) + pseudoCount) / (m + pseudoCount * used.length),
    }))
    .sort((a, b) => b.q / b.p - a.q / a.p);
  let [area, reached] = [0, 0];
  for (const { p, q } of shares) {
    area += p * (reached + q / 2);
    reached += q;
  }
  const distance = Math.min(distanceMost, Math.SQRT2 * normalQuantile(Math.min(1 - 1e-9, area)));
  return distance * distance - (used.length - 1) * (1 / n + 1 / m);
}

/** Bins, then what is in none. */
function cellsOf({ bins, missing, infinite }: ColumnCounts): number[] {
  return [...bins, missing, infinite];
}

/** Share of a column's values that its reference has never seen: outside of its bounds, infinite, or of no category it knows. */
export function outOfRangeShare(kind: 'numeric' | 'categorical', reference: ColumnCounts, window: ColumnCounts): number | undefined {
  const present = window.n - window.missing;
  if (present <= 0 || window.bins.length === 0) return undefined;
  const outside = kind === 'numeric' ? (window.bins[0] ?? 0) + (window.bins.at(-1) ?? 0) + window.infinite : (window.bins.at(-1) ?? 0);
  // A reference that itself has values without a bin (rare categories) knows that there are such.
  const before = reference.n - reference.missing;
  const known = kind === 'categorical' && before > 0 ? (reference.bins.at(-1) ?? 0) / before : 0;
  return Math.max(0, outside / present - known);
}
