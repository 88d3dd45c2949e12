import type { Signature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { checkInputs } from './check-inputs.js';
import type { TensorHead } from './tensor.js';

const signature: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 4] },
    { name: 'k', datatype: 'INT64', shape: [], optional: true },
  ],
  outputs: [],
};
const x: TensorHead = { name: 'x', datatype: 'FP32', shape: [3, 4] };

describe('checkInputs', () => {
  it('takes any length for an open dimension, and leaves optional inputs out', () => {
    expect(() => checkInputs(signature, [x])).not.toThrow();
    expect(() =>
      checkInputs(signature, [
        { ...x, shape: [0, 4] },
        { name: 'k', datatype: 'INT64', shape: [] },
      ]),
    ).not.toThrow();
  });

  it('takes any shape where the model declares none', () => {
    const unranked: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1], unranked: true }], outputs: [] };
    expect(() => checkInputs(unranked, [x])).not.toThrow();
  });

  it.each([
    { given: [x, x], says: 'input "x" is given twice' },
    { given: [], says: 'input "x" (FP32 [-1,4]) is missing' },
    { given: [x, { ...x, name: 'z' }], says: 'unknown input "z": the model takes "x", "k"' },
    { given: [{ ...x, datatype: 'FP64' as const }], says: 'expected datatype FP32, given FP64' },
    { given: [{ ...x, shape: [4] }], says: 'expected 2 dimensions [-1,4], given 1 [4]' },
    { given: [{ ...x, shape: [3, 5] }], says: 'expected shape [-1,4], given [3,5] (dimension 1 must be 4)' },
  ])('says: $says', ({ given, says }) => {
    expect(() => checkInputs(signature, given)).toThrow(says);
  });
});
