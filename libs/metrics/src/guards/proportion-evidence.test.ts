import { describe, expect, it } from 'vitest';
import { evidenceOfExcess, evidenceOfNoExcess, mostEvidenceOfExcess, type Sides } from './difference-evidence.js';
import { evidenceOfOtherDistribution, logGamma, populationStabilityIndex } from './drift-guard.js';
import { meanHalfWidth } from './judge-mean.js';
import { evidenceAbove, evidenceBelow } from './proportion-evidence.js';

/** Chances of 0…n hits, by Pascal's recursion; nothing of the code under test. */
function binomial(n: number, share: number): number[] {
  let chances = [1];
  for (let at = 0; at < n; at += 1) chances = [...chances, 0].map((chance, hits) => chance * (1 - share) + (chances[hits - 1] ?? 0) * share);
  return chances;
}

const mean = (n: number, share: number, evidence: (hits: number) => number) =>
  binomial(n, share).reduce((sum, chance, hits) => sum + chance * Math.exp(evidence(hits)), 0);

describe('evidence of one mean', () => {
  it.each([1, 7, 60])('is 1 on average at the limit, after %i observations', (n) => {
    for (const limit of [0.002, 0.05, 0.5]) {
      expect(mean(n, limit, (hits) => evidenceAbove({ n, hits }, limit))).toBeCloseTo(1, 9);
      expect(mean(n, limit, (hits) => evidenceBelow({ n, hits }, limit))).toBeCloseTo(1, 9);
    }
  });

  it('is less than 1 on average on the right side of the limit', () => {
    expect(mean(50, 0.05, (hits) => evidenceAbove({ n: 50, hits }, 0.1))).toBeLessThan(1);
    expect(mean(50, 0.2, (hits) => evidenceBelow({ n: 50, hits }, 0.1))).toBeLessThan(1);
  });

  it.each([0.01, 0.1, 0.5])('crosses its bar with a chance of at most α when looked at after every observation (exact, limit %d)', (limit) => {
    const alpha = 0.05;
    let alive = [1];
    let crossed = 0;
    for (let n = 1; n <= 400; n += 1) {
      alive = [...alive, 0].map((chance, hits) => chance * (1 - limit) + (alive[hits - 1] ?? 0) * limit);
      for (const [hits, chance] of alive.entries()) {
        if (evidenceAbove({ n, hits }, limit) < Math.log(1 / alpha)) continue;
        crossed += chance;
        alive[hits] = 0;
      }
    }
    expect(crossed).toBeLessThanOrEqual(alpha);
    expect(crossed).toBeGreaterThan(alpha / 20);
  });

  it('holds for means that change with time: the average of them is tested', () => {
    const chances = Array.from({ length: 12 }, (_, at) => (at < 2 ? 0.6 : 0));
    let law = [1];
    for (const share of chances) law = [...law, 0].map((chance, hits) => chance * (1 - share) + (law[hits - 1] ?? 0) * share);
    const average = law.reduce((sum, chance, hits) => sum + chance * Math.exp(evidenceAbove({ n: 12, hits }, 0.1)), 0);
    expect(average).toBeLessThanOrEqual(1);
  });
});

describe('evidence of a difference', () => {
  const sides = (nc: number, c: number, ns: number, s: number, independent = true): Sides => ({
    candidate: { n: nc, hits: c },
    stable: { n: ns, hits: s },
    independent,
  });

  it.each([
    [12, 12, 0.3, true],
    [6, 30, 0.05, true],
    [20, 10, 0.5, false],
  ])('is at most 1 on average for an equal candidate (%i and %i observations, share %d)', (nc, ns, share, independent) => {
    let average = 0;
    for (const [c, chanceC] of binomial(nc, share).entries())
      for (const [s, chanceS] of binomial(ns, share).entries())
        average += chanceC * chanceS * Math.exp(evidenceOfExcess(sides(nc, c, ns, s, independent), 0));
    expect(average).toBeLessThanOrEqual(1);
  });

  it('is the smallest over all means of stable', () => {
    for (const [nc, c, ns, s, margin] of [
      [200, 9, 4_000, 30, 0.005],
      [50, 0, 50, 3, 0.01],
      [1_000, 30, 1_000, 10, 0.005],
    ] as const) {
      let least = Number.POSITIVE_INFINITY;
      for (let p = 0; p <= 1 - margin; p += 0.0001) {
        const [one, other] = [Math.exp(evidenceAbove({ n: nc, hits: c }, p + margin)), Math.exp(evidenceBelow({ n: ns, hits: s }, p))];
        least = Math.min(least, 0.4 * one + 0.1 * other + 0.5 * one * other);
      }
      const found = Math.exp(evidenceOfExcess(sides(nc, c, ns, s), margin));
      expect(found / least).toBeGreaterThan(0.97);
      expect(found / least).toBeLessThan(1.03);
    }
  });

  it('is never more than its quick bound', () => {
    for (let c = 0; c <= 40; c += 4)
      for (let s = 0; s <= 40; s += 8) {
        const seen = sides(300, c, 500, s);
        expect(evidenceOfExcess(seen, 0.01)).toBeLessThanOrEqual(mostEvidenceOfExcess(seen, 0.01) + 1e-9);
      }
  });

  it('says nothing without observations of both', () => {
    expect(evidenceOfExcess(sides(0, 0, 100, 1), 0.01)).toBe(0);
    expect(evidenceOfNoExcess(sides(100, 0, 0, 0), 0.01)).toBe(0);
  });

  it('works without any hit on either side', () => {
    expect(evidenceOfNoExcess(sides(100, 0, 10_000, 0), 0.005)).toBeLessThan(Math.log(20));
    expect(evidenceOfNoExcess(sides(900, 0, 90_000, 0), 0.005)).toBeGreaterThan(Math.log(20));
  });
});

describe('evidence of another distribution', () => {
  it('is at most 1 on average for one distribution (exact, 8 and 8 rows in 2 bins)', () => {
    let average = 0;
    for (const [a, chanceA] of binomial(8, 0.3).entries())
      for (const [b, chanceB] of binomial(8, 0.3).entries())
        average += chanceA * chanceB * Math.exp(evidenceOfOtherDistribution([a, 8 - a], [b, 8 - b]));
    expect(average).toBeLessThanOrEqual(1);
  });

  it('has the PSI of the golden table, and log Γ its known values', () => {
    const window = [103, 72, 63, 60, 55, 53, 51, 49, 47, 47].map((rows) => rows * 1e7);
    expect(populationStabilityIndex(window, new Array<number>(10).fill(1e8))).toBeCloseTo(0.0615229052700284, 7);
    expect(logGamma(5)).toBeCloseTo(Math.log(24), 10);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 10);
    expect(logGamma(171)).toBeCloseTo(706.5730622457874, 8);
  });
});

it('the interval of a mean ends where the normal mixture martingale reaches 1/α', () => {
  const [variance, level, tightAt] = [0.0004, 0.02, 0.05];
  const half = meanHalfWidth(variance, level, tightAt);
  const information = 1 / variance;
  const cost = 2 * Math.log(1 / level);
  const rho = (cost + Math.log(1 + cost)) / ((cost + 4) / tightAt ** 2);
  const wiener = half * information;
  expect(Math.exp((rho * wiener * wiener) / (2 * (1 + rho * information))) / Math.sqrt(1 + rho * information)).toBeCloseTo(1 / level, 6);
});
