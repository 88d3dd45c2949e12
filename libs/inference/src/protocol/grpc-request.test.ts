import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import { type ErrorCode, type Signature, SlipwayError } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeGrpcRequest } from './grpc-request.js';

const limits = { maxBodyBytes: 4 << 20, maxInputElements: 1000 };
const signature: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'k', datatype: 'INT8', shape: [-1], optional: true },
    { name: 'u', datatype: 'UINT16', shape: [-1], optional: true },
    { name: 'n', datatype: 'INT32', shape: [-1], optional: true },
    { name: 'w', datatype: 'INT64', shape: [], optional: true },
    { name: 'b', datatype: 'BOOL', shape: [-1], optional: true },
    { name: 'h', datatype: 'FP16', shape: [-1], optional: true },
    { name: 't', datatype: 'BYTES', shape: [-1], optional: true },
  ],
  outputs: [
    { name: 'y', datatype: 'FP32', shape: [-1, 1] },
    { name: 'z', datatype: 'BYTES', shape: [-1] },
  ],
};

const proto = fileURLToPath(new URL('../../proto/inference.proto', import.meta.url));
const service = loadSync(proto, { keepCase: true })['inference.GRPCInferenceService'];
const serialize: (message: object) => Buffer = Reflect.get(service ?? {}, 'ModelInfer').requestSerialize;

const x = { name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [1, 2] } };
const xRaw = { name: 'x', datatype: 'FP32', shape: [1, 2] };
const eight = Buffer.from(Float32Array.of(1, 2).buffer);

function decode(body: Buffer) {
  return decodeGrpcRequest(body, signature, limits);
}

