import { type Distance, emptySide, measured, rowsOf, sharesOf } from './distance.js';

/**
 * Jensen–Shannon distance √(½KL(P‖M) + ½KL(Q‖M)) of two tables of counts. Base 2, so 0 to 1, unless base e is asked for (0 to 0.8326): Evidently
 * uses e, NannyML and most texts 2, and the same "0.1" means different things. Empty bins need no filling (0·ln 0 = 0).
 */
export function jensenShannonDistance(reference: readonly number[], window: readonly number[], base: 2 | 'e' = 2): Distance {
  return between(reference, window, (p, q) => {
    let divergence = 0;
    for (const [bin, share] of p.entries()) {
      const other = q[bin] ?? 0;
      const middle = (share + other) / 2;
      if (share > 0) divergence += (share * Math.log(share / middle)) / 2;
      if (other > 0) divergence += (other * Math.log(other / middle)) / 2;
    }
    return Math.sqrt(Math.max(0, divergence) / (base === 2 ? Math.LN2 : 1));
  });
}

/** Hellinger distance √(½ Σ (√p − √q)²), 0 to 1. */
export function hellingerDistance(reference: readonly number[], window: readonly number[]): Distance {
  return between(reference, window, (p, q) => Math.min(1, Math.sqrt(sumOver(p, q, (a, b) => (Math.sqrt(a) - Math.sqrt(b)) ** 2) / 2)));
}

/** Total variation distance ½ Σ |p − q|, 0 to 1: the share of rows that would have to change bins. */
export function totalVariation(reference: readonly number[], window: readonly number[]): Distance {
  return between(reference, window, (p, q) => Math.min(1, sumOver(p, q, (a, b) => Math.abs(a - b)) / 2));
}

/** L∞ distance max |p − q|: the largest change of one bin's share. */
export function largestShareChange(reference: readonly number[], window: readonly number[]): Distance {
  return between(reference, window, (p, q) => p.reduce((most, share, bin) => Math.max(most, Math.abs(share - (q[bin] ?? 0))), 0));
}

function between(
  reference: readonly number[],
  window: readonly number[],
  distance: (p: readonly number[], q: readonly number[]) => number,
): Distance {
  const rows = rowsOf(reference, window);
  return emptySide(rows) ?? measured(distance(sharesOf(reference, rows.n), sharesOf(window, rows.m)), rows);
}

function sumOver(p: readonly number[], q: readonly number[], term: (a: number, b: number) => number): number {
  return p.reduce((sum, share, bin) => sum + term(share, q[bin] ?? 0), 0);
}
