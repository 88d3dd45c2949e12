import { type Datatype, datatypes, type Signature } from '@slipway/contracts';
import { decodeRequest, encodeAnswer, fromFloat16, makeNumericData, type Tensor, type TensorData, toFloat16 } from '@slipway/inference';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementCount } from './datatypes.js';
import { readAnswer } from './read-answer.js';
import type { NamedInput, NestedValues } from './tensor-input.js';
import { toWireTensor } from './wire-tensor.js';
import { type RequestFormat, writeRequest } from './write-request.js';

const serverLimits = { maxBodyBytes: 1 << 24, maxInputElements: 1 << 20 };
const bigs = (low: bigint, high: bigint) => fc.bigInt({ min: low, max: high });
const elements: Record<Datatype, fc.Arbitrary<number | bigint | string | boolean>> = {
  BOOL: fc.boolean(),
  UINT8: fc.integer({ min: 0, max: 2 ** 8 - 1 }),
  UINT16: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  UINT32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  UINT64: bigs(0n, 2n ** 64n - 1n),
  INT8: fc.integer({ min: -(2 ** 7), max: 2 ** 7 - 1 }),
  INT16: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  INT32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  INT64: bigs(-(2n ** 63n), 2n ** 63n - 1n),
  FP16: fc.double().map((value) => fromFloat16(toFloat16(value))),
  FP32: fc.float(),
  FP64: fc.double(),
  BYTES: fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\u0000', '')),
};

type Value = number | bigint | string | boolean;

interface Given {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly values: readonly Value[];
}

const tensors = fc.constantFrom(...datatypes).chain((datatype) =>
  fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).chain((shape) => {
    const count = elementCount(shape);
    const values = fc.array(elements[datatype], { minLength: count, maxLength: count });
    return fc.record({ name: fc.string({ unit: 'grapheme', minLength: 1 }), datatype: fc.constant(datatype), shape: fc.constant(shape), values });
  }),
);
const requests: fc.Arbitrary<readonly Given[]> = fc.uniqueArray(tensors, { minLength: 1, maxLength: 4, selector: (tensor) => tensor.name });
const formats = fc.constantFrom<RequestFormat>('auto', 'json', 'binary');

/** Nested as the shape says, the way a caller would write it. */
function nested({ shape, values }: Given): NestedValues {
  const items = [...values];
  const nest = (sizes: readonly number[]): NestedValues => {
    const [size, ...rest] = sizes;
    return size === undefined ? (items.shift() ?? '') : Array.from({ length: size }, () => nest(rest));
  };
  return nest(shape);
}

/** The values as the server holds them. */
function serverData({ datatype, values }: Given): TensorData {
  if (datatype === 'BYTES') return values.map(String);
  const data = makeNumericData(datatype, values.length);
  values.forEach((value, index) => {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[index] = BigInt(value);
    else data[index] = datatype === 'FP16' ? toFloat16(Number(value)) : Number(value);
  });
  return data;
}

function signatureOf(given: readonly Given[]): Signature {
  const inputs = given.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(() => -1) }));
  return { inputs, outputs: inputs };
}

function sent(given: readonly Given[], inputs: readonly NamedInput[], format: RequestFormat) {
  const written = writeRequest({ inputs: inputs.map((input) => toWireTensor(input, undefined)), format, binaryOutputs: true, id: 'q"1' });
  const { inferenceHeaderContentLength } = written;
  const layout = inferenceHeaderContentLength === undefined ? {} : { inferenceHeaderContentLength };
  return decodeRequest(Buffer.from(written.body), layout, signatureOf(given), serverLimits);
}

describe('requests of the client are read by the server as they were meant', () => {
  it.each(['nested', 'flat'] as const)('from %s lists, in every datatype and form', (layout) => {
    fc.assert(
      fc.property(requests, formats, (given, format) => {
        const inputs = given.map((tensor): NamedInput => {
          const { name, datatype, shape, values } = tensor;
          return layout === 'flat' ? { name, datatype, shape, data: values } : { name, datatype, shape, data: nested(tensor) };
        });
        const request = sent(given, inputs, format);
        expect(request.id).toBe('q"1');
        expect(request.outputs.every((output) => output.binary)).toBe(true);
        for (const [index, tensor] of given.entries()) {
          expect(request.inputs[index]?.shape).toEqual(tensor.shape);
          expect(request.inputs[index]?.data).toEqual(serverData(tensor));
        }
      }),
    );
  });

  it('from typed arrays, wherever they lie in their memory', () => {
    fc.assert(
      fc.property(requests, formats, fc.integer({ min: 0, max: 3 }), (given, format, shift) => {
        const numeric = given.filter((tensor) => tensor.datatype !== 'BYTES');
        const inputs = numeric.map((tensor): NamedInput => {
          const { name, datatype, shape } = tensor;
          const data = serverData(tensor);
          if (datatype === 'BYTES' || isTexts(data)) throw new Error('only numbers here');
          const wide = makeNumericData(datatype, data.length + shift);
          if (wide instanceof BigInt64Array || wide instanceof BigUint64Array) wide.set(Array.from(data, BigInt), shift);
          else wide.set(Array.from(data, Number), shift);
          return { name, datatype, shape, data: wide.subarray(shift) };
        });
        const request = sent(numeric, inputs, format);
        for (const [index, tensor] of numeric.entries())
          expect(plain(tensor.datatype, request.inputs[index]?.data)).toEqual(plain(tensor.datatype, serverData(tensor)));
      }),
    );
  });
});

describe('answers of the server are read by the client as they were meant', () => {
  it('binary and JSON mixed, in every datatype', () => {
    fc.assert(
      fc.property(requests, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (given, binary) => {
        const outputs = given.map((tensor): Tensor => ({ ...tensor, data: serverData(tensor) }));
        const wanted = outputs.map(({ name }, index) => ({ name, binary: binary[index] ?? false }));
        const answer = encodeAnswer({ modelName: 'm"1', modelVersion: '3', id: 'q', outputs, wanted });
        const read = readAnswer(answer.body, answer.inferenceHeaderContentLength);
        expect(read).toMatchObject({ modelName: 'm"1', modelVersion: '3', id: 'q' });
        for (const [index, tensor] of given.entries()) {
          const output = read.outputs[index];
          expect(output).toMatchObject({ name: tensor.name, datatype: tensor.datatype, shape: tensor.shape });
          expect(output?.toNested()).toEqual(nestedAnswer(tensor));
          expect(Array.from<unknown>(output?.data ?? [])).toEqual(tensor.values.map((value) => (typeof value === 'boolean' ? Number(value) : value)));
          if (binary[index] === true && tensor.datatype === 'BYTES')
            expect(output?.elements?.map((element) => Buffer.from(element).toString('utf8'))).toEqual(tensor.values);
        }
      }),
    );
  });
});

/** One NaN of FP16 is as good as another. */
function plain(datatype: Datatype, data: TensorData | undefined): unknown {
  if (datatype !== 'FP16') return data;
  return Array.from<string | number | bigint, unknown>(data ?? [], (half) => ((Number(half) & 0x7fff) > 0x7c00 ? 'NaN' : half));
}

function nestedAnswer(tensor: Given): unknown {
  return nested(tensor);
}

function isTexts(data: TensorData): data is readonly string[] {
  return Array.isArray(data);
}
