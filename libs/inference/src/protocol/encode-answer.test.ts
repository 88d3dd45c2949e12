import { gunzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../tensors/tensor.js';
import { chooseEncoding } from './choose-encoding.js';
import { encodeAnswer } from './encode-answer.js';

const output: Tensor = { name: 'y', datatype: 'FP32', shape: [4], data: Float32Array.of(1, -0, Number.NaN, Number.NEGATIVE_INFINITY) };
const answer = { modelName: 'fraud', modelVersion: '3', outputs: [output], wanted: [{ name: 'y', binary: false }] };

describe('encodeAnswer', () => {
  it('writes flat JSON with bare NaN and infinities', () => {
    const { body, contentType, inferenceHeaderContentLength } = encodeAnswer({ ...answer, id: 'q"' });
    expect(body.toString()).toBe(
      '{"model_name":"fraud","model_version":"3","id":"q\\"","outputs":[{"name":"y","datatype":"FP32","shape":[4],"data":[1,-0.0,NaN,-Infinity]}]}',
    );
    expect(contentType).toBe('application/json');
    expect(inferenceHeaderContentLength).toBeUndefined();
  });

  it('puts binary outputs behind the JSON in the order of the outputs', () => {
    const { body, contentType, inferenceHeaderContentLength = 0 } = encodeAnswer({ ...answer, wanted: [{ name: 'y', binary: true }] });
    expect(contentType).toBe('application/octet-stream');
    expect(body.toString('utf8', 0, inferenceHeaderContentLength)).toBe(
      '{"model_name":"fraud","model_version":"3","outputs":[{"name":"y","datatype":"FP32","shape":[4],"parameters":{"binary_data_size":16}}]}',
    );
    expect(body.subarray(inferenceHeaderContentLength)).toEqual(Buffer.from(Float32Array.of(1, -0, Number.NaN, Number.NEGATIVE_INFINITY).buffer));
  });

  it('gives classes as texts, as JSON and as bytes', () => {
    const scores: Tensor = { name: 'p', datatype: 'FP32', shape: [1, 3], data: Float32Array.of(0.25, 0.5, 0.125) };
    const task = { scoreOutput: 'p', classes: ['a', 'b"', 'c'], rowAxis: 0 };
    const given = { ...answer, outputs: [scores, output], task };
    const wanted = [
      { name: 'p', binary: false, classification: 2 },
      { name: 'y', binary: false },
    ];
    const { outputs } = JSON.parse(encodeAnswer({ ...given, outputs: [scores], wanted: wanted.slice(0, 1) }).body.toString());
    expect(outputs).toEqual([{ name: 'p', datatype: 'BYTES', shape: [1, 2], data: ['0.500000:1:b"', '0.250000:0:a'] }]);
    const mixed = encodeAnswer({
      ...given,
      wanted: [
        { name: 'p', binary: true, classification: 1 },
        { name: 'y', binary: false },
      ],
    });
    expect(mixed.body.subarray(mixed.inferenceHeaderContentLength)).toEqual(Buffer.from('\x0d\0\0\x000.500000:1:b"', 'latin1'));
    expect(mixed.body.toString('latin1')).toContain('"datatype":"BYTES","shape":[1,1],"parameters":{"binary_data_size":17}');
  });

  it('writes the heads of many models and outputs apart', () => {
    const text = (modelName: string, name: string, datatype: 'FP32' | 'FP64') => {
      const data = datatype === 'FP32' ? Float32Array.of(1) : Float64Array.of(1);
      return encodeAnswer({
        modelName,
        modelVersion: '1',
        outputs: [{ name, datatype, shape: [], data }],
        wanted: [{ name, binary: false }],
      }).body.toString();
    };
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 600; index++) {
        const datatype = index % 2 === round ? 'FP32' : 'FP64';
        expect(text(`m"${index}`, `ö${index}`, datatype)).toBe(
          `{"model_name":"m\\"${index}","model_version":"1","outputs":[{"name":"ö${index}","datatype":"${datatype}","shape":[],"data":[1]}]}`,
        );
      }
    }
  });

  it('keeps the binary size of an empty output, and no header when no byte follows', () => {
    const empty = { ...output, shape: [0], data: new Float32Array(0) };
    const { body, contentType, inferenceHeaderContentLength } = encodeAnswer({ ...answer, outputs: [empty], wanted: [{ name: 'y', binary: true }] });
    expect(body.toString()).toContain('"parameters":{"binary_data_size":0}');
    expect({ contentType, inferenceHeaderContentLength }).toEqual({ contentType: 'application/json', inferenceHeaderContentLength: undefined });
  });

  it('writes large outputs in pieces that join without a seam', () => {
    const data = Float32Array.from({ length: 200_003 }, (_, index) => (index % 977) / 4);
    const { body } = encodeAnswer({ ...answer, outputs: [{ ...output, shape: [data.length], data }] });
    expect(Float32Array.from(JSON.parse(body.toString()).outputs[0].data)).toEqual(data);
  });

  it('compresses where the caller wants it, counting the header before compression', () => {
    const data = new Float32Array(2000);
    const large = { ...answer, outputs: [{ ...output, shape: [2000], data }], wanted: [{ name: 'y', binary: true }] };
    const plain = encodeAnswer(large);
    const zipped = encodeAnswer({ ...large, acceptEncoding: 'deflate;q=0.5, gzip' });
    expect(zipped.contentEncoding).toBe('gzip');
    expect(gunzipSync(zipped.body)).toEqual(plain.body);
    expect(zipped.inferenceHeaderContentLength).toBe(plain.inferenceHeaderContentLength);
    expect(inflateSync(encodeAnswer({ ...large, acceptEncoding: 'deflate' }).body)).toEqual(plain.body);
    expect(encodeAnswer({ ...answer, acceptEncoding: 'gzip' }).contentEncoding).toBeUndefined();
  });
});

describe('chooseEncoding', () => {
  it.each([
    ['', 'identity'],
    ['br', 'identity'],
    ['gzip, deflate', 'gzip'],
    ['deflate', 'deflate'],
    ['gzip;q=0', 'identity'],
    ['gzip;q=0.2, deflate;q=0.8', 'deflate'],
    ['*', 'gzip'],
    ['identity, gzip;q=0.5', 'identity'],
    ['GZIP', 'gzip'],
    ['gzip;q=banana', 'identity'],
  ])('%j gives %s', (accept, chosen) => expect(chooseEncoding(accept)).toBe(chosen));
});
