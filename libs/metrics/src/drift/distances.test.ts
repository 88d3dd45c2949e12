import { describe, expect, it } from 'vitest';
import { benjaminiHochberg } from './benjamini-hochberg.js';
import { binomialTail, regularisedBeta, shareLowerBound, shareUpperBound } from './binomial-bounds.js';
import { chiSquareHomogeneity } from './chi-square-homogeneity.js';
import { chiSquareTail, lnGamma, normalTails, upperGamma } from './gamma-tail.js';
import { kolmogorovLimit, oneSampleTail } from './kolmogorov-law.js';
import { kolmogorovSmirnov, kolmogorovSmirnovOfBins, smirnovTail } from './kolmogorov-smirnov.js';
import { populationStabilityIndex, stabilityNoise } from './population-stability-index.js';
import { hellingerDistance, jensenShannonDistance, largestShareChange, totalVariation } from './share-distances.js';
import { wassersteinDistance, wassersteinOfBins } from './wasserstein-distance.js';

/** The recipes of `monitoring.md` 9.1. */
const a = Array.from({ length: 1_000 }, (_, i) => ((7_919 * i) % 1_009) / 1_009);
const b = Array.from({ length: 600 }, (_, j) => (((104_729 * j) % 1_013) / 1_013) ** 1.3);
const evenly = new Array<number>(10).fill(100);
const binsOfB = [103, 72, 63, 60, 55, 53, 51, 49, 47, 47];
const countsA = [200, 180, 160, 140, 120, 0];
const countsB = [100, 110, 60, 90, 30, 10];

/** Relative 1e-9, as the page asks. */
function expectGolden(value: number | null, golden: number, relative = 1e-9): void {
  expect(Math.abs((value ?? Number.NaN) - golden) / Math.abs(golden)).toBeLessThanOrEqual(relative);
}

describe('golden values', () => {
  it('of Kolmogorov–Smirnov', () => {
    const { value } = kolmogorovSmirnov(a, b);
    expectGolden(value, 0.09866666666666667);
    expectGolden(kolmogorovSmirnov(a, b).p, 0.0012618182359545095);
    expectGolden(kolmogorovSmirnov(a, b, 'asymptotic').p, 0.0012486731408311773);
    expectGolden(kolmogorovSmirnov(a, b, 'limit').p, 0.0013492773136637788);
    expect(Math.abs((kolmogorovSmirnov(a, b, 'stephens').p ?? 0) / 0.0012618182359545095 - 1)).toBeLessThan(0.05);
    const few = kolmogorovSmirnov(a.slice(0, 30), b.slice(0, 25));
    expectGolden(few.value, 0.20666666666666667);
    expectGolden(few.p, 0.5350685709311747);
    expectGolden(kolmogorovSmirnov(a.slice(0, 30), b.slice(0, 25), 'asymptotic').p, 0.5220366339964713);
    expect(kolmogorovSmirnov([1, 2, 3], [4, 5, 6])).toMatchObject({ value: 1, n: 3, m: 3, status: 'ok' });
    expectGolden(kolmogorovSmirnov([1, 2, 3], [4, 5, 6]).p, 0.1);
  });

  it('of Wasserstein, and its normalised form', () => {
    const { value, normalised } = wassersteinDistance(a, b);
    expectGolden(value, 0.06604622092700402);
    expectGolden(normalised, 0.2287233984590948);
  });

  it('of the distances of shares', () => {
    expectGolden(populationStabilityIndex(evenly, binsOfB, { pseudoCount: 0 }).value, 0.0615229052700284);
    expectGolden(jensenShannonDistance(evenly, binsOfB, 'e').value, 0.08733342803986446);
    expectGolden(jensenShannonDistance(evenly, binsOfB).value, 0.10489813745482009);
    expectGolden(hellingerDistance(evenly, binsOfB).value, 0.08751304018207874);
    expectGolden(populationStabilityIndex(countsA, countsB, { floor: 1e-4 }).value, 0.22645377520650778);
    expectGolden(populationStabilityIndex(countsA, countsB, { pseudoCount: 1 }).value, 0.16549667986061528);
    expectGolden(jensenShannonDistance(countsA, countsB, 'e').value, 0.1401644686806227);
    expectGolden(largestShareChange(countsA, countsB).value, 0.075);
    expectGolden(totalVariation(countsA, countsB).value, 0.125);
  });

  it('of χ², without and with Yates', () => {
    const seen = chiSquareHomogeneity(countsA, countsB);
    expectGolden(seen.value, 41.873245195584026);
    expectGolden(seen.p, 6.24873783205423e-8);
    expect(seen.df).toBe(5);
    const plain = chiSquareHomogeneity([30, 20], [15, 35]);
    expectGolden(plain.value, 9.0909090909, 1e-10);
    expectGolden(plain.p, 0.0025688315, 1e-7);
    const yates = chiSquareHomogeneity([30, 20], [15, 35], { yates: true });
    expectGolden(yates.value, 7.9191919192, 1e-10);
    expectGolden(yates.p, 0.0048913115, 1e-7);
    expectGolden(plain.cramersV, Math.sqrt(9.0909090909 / 100), 1e-9);
  });

  it("of Evidently's tests", () => {
    const [reference, window] = [
      [16, 18, 16, 14, 12, 12],
      [16, 16, 16, 16, 16, 8],
    ];
    // Its χ² takes the reference's shares as exact, so only the tail is ours.
    const fit = reference.reduce((sum, expected, bin) => sum + ((window[bin] ?? 0) - expected) ** 2 / expected, 0);
    expect(chiSquareTail(fit, 5)).toBeCloseTo(0.67309, 5);
    expect(hellingerDistance(reference, window).value).toBeCloseTo(0.06812, 4);
    const g = [5, 5, 8].reduce((sum, expected, bin) => sum + 2 * ([4, 6, 8][bin] ?? 0) * Math.log(([4, 6, 8][bin] ?? 0) / expected), 0);
    expect(chiSquareTail(g, 2)).toBeCloseTo(0.8176, 4);
  });
});

