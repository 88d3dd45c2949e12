import { gunzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeGrpcAnswer } from './grpc-answer.js';

const wanted = [{ name: 'y', binary: true }];
const answer = {
  modelName: 'm',
  modelVersion: '1',
  outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [100], data: new Float32Array(100) }],
  wanted,
};

describe('encodeGrpcAnswer', () => {
  it('compresses with what the caller asks for, where it is worth it', () => {
    const plain = encodeGrpcAnswer(answer);
    expect(plain).not.toHaveProperty('contentEncoding');
    const zipped = encodeGrpcAnswer({ ...answer, acceptEncoding: 'gzip' });
    expect(zipped.contentEncoding).toBe('gzip');
    expect(gunzipSync(zipped.body)).toEqual(plain.body);
    const deflated = encodeGrpcAnswer({ ...answer, acceptEncoding: 'deflate' });
    expect(deflated.contentEncoding).toBe('deflate');
    expect(inflateSync(deflated.body)).toEqual(plain.body);
    const short = { ...answer, outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [], data: Float32Array.of(1) }], acceptEncoding: 'gzip' };
    expect(encodeGrpcAnswer(short)).not.toHaveProperty('contentEncoding');
  });

  it('gives classes where they are wanted, as texts with their lengths', () => {
    const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: [1, 3], data: Float32Array.of(0.5, 2, 1) }];
    const task = { scoreOutput: 'y', classes: ['a', 'b', 'c'], rowAxis: 0 };
    const { body } = encodeGrpcAnswer({ ...answer, outputs, wanted: [{ name: 'y', binary: true, classification: 2 }], task });
    const text = body.toString('latin1');
    expect(text).toContain('\x12\x05BYTES\x1a\x02\x01\x02');
    expect(text).toContain('\x0c\x00\x00\x002.000000:1:b\x0c\x00\x00\x001.000000:2:c');
  });

  it('copies the data, so that the model may use its memory again', () => {
    const data = Float32Array.of(1, 2);
    const { body } = encodeGrpcAnswer({ ...answer, outputs: [{ name: 'y', datatype: 'FP32', shape: [2], data }] });
    const before = Buffer.from(body);
    data.fill(9);
    expect(body).toEqual(before);
  });
});
