import { StableSum } from './stable-sum.js';

/**
 * Exact two-sided p-value of McNemar's test (1947): of the rows on which exactly one of two versions is right, is it as often the one as the
 * other? Twice the smaller tail of the binomial distribution with p = ½, at most 1.
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const least = Math.min(onlyFirst, onlySecond);
  if (n === 0) return 1;
  // ln C(n, least) − n·ln 2, then downwards by the ratio of neighbours.
  const logTerm = new StableSum();
  for (let k = 1; k <= least; k += 1) logTerm.add(Math.log((n - least + k) / k));
  logTerm.add(-n * Math.LN2);
  let term = Math.exp(logTerm.value);
  const tail = new StableSum();
  for (let k = least; k >= 0 && term > 0; k -= 1) {
    tail.add(term);
    term *= k / (n - k + 1);
  }
  return Math.min(1, 2 * tail.value);
}

/** Which of several p-values stand at a level when all are to be right together (S. Holm, 1979). */
export function holm(pValues: readonly number[], level: number): boolean[] {
  const order = [...pValues.keys()].sort((a, b) => (pValues[a] ?? 1) - (pValues[b] ?? 1));
  const stands = pValues.map(() => false);
  for (const [rank, index] of order.entries()) {
    if ((pValues[index] ?? 1) > level / (pValues.length - rank)) break;
    stands[index] = true;
  }
  return stands;
}
