import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BinFinder } from './bin-finder.js';

describe('BinFinder', () => {
  it('finds as many edges at or below a value as there are, wherever they lie', () => {
    const double = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: -2, max: 2, noNaN: true }),
      fc.constantFrom(0, -0, 1e308, -1e308, 5e-324),
    );
    fc.assert(
      fc.property(fc.array(double, { maxLength: 30 }), fc.array(double, { maxLength: 20 }), (some, values) => {
        const edges = [...new Set(some.map((edge) => edge + 0))].sort((a, b) => a - b);
        const finder = new BinFinder(Float64Array.from(edges));
        for (const value of [...values, ...edges]) expect(finder.find(value)).toBe(edges.filter((edge) => edge <= value).length);
      }),
      { numRuns: 500 },
    );
  });

  it('finds them where nearly all edges share a cell', () => {
    const edges = [0, 1e-9, 2e-9, 3e-9, 1];
    const finder = new BinFinder(Float64Array.from(edges));
    expect([-1, 0, 1.5e-9, 2e-9, 0.5, 1, 2].map((value) => finder.find(value))).toEqual([0, 1, 2, 3, 4, 5, 5]);
    expect(new BinFinder(Float64Array.of()).find(1)).toBe(0);
  });
});
