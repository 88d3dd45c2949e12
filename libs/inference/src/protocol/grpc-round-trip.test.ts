import { fileURLToPath } from 'node:url';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { type Datatype, datatypes, type Signature } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeNumericData, type TensorData } from '../tensors/datatypes.js';
import { elementCount, type Tensor } from '../tensors/tensor.js';
import { encodeGrpcAnswer } from './grpc-answer.js';
import { decodeGrpcRequest } from './grpc-request.js';
import { binaryDataOf } from './write-binary-data.js';

const limits = { maxBodyBytes: 1 << 24, maxInputElements: 1 << 20 };

type Values = readonly (number | bigint | string)[];
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
  FP16: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  FP32: fc.float(),
  FP64: fc.double(),
  BYTES: fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\u0000', '')),
};
const contentsOf: Record<Datatype, string> = {
  BOOL: 'bool_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  FP16: '',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

const modelInfer = methodOf('ModelInfer');

function methodOf(name: string): MethodDefinition<object, object> {
  const proto = fileURLToPath(new URL('../../proto/inference.proto', import.meta.url));
  const service = loadSync(proto, { keepCase: true, longs: String, enums: String, defaults: true })['inference.GRPCInferenceService'];
  const method: MethodDefinition<object, object> | undefined = Reflect.get(service ?? {}, name);
  if (method === undefined) throw new Error(`the service has no method ${name}`);
  return method;
}

function dataOf(datatype: Datatype, values: Values): TensorData {
  if (datatype === 'BYTES') return values.map(String);
  const data = makeNumericData(datatype, values.length);
  values.forEach((value, index) => {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[index] = BigInt(value);
    else data[index] = Number(value);
  });
  return data;
}

function tensorsOf(types: readonly Datatype[]) {
  return fc.constantFrom(...types).chain((datatype) =>
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).chain((shape) => {
      const count = elementCount(shape);
      const values = fc.array(elements[datatype], { minLength: count, maxLength: count });
      return fc
        .record({ name: fc.string({ unit: 'grapheme', minLength: 1 }), values })
        .map(({ name, values }): Tensor => ({ name, datatype, shape, data: dataOf(datatype, values) }));
    }),
  );
}

function requestsOf(types: readonly Datatype[]) {
  return fc.uniqueArray(tensorsOf(types), { minLength: 1, maxLength: 4, selector: (tensor) => tensor.name });
}

function signatureOf(given: readonly Tensor[]): Signature {
  const inputs = given.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(() => -1) }));
  return { inputs, outputs: inputs };
}

/** Elements as the other library takes them. */
function contents({ datatype, data }: Tensor): object {
  const values = Array.from<string | number | bigint, unknown>(data, (value) => {
    if (datatype === 'BYTES') return Buffer.from(String(value), 'utf8');
    if (datatype === 'BOOL') return value === 1;
    return typeof value === 'bigint' ? String(value) : value;
  });
  return { [contentsOf[datatype]]: values };
}

describe('requests that another library wrote', () => {
  it('come through typed contents as they were', () => {
    const typed = datatypes.filter((datatype) => datatype !== 'FP16');
    fc.assert(
      fc.property(requestsOf(typed), fc.string({ unit: 'grapheme', maxLength: 20 }), (given, id) => {
        const inputs = given.map((tensor) => ({ name: tensor.name, datatype: tensor.datatype, shape: tensor.shape, contents: contents(tensor) }));
        const body = modelInfer.requestSerialize({ model_name: 'm', id, inputs });
        const request = decodeGrpcRequest(body, signatureOf(given), limits);
        expect(request.id).toBe(id === '' ? undefined : id);
        expect(request.inputs).toEqual(given);
      }),
    );
  });

  it('come through raw contents bit by bit, wherever their bytes lie', () => {
    fc.assert(
      fc.property(requestsOf(datatypes), fc.integer({ min: 0, max: 7 }), (given, shift) => {
        const inputs = given.map(({ name, datatype, shape }) => ({ name, datatype, shape }));
        const message = modelInfer.requestSerialize({ model_name: 'm', inputs, raw_input_contents: given.map(binaryDataOf) });
        const body = Buffer.concat([Buffer.alloc(shift), message]).subarray(shift);
        expect(decodeGrpcRequest(body, signatureOf(given), limits).inputs).toEqual(given);
      }),
    );
  });
});

describe('answers', () => {
  it('are read by another library as they were, in every datatype', () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 200 });
    fc.assert(
      fc.property(requestsOf(datatypes), texts, texts, (outputs, modelName, id) => {
        const wanted = outputs.map(({ name }) => ({ name, binary: false }));
        const { body, contentType } = encodeGrpcAnswer({ modelName, modelVersion: '7', id, outputs, wanted });
        expect(contentType).toBe('application/grpc');
        expect(modelInfer.responseDeserialize(body)).toEqual({
          model_name: modelName,
          model_version: '7',
          id,
          parameters: {},
          outputs: outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(String), parameters: {}, contents: null })),
          raw_output_contents: outputs.map(binaryDataOf),
        });
      }),
    );
  });
});
