import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasNaN } from './has-nan.js';

it.each([
  { datatype: 'FP32' as const, make: (values: number[]) => Float32Array.from(values) },
  { datatype: 'FP64' as const, make: (values: number[]) => Float64Array.from(values) },
])('finds NaN in $datatype wherever it is, and takes nothing else for it', ({ datatype, make }) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0)), { maxLength: 40 }), (values) => {
      const data = make(values);
      expect(hasNaN({ name: 'y', datatype, shape: [data.length], data })).toBe([...data].some(Number.isNaN));
    }),
  );
});
