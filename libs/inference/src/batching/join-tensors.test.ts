import type { Signature } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../tensors/tensor.js';
import { canJoin, canSplit, joinInputs, joinKey, splitOutputs } from './join-tensors.js';

describe('joined tensors', () => {
  it('come apart as they were put together', () => {
    const request = fc.record({ rows: fc.integer({ min: 0, max: 5 }), start: fc.integer({ min: 0, max: 1_000 }) });
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 8 }), fc.constantFrom([], [3], [2, 2]), (requests, tail) => {
        const perRow = tail.reduce((product, dimension) => product * dimension, 1);
        const inputs = requests.map(({ rows, start }): Tensor[] => {
          const values = Array.from({ length: rows * perRow }, (_, index) => start + index);
          return [
            { name: 'f', datatype: 'FP32', shape: [rows, ...tail], data: Float32Array.from(values) },
            { name: 'i', datatype: 'INT64', shape: [rows, ...tail], data: BigInt64Array.from(values.map(BigInt)) },
            { name: 's', datatype: 'BYTES', shape: [rows, ...tail], data: values.map(String) },
          ];
        });
        const total = requests.reduce((sum, { rows }) => sum + rows, 0);
        const joined = joinInputs(inputs, total);
        expect(canSplit(joined, total)).toBe(true);
        let from = 0;
        for (const [index, { rows }] of requests.entries()) {
          const parts = splitOutputs(joined, from, rows);
          expect(parts.map(({ data }) => [...data].map(String))).toEqual(inputs[index]?.map(({ data }) => [...data].map(String)));
          expect(parts.map(({ shape }) => shape)).toEqual(inputs[index]?.map(({ shape }) => shape));
          from += rows;
        }
      }),
    );
  });

  it('are told from outputs that have no row for each row', () => {
    expect(canSplit([{ name: 'y', datatype: 'FP32', shape: [2, 3], data: new Float32Array(6) }], 3)).toBe(false);
    expect(canSplit([{ name: 'y', datatype: 'FP32', shape: [], data: new Float32Array(1) }], 1)).toBe(false);
  });
});

describe('joinKey', () => {
  const tensor = (name: string, shape: number[]): Tensor => ({ name, datatype: 'FP32', shape, data: new Float32Array(0) });
  const signature: Signature = {
    inputs: [
      { name: 'fixed', datatype: 'FP32', shape: [-1, 4] },
      { name: 'open', datatype: 'FP32', shape: [-1, -1] },
      { name: 'maybe', datatype: 'FP32', shape: [-1, 2], optional: true },
    ],
    outputs: [],
  };

  it('differs by every open dimension but the first, and by what is given', () => {
    const keys = [
      joinKey(signature, [tensor('fixed', [1, 4]), tensor('open', [1, 3])]),
      joinKey(signature, [tensor('fixed', [1, 4]), tensor('open', [1, 4])]),
      joinKey(signature, [tensor('fixed', [1, 4]), tensor('open', [1, 3]), tensor('maybe', [1, 2])]),
    ];
    expect(new Set(keys).size).toBe(3);
    expect(joinKey(signature, [tensor('open', [7, 3]), tensor('fixed', [7, 4])])).toBe(keys[0]);
  });

  it('is one for all requests of a model that leaves only the rows open', () => {
    expect(joinKey({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }], outputs: [] }, [tensor('x', [9, 4])])).toBe('');
  });
});

describe('canJoin', () => {
  const tensor = (name: string, shape: number[]): Tensor => ({ name, datatype: 'FP32', shape, data: new Float32Array(0) });

  it.each([
    { name: 'takes inputs that all have the rows', shapes: [[2, 4], [2]], can: true },
    { name: 'refuses an input with one row for all', shapes: [[2, 4], [1]], can: false },
    { name: 'refuses an input with more rows than the others', shapes: [[1, 4], [2]], can: false },
    { name: 'refuses an input without rows', shapes: [[1, 4], []], can: false },
  ])('$name', ({ shapes, can }) => {
    const inputs = shapes.map((shape, index) => tensor(`x${index}`, shape));
    expect(canJoin(inputs, shapes[0]?.[0] ?? 0)).toBe(can);
  });
});