describe('edge cases', () => {
  const none = [0, 0, 0];
  it.each([
    ['PSI', populationStabilityIndex(none, [1, 2, 3])],
    ['KS', kolmogorovSmirnov([], [1])],
    ['KS of bins', kolmogorovSmirnovOfBins([1, 2, 3], none)],
    ['Wasserstein', wassersteinDistance([Number.NaN], [1])],
    ['Jensen–Shannon', jensenShannonDistance(none, none)],
    ['Hellinger', hellingerDistance([1, 0, 0], none)],
    ['χ²', chiSquareHomogeneity(none, [1, 2, 3])],
    ['L∞', largestShareChange(none, [1, 0, 0])],
  ])('%s of a side without rows is insufficient, never NaN', (_, seen) => {
    expect(seen).toMatchObject({ value: null, status: 'insufficient', reason: expect.stringMatching(/has no rows$/) });
  });

  it('unfilled PSI of a bin that one side lacks is undefined, and of one that both lack is not', () => {
    expect(populationStabilityIndex([5, 0], [5, 1], { pseudoCount: 0 })).toMatchObject({ value: null, status: 'undefined' });
    expect(populationStabilityIndex([5, 0, 5], [5, 0, 5], { pseudoCount: 0 })).toMatchObject({ value: 0, status: 'ok' });
  });

  it('counts that are none are refused in words', () => {
    expect(() => populationStabilityIndex([1, 2], [1, 2, 3])).toThrow('expected as many bins in the window as in the reference (2), given 3');
    expect(() => totalVariation([1, Number.NaN], [1, 2])).toThrow('expected counts that are finite and not negative, given NaN');
    expect(() => totalVariation([1, -1], [1, 2])).toThrow('given -1');
  });

  it('χ² pools categories of which a side expects fewer than five, and has no answer for one category', () => {
    expect(chiSquareHomogeneity([500, 480, 10, 6, 4], [50, 49, 1, 0, 0])).toMatchObject({ df: 2, status: 'ok' });
    expect(chiSquareHomogeneity([500, 480, 10, 6, 4], [50, 49, 1, 0, 0], { pool: false }).df).toBe(4);
    expect(chiSquareHomogeneity([0, 9], [0, 5])).toMatchObject({ status: 'undefined', p: null, value: null, df: 0 });
  });

  it('equal samples are at no distance, and apart ones as far as it goes', () => {
    expect(kolmogorovSmirnov([1, 1, 2], [2, 1, 1])).toMatchObject({ value: 0, p: 1 });
    expect(wassersteinDistance([5, 5, 5], [5, 5])).toMatchObject({ value: 0, normalised: 0 });
    expect(jensenShannonDistance([1, 0], [0, 1]).value).toBe(1);
    expectGolden(jensenShannonDistance([1, 0], [0, 1], 'e').value, 0.8325546111576977);
    expect(hellingerDistance([7, 0], [0, 3]).value).toBe(1);
    expect(populationStabilityIndex([10, 20], [10, 20]).value).toBe(0);
  });

  it('values that are not finite are left out and counted', () => {
    const seen = wassersteinDistance([0, 1, Number.POSITIVE_INFINITY], [1, 2, Number.NaN]);
    expect(seen).toMatchObject({ value: 1, n: 2, m: 2, excluded: 2 });
    expect(kolmogorovSmirnov([0, 1, Number.NaN], [0, 1]).excluded).toBe(1);
    // A constant reference: its spread is not divided by.
    expect(wassersteinDistance([1_000, 1_000], [1_001, 1_001]).normalised).toBe(1);
    expect(wassersteinDistance([0, 0], [1, 1]).normalised).toBeCloseTo(1e9, 3);
  });

  it('p is 1 at no distance, falls as it grows, and all ways to it agree where they should', () => {
    for (const [n, m] of [
      [40, 50],
      [200, 300],
      [900, 1_000],
    ] as const) {
      let before = 1;
      for (let distance = 0.01; distance < 1; distance += 0.07) {
        const exact = smirnovTail(distance, n, m, 'exact');
        expect(exact).toBeLessThanOrEqual(before);
        before = exact;
        for (const method of ['asymptotic', 'stephens'] as const) {
          const other = smirnovTail(distance, n, m, method);
          expect(other).toBeGreaterThanOrEqual(0);
          expect(other).toBeLessThanOrEqual(1);
          if (exact > 1e-3) expect(Math.abs(other / exact - 1)).toBeLessThan(n * m < 10_000 ? 0.35 : 0.12);
        }
      }
    }
    expect(smirnovTail(0, 5, 5)).toBe(1);
    expect(oneSampleTail(1, 5)).toBe(0);
    // Both forms of the series meet.
    expectGolden(kolmogorovLimit(1 - 1e-12), kolmogorovLimit(1 + 1e-12), 1e-10);
    // Either side of the size from which the series is used.
    expect(Math.abs(oneSampleTail(0.02, 2_001) / oneSampleTail(0.02, 2_000) - 1)).toBeLessThan(0.01);
  });
});

