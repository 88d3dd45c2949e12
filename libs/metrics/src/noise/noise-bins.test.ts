import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binAtRank, binQuantile, binsOf, countAbove, countOf, emptyBins, noiseBinCount, noiseBinOf, noiseEdges } from './noise-bins.js';

describe('bins of relative noise', () => {
  it.each([
    { relative: 0, bin: 0 },
    { relative: 1e-9, bin: 0 },
    { relative: 1.1e-9, bin: 1 },
    { relative: 1e-6, bin: 24 },
    { relative: 1.000001e-6, bin: 25 },
    { relative: 1e3, bin: noiseBinCount - 2 },
    { relative: 1e6, bin: noiseBinCount - 1 },
    { relative: Number.NaN, bin: noiseBinCount - 1 },
  ])('$relative is in bin $bin', ({ relative, bin }) => {
    expect(noiseBinOf(relative)).toBe(bin);
  });

  it('holds what is above its lower edge and at most its upper one', () => {
    fc.assert(
      fc.property(fc.double({ min: -10, max: 4, noNaN: true }), (exponent) => {
        const relative = 10 ** exponent;
        const bin = noiseBinOf(relative);
        expect(relative > (noiseEdges[bin - 1] ?? 0)).toBe(true);
        expect(relative <= (noiseEdges[bin] ?? Number.POSITIVE_INFINITY)).toBe(true);
      }),
    );
  });

  it('finds quantiles within a third, and never counts too many above a limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e-8, max: 100, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 1),
        (sizes, q) => {
          const bins = binsOf(sizes);
          const exact = sizes.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * sizes.length) - 1)] ?? 0;
          const found = binQuantile(bins, q) ?? 0;
          expect(found / exact).toBeLessThan(1.34);
          expect(exact / found).toBeLessThan(1.34);
          expect(countAbove(bins, exact)).toBeLessThanOrEqual(sizes.filter((size) => size > exact).length);
          expect(countOf(bins)).toBe(sizes.length);
        },
      ),
    );
  });

  it('has no quantile of nothing', () => {
    expect(binQuantile(emptyBins(), 0.95)).toBeNull();
    expect(binAtRank(emptyBins(), 1)).toBeUndefined();
    expect(binQuantile(binsOf([0, 0, 0]), 0.95)).toBe(0);
  });
});
