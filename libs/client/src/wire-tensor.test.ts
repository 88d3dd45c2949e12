import { describe, expect, it } from 'vitest';
import { SlipwayApiError } from './slipway-api-error.js';
import { type NamedInput, namedInputs } from './tensor-input.js';
import { needsMetadata, toWireTensor } from './wire-tensor.js';

const fp32 = (shape: number[]) => ({ name: 'x', datatype: 'FP32', shape });
const wire = (input: Omit<NamedInput, 'name'>, metadata?: { name: string; datatype: string; shape: number[] }) =>
  toWireTensor({ name: 'x', ...input }, metadata);

describe('toWireTensor', () => {
  it.each([
    {
      name: 'nested lists',
      input: {
        data: [
          [1, 2],
          [3, 4],
        ],
      },
      metadata: fp32([-1, 2]),
      shape: [2, 2],
    },
    { name: 'a flat list for rows', input: { data: [1, 2, 3, 4] }, metadata: fp32([-1, 2]), shape: [2, 2] },
    { name: 'a flat list for a fixed shape', input: { data: [1, 2, 3, 4] }, metadata: fp32([1, 1, 2, 2]), shape: [1, 1, 2, 2] },
    { name: 'a flat list for a list', input: { data: [1, 2, 3, 4] }, metadata: fp32([-1]), shape: [4] },
    { name: 'a typed array for rows', input: { data: Float32Array.of(1, 2, 3, 4) }, metadata: fp32([-1, 2]), shape: [2, 2] },
    { name: 'rows that are typed arrays', input: { data: [Float32Array.of(1, 2), Float32Array.of(3, 4)] }, metadata: fp32([-1, 2]), shape: [2, 2] },
    { name: 'a stated shape', input: { data: [1, 2, 3, 4], shape: [4, 1], datatype: 'FP32' as const }, metadata: undefined, shape: [4, 1] },
    { name: 'no rows at all', input: { data: [] }, metadata: fp32([-1, 2]), shape: [0, 2] },
    { name: 'a scalar', input: { data: 7 }, metadata: fp32([]), shape: [] },
  ])('takes $name', ({ input, metadata, shape }) => {
    expect(wire(input, metadata)).toMatchObject({ datatype: 'FP32', shape });
  });

  it('copies no typed array that already has the form of the wire', () => {
    const data = Float32Array.of(1, 2, 3).subarray(1);
    const tensor = wire({ data, shape: [2] });
    expect(tensor.data).toEqual(data);
    expect(tensor.datatype === 'BYTES' ? undefined : tensor.data.buffer).toBe(data.buffer);
  });

  it.each([
    { datatype: 'FP32' as const, data: Float64Array.of(0.5, -1), expected: Float32Array.of(0.5, -1) },
    { datatype: 'INT64' as const, data: Int32Array.of(-1, 5), expected: BigInt64Array.of(-1n, 5n) },
    { datatype: 'BOOL' as const, data: Uint8Array.of(0, 1), expected: Uint8Array.of(0, 1) },
    { datatype: 'UINT8' as const, data: Uint8ClampedArray.of(0, 300), expected: Uint8Array.of(0, 255) },
    { datatype: 'FP16' as const, data: Uint16Array.of(0x3c00, 0x7e01), expected: Uint16Array.of(0x3c00, 0x7e01) },
    { datatype: 'FP16' as const, data: Float32Array.of(1, 0.5), expected: Uint16Array.of(0x3c00, 0x3800) },
    { datatype: 'INT8' as const, data: BigInt64Array.of(-128n, 127n), expected: Int8Array.of(-128, 127) },
  ])('turns one kind of array into another where the datatype is stated: $datatype', ({ datatype, data, expected }) => {
    expect(wire({ data, datatype, shape: [2] }).data).toEqual(expected);
  });

  it('takes a Uint8Array for one element of BYTES, and for a row of anything else', () => {
    const bytes = Uint8Array.of(255, 254);
    expect(wire({ data: [bytes, 'é'], datatype: 'BYTES' })).toMatchObject({
      shape: [2],
      data: [bytes, new TextEncoder().encode('é')],
      isText: false,
    });
    expect(wire({ data: bytes, datatype: 'BYTES' })).toMatchObject({ shape: [], data: [bytes] });
    expect(wire({ data: [bytes, bytes], datatype: 'UINT8' })).toMatchObject({ shape: [2, 2] });
  });

  it.each([
    {
      name: 'a number too large for it',
      input: { data: [1, 300], datatype: 'UINT8' as const },
      says: /integer from 0 to 255 for UINT8 at element 1, given 300/,
    },
    { name: 'a fraction', input: { data: [1.5], datatype: 'INT32' as const }, says: /given 1\.5/ },
    { name: 'a number that a double has rounded', input: { data: [2 ** 53], datatype: 'INT64' as const }, says: /bigint/ },
    { name: 'a bigint that does not fit', input: { data: [2n ** 63n], datatype: 'INT64' as const }, says: /given 9223372036854775808n/ },
    { name: 'a number that would become infinite', input: { data: [1e39], datatype: 'FP32' as const }, says: /below 2\^128/ },
    { name: 'a number that FP16 cannot hold', input: { data: [70000], datatype: 'FP16' as const }, says: /below 65520/ },
    { name: 'a text for a number', input: { data: ['1'], datatype: 'FP32' as const }, says: /a number for FP32 at element 0, given "1"/ },
    { name: 'a number for a text', input: { data: [1], datatype: 'BYTES' as const }, says: /a text or its bytes/ },
    { name: 'half a surrogate pair', input: { data: ['\ud800'], datatype: 'BYTES' as const }, says: /surrogate/ },
    { name: '2 for BOOL', input: { data: [2], datatype: 'BOOL' as const }, says: /true or false/ },
    { name: 'ragged rows', input: { data: [[1, 2], [3]], datatype: 'FP32' as const }, says: /expected 2 items at depth 2 of the nesting, given 1/ },
    { name: 'a value among rows', input: { data: [[1], 2], datatype: 'FP32' as const }, says: /expected a list at depth 2/ },
    { name: 'rows among values', input: { data: [1, [2]], datatype: 'FP32' as const }, says: /nested deeper/ },
    { name: 'a hole', input: { data: [[1, undefined as unknown as number]], datatype: 'FP32' as const }, says: /no value at element 1/ },
    { name: 'too few values', input: { data: [1], shape: [2], datatype: 'FP32' as const }, says: /expected 2 values for shape \[2\], given 1/ },
    { name: 'a shape of -1', input: { data: [1], shape: [-1], datatype: 'FP32' as const }, says: /whole numbers/ },
    { name: 'an unknown datatype', input: { data: [1], datatype: 'BF16' as unknown as 'FP16' }, says: /"BF16"/ },
  ])('refuses $name, saying where', ({ input, says }) => {
    expect(() => wire(input)).toThrow(SlipwayApiError);
    expect(() => wire(input)).toThrow(says);
  });

  it('refuses values that cannot fill the shape of the deployment', () => {
    expect(() => wire({ data: [1, 2, 3] }, fp32([-1, 2]))).toThrow(/3 values do not fill \[-1,2\]/);
    expect(() => wire({ data: [1, 2, 3] }, fp32([-1, -1]))).toThrow(/state its "shape"/);
  });
});