describe('from bins', () => {
  const edges = Array.from({ length: 9 }, (_, i) => (i + 1) / 10);
  const binOf = (value: number) => edges.filter((edge) => value >= edge).length;
  const counted = (values: readonly number[]) => {
    const counts = new Array<number>(10).fill(0);
    const sums = new Array<number>(10).fill(0);
    for (const value of values) {
      counts[binOf(value)] = (counts[binOf(value)] ?? 0) + 1;
      sums[binOf(value)] = (sums[binOf(value)] ?? 0) + value;
    }
    return { counts, means: sums.map((sum, bin) => sum / (counts[bin] ?? 1)) };
  };

  it('D is a lower bound, and the samples are within what it says', () => {
    const { value, bound, p } = kolmogorovSmirnovOfBins(counted(a).counts, counted(b).counts);
    const samples = kolmogorovSmirnov(a, b);
    expect(value).toBeLessThanOrEqual(samples.value ?? 0);
    expect((value ?? 0) + (bound ?? 0)).toBeGreaterThanOrEqual(samples.value ?? 1);
    expect(p).toBeGreaterThanOrEqual(samples.p ?? 1);
  });

  it('Wasserstein is near that of the samples, and exact where every value has a bin', () => {
    expect(wassersteinOfBins(counted(a), counted(b)).value).toBeCloseTo(0.06604622092700402, 2);
    const whole = wassersteinOfBins({ counts: [2, 2, 0], means: [0, 1, Number.NaN] }, { counts: [0, 2, 2], means: [Number.NaN, 1, 3] });
    expect(whole).toMatchObject({ value: wassersteinDistance([0, 0, 1, 1], [1, 1, 3, 3]).value, normalised: 3 });
    expect(() => wassersteinOfBins({ counts: [1], means: [Number.NaN] }, { counts: [1], means: [0] })).toThrow('expected a finite mean of bin 0');
  });
});

