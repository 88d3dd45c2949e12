import { type Datatype, datatypes, type Signature } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeNumericData, type TensorData } from '../tensors/datatypes.js';
import { toFloat16 } from '../tensors/float16.js';
import { elementCount, type Tensor } from '../tensors/tensor.js';
import { decodeRequest } from './decode-request.js';
import { encodeAnswer } from './encode-answer.js';
import { JsonWriter } from './json-writer.js';
import { binaryDataOf } from './write-binary-data.js';
import { writeJsonData } from './write-json-data.js';

const limits = { maxBodyBytes: 1 << 24, maxInputElements: 1 << 20 };

const bigs = (low: bigint, high: bigint) => fc.bigInt({ min: low, max: high });
const elements: Record<Datatype, fc.Arbitrary<number | bigint | string>> = {
  BOOL: fc.integer({ min: 0, max: 1 }),
  UINT8: fc.integer({ min: 0, max: 2 ** 8 - 1 }),
  UINT16: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  UINT32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  UINT64: bigs(0n, 2n ** 64n - 1n),
  INT8: fc.integer({ min: -(2 ** 7), max: 2 ** 7 - 1 }),
  INT16: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  INT32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  INT64: bigs(-(2n ** 63n), 2n ** 63n - 1n),
  FP16: fc.double().map((value) => toFloat16(value)),
  FP32: fc.float(),
  FP64: fc.double(),
  BYTES: fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\u0000', '')),
};

function dataOf(datatype: Datatype, values: readonly (number | bigint | string)[]): TensorData {
  if (datatype === 'BYTES') return values.map(String);
  const data = makeNumericData(datatype, values.length);
  values.forEach((value, index) => {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[index] = BigInt(value);
    else data[index] = Number(value);
  });
  return data;
}

const tensors = fc.constantFrom(...datatypes).chain((datatype) =>
  fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).chain((shape) => {
    const count = elementCount(shape);
    const values = fc.array(elements[datatype], { minLength: count, maxLength: count });
    return fc
      .record({ name: fc.string({ unit: 'grapheme', minLength: 1 }), values })
      .map(({ name, values }): Tensor => ({ name, datatype, shape, data: dataOf(datatype, values) }));
  }),
);
const requests = fc.uniqueArray(tensors, { minLength: 1, maxLength: 4, selector: (tensor) => tensor.name });

function signatureOf(given: readonly Tensor[]): Signature {
  const inputs = given.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(() => -1) }));
  return { inputs, outputs: inputs };
}

function jsonOf(tensor: Tensor, nested: boolean): string {
  const writer = new JsonWriter();
  writer.begin();
  writeJsonData(writer, tensor);
  const flat = writer.finish([], 0).toString('utf8');
  if (!nested || tensor.shape.length < 2) return flat;
  const items = splitItems(flat);
  const nest = (shape: readonly number[]): string => {
    const [length = 0, ...rest] = shape;
    return `[ ${Array.from({ length }, () => (rest.length === 0 ? items.shift() : nest(rest))).join(' ,\n')} ]`;
  };
  return nest(tensor.shape);
}

/** Items of a flat JSON array as they are written; texts may hold commas and brackets. */
function splitItems(flat: string): string[] {
  return flat.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|[^,]+/g) ?? [];
}

function expectSame(given: Tensor | undefined, expected: Tensor): void {
  expect(given?.shape).toEqual(expected.shape);
  // One NaN of FP16 is as good as another in JSON.
  const plain = (data: TensorData | undefined): unknown =>
    expected.datatype === 'FP16'
      ? Array.from<string | number | bigint, unknown>(data ?? [], (half) => ((Number(half) & 0x7fff) > 0x7c00 ? 'NaN' : half))
      : data;
  expect(plain(given?.data)).toEqual(plain(expected.data));
}

describe('requests', () => {
  it.each([{ nested: false }, { nested: true }])('come through JSON as they were, in every datatype (nested: $nested)', ({ nested }) => {
    fc.assert(
      fc.property(requests, fc.boolean(), (given, dataFirst) => {
        const inputs = given.map((tensor) => {
          const head = `"name":${JSON.stringify(tensor.name)},"shape":[${tensor.shape}],"datatype":"${tensor.datatype}"`;
          const data = `"data":${jsonOf(tensor, nested)}`;
          return dataFirst ? `{${data},${head}}` : `{${head},${data}}`;
        });
        const body = Buffer.from(`{"inputs":[${inputs}],"whatever":{"a":[1,{"b":null}]}}`);
        const request = decodeRequest(body, {}, signatureOf(given), limits);
        for (const [index, tensor] of given.entries()) expectSame(request.inputs[index], tensor);
      }),
    );
  });

  it('come through the binary form bit by bit, wherever their bytes lie', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 0, max: 7 }), (given, shift) => {
        const tails = given.map(binaryDataOf);
        const inputs = given.map(({ name, shape, datatype }, index) => ({
          name,
          shape,
          datatype,
          parameters: { binary_data_size: tails[index]?.length },
        }));
        const json = Buffer.from(JSON.stringify({ inputs }));
        const body = Buffer.concat([Buffer.alloc(shift), json, ...tails]).subarray(shift);
        const request = decodeRequest(body, { inferenceHeaderContentLength: json.length }, signatureOf(given), limits);
        for (const [index, tensor] of given.entries()) expect(request.inputs[index]?.data).toEqual(tensor.data);
      }),
    );
  });
});

describe('answers', () => {
  it.each(datatypes)('hold more values of %s than are written at once', (datatype) => {
    const count = 10_007;
    const values = fc.sample(elements[datatype], { numRuns: 101, seed: 7 });
    const data = dataOf(
      datatype,
      Array.from({ length: count }, (_, index) => values[index % values.length] ?? 0),
    );
    const output: Tensor = { name: 'x', datatype, shape: [count], data };
    const answer = encodeAnswer({ modelName: 'm', modelVersion: '3', outputs: [output], wanted: [{ name: 'x', binary: false }] });
    const request = decodeRequest(Buffer.from(answer.body.toString('utf8').replace('"outputs"', '"inputs"')), {}, signatureOf([output]), limits);
    expectSame(request.inputs[0], output);
  });

  it('are requests that decode to the same tensors, binary and JSON mixed', () => {
    fc.assert(
      fc.property(requests, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (outputs, binary) => {
        const wanted = outputs.map(({ name }, index) => ({ name, binary: binary[index] ?? false }));
        const answer = encodeAnswer({ modelName: 'm"1', modelVersion: '3', id: 'q', outputs, wanted });
        const length = answer.inferenceHeaderContentLength ?? answer.body.length;
        const json = answer.body.toString('utf8', 0, length).replace('"outputs"', '"inputs"');
        const body = Buffer.concat([Buffer.from(json), answer.body.subarray(length)]);
        const request = decodeRequest(body, { inferenceHeaderContentLength: Buffer.byteLength(json) }, signatureOf(outputs), limits);
        for (const [index, tensor] of outputs.entries()) expectSame(request.inputs[index], tensor);
        expect(request.id).toBe('q');
      }),
    );
  });
});
