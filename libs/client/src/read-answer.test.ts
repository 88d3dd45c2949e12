import { describe, expect, it } from 'vitest';
import { OutputTensor } from './output-tensor.js';
import { Prediction } from './prediction.js';
import { readAnswer } from './read-answer.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const answer = (output: string) => bytesOf(`{"model_name":"m","model_version":"2","outputs":[${output}]}`);

describe('readAnswer', () => {
  it('reads bare NaN and the infinities, and 64-bit integers, from JSON', () => {
    const { outputs } = readAnswer(
      answer(
        '{"name":"a","datatype":"FP32","shape":[3],"data":[NaN,-Infinity,0.5]},{"name":"b","datatype":"UINT64","shape":[1],"data":[18446744073709551615]}',
      ),
      undefined,
    );
    expect(outputs.map(({ data }) => data)).toEqual([Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, 0.5), BigUint64Array.of(2n ** 64n - 1n)]);
  });

  it('keeps elements that are no text', () => {
    const json = bytesOf('{"outputs":[{"name":"t","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":11}}]}');
    const body = new Uint8Array([...json, 2, 0, 0, 0, 255, 254, 1, 0, 0, 0, 97]);
    const [output] = readAnswer(body, json.length).outputs;
    expect(output?.elements).toEqual([Uint8Array.of(255, 254), Uint8Array.of(97)]);
    expect(output?.data[1]).toBe('a');
  });

  const binary = (size: number, tail: number[]) => {
    const json = bytesOf(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":${size}}}]}`);
    return { body: new Uint8Array([...json, ...tail]), length: json.length };
  };
  it.each([
    { name: 'a tail that is too short', ...binary(4, [0, 0]), says: /expected 4 bytes, 2 are left/ },
    { name: 'bytes left over', ...binary(4, [0, 0, 0, 0, 1]), says: /1 bytes are left over/ },
    { name: 'bytes that are not of the shape', ...binary(3, [0, 0, 0]), says: /expected 4 bytes for FP32 \[1\], given 3/ },
    { name: 'a length beyond the body', body: answer(''), length: 1e6, says: /JSON part has 1000000/ },
    { name: 'something else than JSON', body: bytesOf('<html>'), length: undefined, says: /cannot be read/ },
    { name: 'no outputs', body: bytesOf('{}'), length: undefined, says: /list/ },
    {
      name: 'a datatype of tomorrow',
      body: answer('{"name":"y","datatype":"BF16","shape":[1],"data":[1]}'),
      length: undefined,
      says: /"BF16" is not known/,
    },
    {
      name: 'a shape that the data does not fill',
      body: answer('{"name":"y","datatype":"FP64","shape":[1e12],"data":[1]}'),
      length: undefined,
      says: /does not fill/,
    },
    {
      name: 'a value of another datatype',
      body: answer('{"name":"y","datatype":"INT8","shape":[1],"data":[300]}'),
      length: undefined,
      says: /from -128 to 127 at element 0/,
    },
    { name: 'null', body: answer('{"name":"y","datatype":"FP32","shape":[1],"data":[null]}'), length: undefined, says: /no value at element 0/ },
    { name: 'a negative dimension', body: answer('{"name":"y","datatype":"FP32","shape":[-1],"data":[1]}'), length: undefined, says: /no shape/ },
  ])('refuses $name', ({ body, length, says }) => {
    expect(() => readAnswer(body, length)).toThrow(says);
    expect(() => readAnswer(body, length)).toThrow(expect.objectContaining({ code: 'ANSWER_INVALID' }));
  });
});

describe('OutputTensor', () => {
  const tensor = new OutputTensor('y', 'BOOL', [2, 2], Uint8Array.of(1, 0, 0, 1));

  it('gives single values and nested lists', () => {
    expect(tensor.toNested()).toEqual([
      [true, false],
      [false, true],
    ]);
    expect([tensor.at(0, 0), tensor.at(1, 0), tensor.at(2, 0), tensor.at(0)]).toEqual([true, false, undefined, undefined]);
    expect(new OutputTensor('s', 'FP64', [], Float64Array.of(5)).toNested()).toBe(5);
    expect(new OutputTensor('e', 'FP64', [2, 0], Float64Array.of()).toNested()).toEqual([[], []]);
  });

  it('is of one datatype and no other', () => {
    expect(tensor.as('BOOL')).toBe(tensor);
    expect(() => tensor.as('FP32')).toThrow(/"y" is BOOL, not FP32/);
  });
});

describe('Prediction', () => {
  const given = { modelName: 'm', modelVersion: '2', id: undefined, outputs: [new OutputTensor('y', 'FP32', [1], Float32Array.of(1))] };

  it('names itself and its rows', () => {
    const prediction = new Prediction(given, { predictionId: 'prd_1', revision: 3, requestId: undefined });
    expect([prediction.predictionId, prediction.rowId(2), prediction.revision]).toEqual(['prd_1', 'prd_1#2', 3]);
    expect(() => prediction.rowId(-1)).toThrow(/row number/);
  });

  it('says what is missing', () => {
    const prediction = new Prediction(given, { predictionId: undefined, revision: undefined, requestId: undefined });
    expect(() => prediction.rowId(0)).toThrow(/slipway-prediction-id/);
    expect(() => prediction.output('z')).toThrow(/no output "z" in the answer, only "y"/);
    expect(prediction.output('y', 'FP32').data[0]).toBe(1);
  });
});
