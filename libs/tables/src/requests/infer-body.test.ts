import type { Signature } from '@slipway/contracts';
import { decodeRequest, encodeAnswer, type Tensor } from '@slipway/inference';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowPacker } from '../mapping/row-packer.js';
import { decodeInferAnswer } from './infer-answer.js';
import { bytesOfRows, encodeInferBody } from './infer-body.js';

const inputs = [
  { name: 'n', datatype: 'FP32' as const, shape: [-1, 2] },
  { name: 't', datatype: 'BYTES' as const, shape: [-1] },
];
const signature: Signature = { inputs, outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }] };
const limits = { maxBodyBytes: 1e8, maxInputElements: 1e8 };

describe('encodeInferBody', () => {
  it('gives any run of rows as the server reads it', () => {
    const rows = fc.array(
      fc.tuple(
        fc.tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true })),
        fc.string({ maxLength: 8 }).filter((text) => !/[\0\p{Surrogate}]/u.test(text)),
      ),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(rows, fc.nat(), fc.nat(), (given, a, b) => {
        const packer = new RowPacker({
          ids: [],
          inputs: [
            { input: inputs[0] ?? signature.outputs[0] ?? never(), rowShape: [2], source: { kind: 'column', column: { name: 'n', index: 0 } } },
            { input: inputs[1] ?? never(), rowShape: [], source: { kind: 'column', column: { name: 't', index: 1 } } },
          ],
        });
        for (const row of given) packer.add({ kind: 'cells', cells: row });
        const [segment] = packer.take(1, { row: given.length }).segments;
        if (segment === undefined) throw new Error('no segment');
        const from = a % given.length;
        const to = from + 1 + (b % (given.length - from));
        const { body, headerBytes } = encodeInferBody(segment, from, to, true);
        const request = decodeRequest(body, { inferenceHeaderContentLength: headerBytes }, signature, limits);
        expect(request.inputs.map((tensor) => tensor.shape)).toEqual([[to - from, 2], [to - from]]);
        expect(request.inputs[0]?.data).toEqual(Float32Array.from(given.slice(from, to).flatMap(([pair]) => pair)));
        expect(request.inputs[1]?.data).toEqual(given.slice(from, to).map(([, text]) => text));
        expect(body.length - headerBytes).toBe(bytesOfRows(segment, from, to));
      }),
    );
  });
});

describe('decodeInferAnswer', () => {
  const tensors: Tensor[] = [
    { name: 'f', datatype: 'FP32', shape: [2, 1], data: Float32Array.of(0.5, Number.NaN) },
    { name: 'd', datatype: 'FP64', shape: [2], data: Float64Array.of(-0.1, 1e300) },
    { name: 'h', datatype: 'FP16', shape: [2], data: Uint16Array.of(0x3c00, 0xfc00) },
    { name: 'i', datatype: 'INT64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 5n) },
    { name: 'u', datatype: 'UINT64', shape: [2], data: BigUint64Array.of(2n ** 64n - 1n, 0n) },
    { name: 'i32', datatype: 'INT32', shape: [2], data: Int32Array.of(-1, 2) },
    { name: 'u32', datatype: 'UINT32', shape: [2], data: Uint32Array.of(1, 4_000_000_000) },
    { name: 'i16', datatype: 'INT16', shape: [2], data: Int16Array.of(-1, 2) },
    { name: 'u16', datatype: 'UINT16', shape: [2], data: Uint16Array.of(1, 65_535) },
    { name: 'i8', datatype: 'INT8', shape: [2], data: Int8Array.of(-1, 2) },
    { name: 'u8', datatype: 'UINT8', shape: [2], data: Uint8Array.of(1, 255) },
    { name: 'b', datatype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) },
    { name: 't', datatype: 'BYTES', shape: [2], data: ['é', ''] },
  ];
  const wanted = tensors.map((tensor) => ({ name: tensor.name, binary: true }));

  it('reads every datatype as the server writes it', () => {
    const { body, inferenceHeaderContentLength } = encodeAnswer({ modelName: 'm', modelVersion: '7', outputs: tensors, wanted });
    const answer = decodeInferAnswer(body, inferenceHeaderContentLength);
    expect(answer.version).toBe(7);
    expect(answer.outputs.map((output) => [output.name, output.at(0), output.at(1)])).toEqual([
      ['f', 0.5, Number.NaN],
      ['d', -0.1, 1e300],
      ['h', 1, Number.NEGATIVE_INFINITY],
      ['i', -(2n ** 63n), 5n],
      ['u', 2n ** 64n - 1n, 0n],
      ['i32', -1, 2],
      ['u32', 1, 4_000_000_000],
      ['i16', -1, 2],
      ['u16', 1, 65_535],
      ['i8', -1, 2],
      ['u8', 1, 255],
      ['b', true, false],
      ['t', 'é', ''],
    ]);
  });

  it('refuses answers that contradict themselves', () => {
    const { body, inferenceHeaderContentLength } = encodeAnswer({ modelName: 'm', modelVersion: '7', outputs: tensors, wanted });
    expect(() => decodeInferAnswer(body.subarray(0, -1), inferenceHeaderContentLength)).toThrow();
    expect(() => decodeInferAnswer(Buffer.concat([body, Buffer.from('x')]), inferenceHeaderContentLength)).toThrow(/announces/);
    expect(() => decodeInferAnswer(Buffer.from('{"error":"no"}'), undefined)).toThrow();
  });
});

function never(): never {
  throw new Error('not reached');
}
