export interface AdjustedTest {
  /** The smallest level at which this test would be among the rejected. */
  readonly adjusted: number;
  readonly isRejected: boolean;
}

/**
 * Benjamini–Hochberg at a false discovery rate of `level`: sorts the p-values and rejects up to the largest k with pₖ ≤ level·k/d. Where nothing
 * has changed at all it is wrong with chance `level` at most.
 */
export function benjaminiHochberg(ps: readonly number[], level: number): AdjustedTest[] {
  const order = ps.map((p, index) => ({ p, index })).sort((one, other) => other.p - one.p);
  const result: AdjustedTest[] = ps.map(() => ({ adjusted: 1, isRejected: false }));
  let least = 1;
  for (const [place, { p, index }] of order.entries()) {
    least = Math.min(least, (p * ps.length) / (ps.length - place));
    result[index] = { adjusted: least, isRejected: least <= level };
  }
  return result;
}