/** A protobuf field with a length. */
function field(number: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

/** An input in typed form around the bytes of its contents. */
function typed(name: string, datatype: string, shape: number[], ...contents: Buffer[]): Buffer {
  const parts = contents.map((part) => field(5, part));
  return field(5, field(1, Buffer.from(name)), field(2, Buffer.from(datatype)), field(3, ...shape.map(varint)), ...parts);
}

const good = serialize({ model_name: 'm', inputs: [xRaw], raw_input_contents: [eight] });

describe('decodeGrpcRequest', () => {
  it('says what is wanted of the outputs, and takes the parameters with a meaning', () => {
    const parameters = {
      priority: { uint64_param: 1 },
      timeout: { int64_param: 1000 },
      my: { string_param: 'x' },
      sequence_id: { int64_param: 0 },
      triton_enable_empty_final_response: { bool_param: true },
    };
    const outputs = [{ name: 'z' }, { name: 'y', parameters: { classification: { int64_param: 3 }, binary_data: { bool_param: false } } }];
    const request = decode(serialize({ model_name: 'm', id: 'r-1', parameters, inputs: [x], outputs }));
    expect(request).toMatchObject({ id: 'r-1', priority: 1, timeoutMicros: 1000 });
    expect(request.outputs).toEqual([
      { name: 'z', binary: true },
      { name: 'y', binary: true, classification: 3 },
    ]);
  });

  it('wants all outputs where none is named; an empty id is none', () => {
    expect(decode(good)).toEqual({
      inputs: [{ ...xRaw, data: Float32Array.of(1, 2) }],
      outputs: [
        { name: 'y', binary: true },
        { name: 'z', binary: true },
      ],
    });
  });

  it('views raw and typed floats where they lie aligned', () => {
    const head = Buffer.concat([typed('x', 'FP32', [1, 2])]);
    for (let pad = 0; pad < 4; pad++) {
      const memory = new ArrayBuffer(256);
      const message = Buffer.concat([head, field(7, eight)]);
      const body = Buffer.from(memory, pad, message.length);
      message.copy(body);
      const data = decode(body).inputs[0]?.data;
      const isAligned = (body.byteOffset + body.length - 8) % 4 === 0;
      expect(data).toEqual(Float32Array.of(1, 2));
      expect(data instanceof Float32Array && data.buffer === memory).toBe(isAligned);
    }
  });

  it('takes lists one by one, packed, and in parts; a message in parts is one message; numbers that are not negative may be short', () => {
    const single = (value: number) => Buffer.concat([varint(2 * 8), varint(value)]);
    const request = decode(
      Buffer.concat([
        typed('x', 'FP32', [1, 2], field(6, eight.subarray(0, 4)), Buffer.concat([varint(6 * 8 + 5), eight.subarray(4)])),
        typed('k', 'INT8', [4], single(1), field(2, varint(2), varint(3)), single(4)),
        // -2 as 32 bits, and as 64 bits.
        typed('n', 'INT32', [2], field(2, varint(2 ** 32 - 2), Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]))),
      ]),
    );
    expect(request.inputs.map(({ data }) => data)).toEqual([Float32Array.of(1, 2), Int8Array.of(1, 2, 3, 4), Int32Array.of(-2, -2)]);
  });

  it('passes over what it does not know, groups among it', () => {
    const group = Buffer.concat([varint(100 * 8 + 3), varint(1 * 8 + 3), varint(8), varint(5), varint(1 * 8 + 4), varint(100 * 8 + 4)]);
    const others = [
      field(99, Buffer.from('whatever')),
      Buffer.concat([varint(98 * 8), varint(7)]),
      Buffer.concat([varint(97 * 8 + 1), eight]),
      group,
    ];
    for (const other of others) expect(decode(Buffer.concat([other, good, other])).inputs).toHaveLength(1);
  });

  it('takes an empty tensor without contents, with empty ones, and raw', () => {
    const none = { name: 'x', datatype: 'FP32', shape: [0, 2] };
    for (const message of [{ inputs: [none] }, { inputs: [{ ...none, contents: {} }] }, { inputs: [none], raw_input_contents: [Buffer.alloc(0)] }]) {
      expect(decode(serialize(message)).inputs[0]?.data).toEqual(new Float32Array(0));
    }
  });

  const raw = (bytes: Buffer) => ({ inputs: [xRaw], raw_input_contents: [bytes] });
  it.each<{ says: string; message: object; code?: ErrorCode }>([
    { message: { inputs: [] }, says: 'input "x" (FP32 [-1,2]) is missing' },
    { message: { inputs: [{ ...x, name: '' }] }, says: 'inputs[0] has no "name"' },
    { message: { inputs: [{ ...x, datatype: '' }] }, says: 'input "x" has no "datatype"' },
    { message: { inputs: [{ ...x, datatype: 'BF16' }] }, says: 'input "x": unknown datatype "BF16"' },
    { message: { inputs: [{ ...x, datatype: 'FP64' }] }, says: 'expected datatype FP32, given FP64' },
    { message: { inputs: [{ ...x, shape: [-1, 2] }] }, says: 'a dimension must be an integer from 0 on, given -1' },
    {
      message: { inputs: [{ ...x, shape: ['9223372036854775807', 2] }] },
      says: 'a dimension must be an integer from 0 on, given 9223372036854775807',
    },
    { message: { inputs: [{ ...x, shape: Array.from({ length: 65 }, () => 1) }] }, says: 'more than 64 dimensions' },
    { message: { inputs: [{ ...x, shape: [2 ** 52, 2] }] }, says: 'expected 9007199254740992 values for shape [4503599627370496,2], given fewer' },
    { message: { inputs: [x, x] }, says: 'input "x" is given twice' },
    { message: { inputs: [x, ...Array.from({ length: 20 }, () => ({ ...x, name: 'other' }))] }, says: 'unknown input "other"' },
    { message: { inputs: [xRaw] }, says: 'input "x" has neither "contents" nor an entry in "raw_input_contents"' },
    { message: { inputs: [x], raw_input_contents: [eight] }, says: 'input "x" has "contents" although "raw_input_contents" is given' },
    {
      message: { inputs: [xRaw], raw_input_contents: [eight, eight] },
      says: 'raw_input_contents has 2 entries, expected one for each of the 1 inputs',
    },
    { message: { inputs: [xRaw], raw_input_contents: Array.from({ length: 100 }, () => eight) }, says: 'has 100 entries' },
    { message: raw(eight.subarray(1)), says: 'expected 8 bytes for FP32 [1,2], given 7' },
    { message: { inputs: [{ ...x, contents: { fp32_contents: [1] } }] }, says: 'expected 2 values for shape [1,2], given fewer' },
    { message: { inputs: [{ ...x, contents: { fp32_contents: [1, 2, 3] } }] }, says: 'expected 2 values for shape [1,2], given more' },
    { message: { inputs: [{ ...x, contents: { fp64_contents: [1, 2] } }] }, says: 'input "x": FP32 belongs into fp32_contents, given fp64_contents' },
    {
      message: { inputs: [x, { name: 'k', datatype: 'INT8', shape: [1], contents: { int_contents: [300] } }] },
      says: '300 is outside the range of INT8',
    },
    {
      message: { inputs: [x, { name: 'k', datatype: 'INT8', shape: [1], contents: { int_contents: [-129] } }] },
      says: '-129 is outside the range of INT8',
    },
    {
      message: { inputs: [x, { name: 'k', datatype: 'INT8', shape: [3], contents: { int_contents: [1, 2] } }] },
      says: 'expected 3 values for shape [3]',
    },
    {
      message: { inputs: [x, { name: 'u', datatype: 'UINT16', shape: [1], contents: { uint_contents: [65536] } }] },
      says: '65536 is outside the range of UINT16',
    },
    {
      message: { inputs: [x, { name: 'h', datatype: 'FP16', shape: [1], contents: { fp32_contents: [1] } }] },
      says: 'FP16 has no typed contents; send it in raw_input_contents',
    },
    {
      message: { inputs: [x, { name: 't', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.of(0xff)] } }] },
      says: 'element 0 is not UTF-8',
    },
    { message: { inputs: [x, { name: 't', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.of(0)] } }] }, says: 'U+0000' },
    {
      message: { inputs: [x, { name: 't', datatype: 'BYTES', shape: [3], contents: { bytes_contents: [Buffer.from('abcd')] } }] },
      says: 'expected 3 values for shape [3], given 1',
    },
    {
      message: { inputs: [{ ...x, shape: [600, 2], contents: { fp32_contents: Array.from({ length: 1200 }, () => 0) } }] },
      says: 'the request has 1200 typed values, the limit is 1000',
      code: 'INFER_TOO_LARGE',
    },
    { message: { inputs: [x], outputs: [{ name: 'y' }, { name: 'y' }] }, says: 'output "y" is asked for twice' },
    { message: { inputs: [x], outputs: [{ name: 'q' }] }, says: 'unknown output "q": the model gives "y", "z"' },
    { message: { inputs: [x], outputs: [{}] }, says: 'outputs[0] has no "name"' },
    { message: { inputs: [x], outputs: [{ name: 'z', parameters: { classification: { int64_param: 1 } } }] }, says: 'classification needs numbers' },
    { message: { inputs: [x], id: 'i'.repeat(1025) }, says: 'the field "id" has 1025 characters, the limit is 1024' },
    { message: { inputs: [x], parameters: { sequence_id: { string_param: 'a' } } }, says: 'asks for a sequence', code: 'FEATURE_UNSUPPORTED' },
    {
      message: { inputs: [{ ...xRaw, parameters: { shared_memory_region: { string_param: 'a' } } }] },
      says: 'shared memory is not supported',
      code: 'FEATURE_UNSUPPORTED',
    },
    { message: { inputs: [x], parameters: { triton_other: { bool_param: true } } }, says: 'are reserved by the protocol' },
    { message: { inputs: [x], parameters: { p: {} } }, says: 'the parameter "p" has no value, or one of a kind that is not known' },
    { message: { inputs: [x], parameters: { timeout: { int64_param: -1 } } }, says: 'the parameter "timeout" must be' },
    { message: { inputs: [x], parameters: { timeout: { uint64_param: '18446744073709551615' } } }, says: 'given "18446744073709551615"' },
    {
      message: { inputs: [x], parameters: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`p${i}`, { bool_param: true }])) },
      says: 'more than 256 parameters',
    },
  ])('says: $says', ({ message, says, code = 'INFER_INVALID' }) => {
    const attempt = () => decode(serialize({ model_name: 'm', ...message }));
    expect(attempt).toThrow(says);
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });

  const deep = Buffer.alloc(10_000, 0x0b);
  it.each<{ name: string; body: Buffer; says: string }>([
    { name: 'a number that does not end', body: Buffer.alloc(11, 0xff), says: 'more than 64 bits' },
    { name: 'a number that is cut', body: Buffer.of(0xff), says: 'ends in the middle' },
    { name: 'a length beyond the end', body: Buffer.concat([varint(10), varint(2 ** 31)]), says: 'longer than the 0 bytes left' },
    { name: 'a length of 64 bits', body: Buffer.concat([varint(10), varint(2 ** 50)]), says: 'longer than the 0 bytes left' },
    { name: 'field number 0', body: Buffer.of(2, 0), says: 'no field of such a number' },
    { name: 'a field number that is too large', body: Buffer.concat([varint(2 ** 40), Buffer.of(0)]), says: 'no field of such a number' },
    { name: 'a wire type that does not exist', body: Buffer.of(0x1e), says: 'wire type 6' },
    {
      name: 'a known field with the wire type of another',
      body: Buffer.concat([varint(3 * 8), varint(1)]),
      says: 'field 3 has wire type 0, expected 2',
    },
    { name: 'a group that ends without a beginning', body: Buffer.of(0x0c), says: 'wire type 4' },
    { name: 'groups nested 10 000 deep', body: deep, says: 'nested more than 16 deep' },
    { name: 'a group that ends as another', body: Buffer.concat([varint(100 * 8 + 3), varint(99 * 8 + 4)]), says: 'did not begin' },
    { name: 'a group without an end', body: varint(100 * 8 + 3), says: 'ends in the middle' },
    { name: 'a name that is not UTF-8', body: field(5, field(1, Buffer.of(0xff))), says: 'not UTF-8' },
    {
      name: 'packed floats with a rest',
      body: typed('x', 'FP32', [1, 2], field(6, Buffer.alloc(9))),
      says: '9 bytes are not a whole number of FP32 values',
    },
    {
      name: 'a packed number that reaches beyond its list',
      body: Buffer.concat([typed('x', 'FP32', [1, 2], field(6, eight)), typed('k', 'INT8', [1], field(2, Buffer.of(0x80)), varint(1))]),
      says: 'ends in the middle',
    },
    {
      name: 'contents of the wrong wire type',
      body: typed('x', 'FP32', [1, 2], Buffer.concat([varint(6 * 8), varint(1), Buffer.alloc(8)])),
      says: 'field 6 has wire type 0, expected 5',
    },
  ])('refuses $name', ({ body, says }) => {
    expect(() => decode(body)).toThrow(says);
    expect(() => decode(body)).toThrow(expect.objectContaining({ code: 'INFER_INVALID' }));
  });

  it('refuses a message over the limit of bytes', () => {
    expect(() => decodeGrpcRequest(good, signature, { ...limits, maxBodyBytes: good.length - 1 })).toThrow(
      expect.objectContaining({ code: 'INFER_TOO_LARGE' }),
    );
    expect(decodeGrpcRequest(good, signature, { ...limits, maxBodyBytes: good.length }).inputs).toHaveLength(1);
  });

  it('never fails but with a refusal, whatever the bytes; every cut of a good message is refused or another good one', () => {
    const survives = (body: Buffer) => {
      try {
        decode(body);
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error;
        expect(['INFER_INVALID', 'INFER_TOO_LARGE', 'FEATURE_UNSUPPORTED']).toContain(error.code);
      }
    };
    const samples = [
      good,
      serialize({
        id: 'r',
        inputs: [x, { name: 'k', datatype: 'INT8', shape: [2], contents: { int_contents: [1, -1] } }],
        outputs: [{ name: 'y' }],
        parameters: { a: { double_param: 1 } },
      }),
    ];
    for (const sample of samples) for (let end = 0; end <= sample.length; end++) survives(sample.subarray(0, end));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(Buffer.from(bytes))),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(), fc.integer({ min: 0, max: 255 }), (sample, at, byte) => {
        const body = Buffer.from(sample);
        body[at % body.length] = byte;
        survives(body);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps no more of a message of millions of parts than the model could use', () => {
    const many = (part: Buffer) => Buffer.alloc(limits.maxBodyBytes - (limits.maxBodyBytes % part.length), part);
    const before = process.memoryUsage().heapUsed;
    const startedAt = performance.now();
    for (const part of [
      Buffer.of(0x3a, 0),
      field(5, field(1, Buffer.from('x')), field(2, Buffer.from('FP32'))),
      field(6, field(1, Buffer.from('y'))),
    ]) {
      expect(() => decode(many(part))).toThrow(SlipwayError);
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
