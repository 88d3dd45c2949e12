import { describe, expect, it } from 'vitest';
import { binomialTail, exceedanceTail } from './tail-probability.js';

const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k);

describe('tails', () => {
  it.each([
    { hits: 0, n: 10, share: 0.5, tail: 1 },
    { hits: 10, n: 10, share: 0.5, tail: 2 ** -10 },
    { hits: 6, n: 10, share: 0.5, tail: 386 / 1024 },
    { hits: 11, n: 10, share: 0.5, tail: 0 },
    { hits: 2, n: 45, share: 1e-3, tail: 1 - 0.999 ** 45 - 45 * 0.001 * 0.999 ** 44 },
    { hits: 1, n: 100_000, share: 1e-3, tail: 1 },
  ])('binomial: at least $hits of $n with $share', ({ hits, n, share, tail }) => {
    expect(binomialTail(hits, n, share)).toBeCloseTo(tail, 9);
  });

  it('exceedances are as likely as counting all orders of both samples says', () => {
    // At least h of n new ones above the rank-th of m: among all C(n+m, n) orders those with at most n − h new ones before it.
    const [n, m, rank] = [4, 6, 5];
    for (let hits = 1; hits <= n; hits += 1) {
      let orders = 0;
      for (let below = 0; below <= n - hits; below += 1) orders += choose(below + rank - 1, below) * choose(n - below + m - rank, n - below);
      expect(exceedanceTail(hits, n, rank, m)).toBeCloseTo(orders / choose(n + m, n), 12);
    }
  });

  it.each([
    { hits: 0, n: 0, tail: 1 },
    { hits: 5, n: 4, tail: 0 },
  ])('exceedances at the edges: $hits of $n', ({ hits, n, tail }) => {
    expect(exceedanceTail(hits, n, 95, 100)).toBe(tail);
  });

  it('stays a probability for large windows', () => {
    const p = exceedanceTail(5_500, 100_000, 950, 1_000);
    expect(p).toBeGreaterThan(0.1);
    expect(p).toBeLessThan(0.5);
    expect(exceedanceTail(90_000, 100_000, 950, 1_000)).toBeLessThan(1e-100);
  });
});
