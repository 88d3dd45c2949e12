import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../tensors/tensor.js';
import { classifyOutput, isClassifiable } from './classify-output.js';
import { maxTextElements } from './read-json-data.js';

const scores: Tensor = { name: 'p', datatype: 'FP32', shape: [2, 3], data: Float32Array.of(0.1, 0.7, 0.2, 0.5, 0.25, 0.25) };
const task = { scoreOutput: 'p', classes: ['cat', 'dog', 'a:b'], rowAxis: 0 };

describe('classifyOutput', () => {
  it('gives the highest values of each row with their labels, equal ones in order', () => {
    expect(classifyOutput(scores, 2, task)).toEqual({
      name: 'p',
      datatype: 'BYTES',
      shape: [2, 2],
      data: ['0.700000:1:dog', '0.200000:2:a:b', '0.500000:0:cat', '0.250000:1:dog'],
    });
  });

  it('gives all of them when more are wanted', () => {
    expect(classifyOutput(scores, 100, task)).toMatchObject({ shape: [2, 3] });
  });

  it('knows labels of the score output alone', () => {
    expect(classifyOutput({ ...scores, name: 'q' }, 1, task).data).toEqual(['0.700000:1', '0.500000:0']);
    expect(classifyOutput(scores, 1, { scoreOutput: 'p', classes: [0, 7, 9], rowAxis: 0 }).data).toEqual(['0.700000:1:7', '0.500000:0:0']);
    expect(classifyOutput(scores, 3, { scoreOutput: 'p', classes: ['only'], rowAxis: 0 }).data[1]).toBe('0.200000:2');
  });

  it.each([
    { name: 'several axes, nothing known', shape: [2, 3], rowAxis: undefined, gives: [2, 1] },
    { name: 'several axes without rows', shape: [2, 3], rowAxis: null, gives: [1] },
    { name: 'a vector, nothing known', shape: [6], rowAxis: undefined, gives: [1] },
    { name: 'one value per row', shape: [6], rowAxis: 0, gives: [6, 1] },
    { name: 'an image model’s trailing ones', shape: [2, 3, 1, 1], rowAxis: 0, gives: [2, 1] },
    { name: 'a scalar', shape: [], rowAxis: 0, gives: [1] },
  ])('gives the shape for $name', ({ shape, rowAxis, gives }) => {
    const known = rowAxis === undefined ? undefined : { rowAxis };
    const output = { ...scores, shape, data: shape.length === 0 ? Float32Array.of(1) : scores.data };
    const given = classifyOutput(output, 1, known);
    expect(given.shape).toEqual(gives);
    expect(given.data).toHaveLength(gives.reduce((product, length) => product * length, 1));
  });

  it('gives nothing for no rows and for no columns', () => {
    expect(classifyOutput({ ...scores, shape: [0, 3], data: new Float32Array(0) }, 2, task)).toMatchObject({ shape: [0, 2], data: [] });
    expect(classifyOutput({ ...scores, shape: [2, 0], data: new Float32Array(0) }, 2, task)).toMatchObject({ shape: [2, 0], data: [] });
  });

  it.each([
    { value: 0.1, text: '0.100000' },
    { value: -0, text: '-0.000000' },
    { value: 1e-9, text: '0.000000' },
    { value: 0.0078125, text: '0.007812' },
    { value: 0.0234375, text: '0.023438' },
    { value: -2.0078125, text: '-2.007812' },
    { value: 123456789.5, text: '123456789.500000' },
    { value: 1e22, text: '10000000000000000000000.000000' },
    { value: Number.NaN, text: 'nan' },
    { value: Number.POSITIVE_INFINITY, text: 'inf' },
    { value: Number.NEGATIVE_INFINITY, text: '-inf' },
  ])('writes $value as $text', ({ value, text }) => {
    expect(classifyOutput({ name: 'p', datatype: 'FP64', shape: [1], data: Float64Array.of(value) }, 1).data).toEqual([`${text}:0`]);
  });

  it('puts NaN last', () => {
    const data = Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, 1);
    expect(classifyOutput({ ...scores, shape: [3], data }, 3).data).toEqual(['1.000000:2', '-inf:1', 'nan:0']);
  });

  it('picks and sorts alike', () => {
    const values = fc.array(fc.oneof(fc.float(), fc.constantFrom(0, 1, Number.NaN)), { minLength: 33, maxLength: 80 });
    fc.assert(
      fc.property(values, (given) => {
        const output = { ...scores, shape: [given.length], data: Float32Array.from(given) };
        const picked = classifyOutput(output, 32).data;
        expect(picked).toEqual(classifyOutput(output, 33).data.slice(0, 32));
      }),
    );
  });

  it('has a bound on the texts that it makes', () => {
    const data = new Float32Array(maxTextElements + 1);
    const output = { ...scores, shape: [data.length, 1], data };
    expect(() => classifyOutput(output, 1)).toThrow(expect.objectContaining({ code: 'INFER_OUTPUT_TOO_LARGE' }));
    expect(classifyOutput({ ...output, shape: [1, data.length] }, 1).data).toEqual(['0.000000:0']);
  });

  it('orders and writes integers exactly, also beyond 2^53, and halves by their value', () => {
    const big = BigInt64Array.of(9007199254740992n, 9007199254740993n, -1n);
    expect(classifyOutput({ name: 'p', datatype: 'INT64', shape: [3], data: big }, 2).data).toEqual(['9007199254740993:1', '9007199254740992:0']);
    expect(classifyOutput({ name: 'p', datatype: 'UINT8', shape: [2], data: Uint8Array.of(3, 250) }, 1).data).toEqual(['250:1']);
    expect(classifyOutput({ name: 'p', datatype: 'FP16', shape: [2], data: Uint16Array.of(0xbc00, 0x3800) }, 2).data).toEqual([
      '0.500000:1',
      '-1.000000:0',
    ]);
  });
});

describe('isClassifiable', () => {
  it('takes every datatype with an order', () => {
    expect((['FP16', 'FP32', 'INT8', 'UINT64'] as const).every(isClassifiable)).toBe(true);
    expect((['BYTES', 'BOOL'] as const).some(isClassifiable)).toBe(false);
  });
});