describe('tails', () => {
  it('of gamma, χ² and normal', () => {
    expectGolden(upperGamma(0.5, 0.5), 0.31731050786291415, 1e-13);
    expectGolden(upperGamma(3, 2), 5 * Math.exp(-2), 1e-13);
    expectGolden(upperGamma(10, 30), 7.1214e-6, 1e-3);
    expect(upperGamma(2, 0)).toBe(1);
    expect(upperGamma(2, Number.POSITIVE_INFINITY)).toBe(0);
    expect(() => upperGamma(0, 1)).toThrow('expected a > 0');
    expectGolden(chiSquareTail(3.841458820694124, 1), 0.05, 1e-12);
    expectGolden(chiSquareTail(200, 2), Math.exp(-100), 1e-12);
    expectGolden(normalTails(-1.959963984540054), 0.05, 1e-12);
    expectGolden(lnGamma(0.25), 1.2880225246980774, 1e-13);
    expectGolden(lnGamma(101), 363.73937555556347, 1e-13);
  });

  it('of the binomial law are exact, and bounds hold what they promise', () => {
    const choose = [1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1];
    for (let k = 0; k <= 10; k += 1) {
      const exact = choose.slice(k).reduce((sum, ways, index) => sum + ways * 0.3 ** (k + index) * 0.7 ** (10 - k - index), 0);
      expectGolden(binomialTail(k, 10, 0.3), exact, 1e-12);
    }
    expectGolden(regularisedBeta(0.5, 200, 200), 0.5, 1e-12);
    // Nothing seen in n: 1 − level^(1/n).
    expectGolden(shareUpperBound(0, 5_000, 1e-4), 1 - 1e-4 ** (1 / 5_000), 1e-9);
    expectGolden(binomialTail(8, 50, shareLowerBound(8, 50, 0.025)), 0.025, 1e-9);
    expect(shareUpperBound(5, 5, 0.01)).toBe(1);
    expect(shareUpperBound(0, 0, 0.01)).toBe(1);
    expect(shareLowerBound(0, 5, 0.01)).toBe(0);
  });

  it('of the noise of PSI', () => {
    expectGolden(stabilityNoise(10, 5_000, 200), 9 * (1 / 5_000 + 1 / 200), 1e-15);
  });
});

it('Benjamini–Hochberg rejects up to the largest k, in whatever order they come', () => {
  const ps = [0.041, 0.001, 0.6, 0.008, 0.039, 0.205, 0.042, 0.06, 0.074, 0.212];
  const rejected = benjaminiHochberg(ps, 0.05);
  expect(ps.filter((_, index) => rejected[index]?.isRejected)).toEqual([0.001, 0.008]);
  // One that fails by itself is carried by a later one that holds.
  expect(benjaminiHochberg([0.01, 0.035, 0.036, 0.04], 0.05).map(({ isRejected }) => isRejected)).toEqual([true, true, true, true]);
  expect(rejected[3]?.adjusted).toBeCloseTo(0.04, 12);
  expect(benjaminiHochberg([], 0.05)).toEqual([]);
});