describe('needsMetadata', () => {
  it.each([
    { input: { data: [1, 2] }, needed: true },
    { input: { data: [1, 2], datatype: 'FP32' as const }, needed: false },
    { input: { data: Float32Array.of(1) }, needed: true },
    { input: { data: Float32Array.of(1), shape: [1] }, needed: false },
    { input: { data: Uint8Array.of(1), datatype: 'BYTES' as const }, needed: false },
  ])('$input', ({ input, needed }) => {
    expect(needsMetadata({ name: 'x', ...input })).toBe(needed);
  });
});

describe('namedInputs', () => {
  it('takes both forms, and leaves out what is undefined', () => {
    const listed = [{ name: 'x', data: [1], datatype: 'FP32' as const }];
    expect(namedInputs(listed)).toEqual(listed);
    expect(namedInputs({ x: [1], y: { data: [2], shape: [1] }, z: undefined, b: Float32Array.of(1) })).toEqual([
      { name: 'x', data: [1] },
      { name: 'y', data: [2], shape: [1] },
      { name: 'b', data: Float32Array.of(1) },
    ]);
  });

  it('refuses an input without data or name', () => {
    expect(() => namedInputs({ x: null as unknown as number })).toThrow(/"x": has no data/);
    expect(() => namedInputs([{ data: 1 } as NamedInput])).toThrow(/name/);
  });
});
