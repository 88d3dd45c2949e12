import { describe, expect, it } from 'vitest';
import { difference } from '../material/compare.mjs';
import { numberText, parseExact } from '../material/exact-json.mjs';
import { inferRequest, readInferAnswer, refusalFault } from '../material/rest.mjs';
import { bytesOf, jsonOf, valuesOfBytes, valuesOfJson } from '../material/tensors.mjs';

describe('parseExact', () => {
  it('keeps what JSON.parse would round or refuse, and leaves texts alone', () => {
    const value = parseExact('{"a":[NaN,-Infinity,18446744073709551615,-9223372036854775808,-0.0,1e3],"NaN":"Infinity 12345678901234567890"}');
    expect(value.a).toEqual([Number.NaN, Number.NEGATIVE_INFINITY, 18446744073709551615n, -9223372036854775808n, -0, 1000]);
    expect(value.NaN).toBe('Infinity 12345678901234567890');
  });

  it('reads back what numberText writes', () => {
    for (const value of [-0, Number.NaN, Number.NEGATIVE_INFINITY, 2n ** 63n, 0.1]) expect(parseExact(`[${numberText(value)}]`)).toEqual([value]);
  });
});

describe('tensors', () => {
  it.each([
    ['BOOL', [true, false]],
    ['INT8', [-128, 127]],
    ['UINT64', [18446744073709551615n]],
    ['INT64', [-(2n ** 63n)]],
    ['FP16', [0, -0, 1.5, 65504, 2 ** -24, 2 ** -14, Number.NaN, Number.POSITIVE_INFINITY]],
    ['FP32', [Math.fround(0.1), -0, Number.NaN]],
    ['FP64', [0.1]],
    ['BYTES', ['', 'Grüße', '😀']],
  ])('%s survives both forms', (datatype, values) => {
    const tensor = { name: 'x', datatype, shape: [values.length], values };
    expect(valuesOfBytes(datatype, bytesOf(tensor))).toEqual(values);
    expect(valuesOfJson(datatype, parseExact(jsonOf(tensor)))).toEqual(values);
  });

  it('rounds halves to even', () => {
    expect(valuesOfJson('FP16', [2049, 2051, 65520, 2 ** -25])).toEqual([2048, 2052, Number.POSITIVE_INFINITY, 0]);
  });
});

describe('difference', () => {
  const tensor = (values: number[], datatype = 'FP32') => ({ name: 'y', datatype, shape: [values.length], values });

  it('allows floats their tolerance and integers none', () => {
    expect(difference([tensor([1])], [tensor([1.00001])])).toBeUndefined();
    expect(difference([tensor([1])], [tensor([1.1])])).toContain('differs at 0');
    expect(difference([tensor([1], 'INT32')], [tensor([2], 'INT32')])).toContain('differs at 0');
    expect(difference([tensor([0])], [tensor([-0])])).toBeUndefined();
    expect(difference([tensor([0])], [tensor([-0])], 'exact')).toContain('-0, not 0');
  });

  it('sees NaN, shapes, datatypes, missing and surplus outputs', () => {
    expect(difference([tensor([Number.NaN])], [tensor([1])])).toContain('not NaN');
    expect(difference([tensor([1])], [tensor([1, 2])])).toContain('has shape');
    expect(difference([tensor([1])], [tensor([1], 'FP64')])).toContain('is FP64');
    expect(difference([tensor([1])], [])).toContain('is missing');
    expect(difference([], [tensor([1])])).toContain('was not expected');
  });
});

describe('what an answer must be', () => {
  const answer = (headers: Record<string, string>, body: Buffer) => ({ status: 200, headers, body });

  it('reads the binary form that it writes', () => {
    const request = inferRequest([{ name: 'y', datatype: 'INT32', shape: [2], values: [1, 2] }], 'binary');
    const body = Buffer.from(request.body);
    const head = Number(new Map(Object.entries(request.headers)).get('inference-header-content-length'));
    const json = { model_name: 'm', model_version: '1', outputs: JSON.parse(body.toString('utf8', 0, head)).inputs };
    const written = Buffer.from(JSON.stringify(json));
    const lengths = { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(written.length) };
    const whole = Buffer.concat([written, body.subarray(head)]);
    expect(readInferAnswer(answer(lengths, whole)).outputs).toMatchObject([{ name: 'y', values: [1, 2] }]);
    expect(() => readInferAnswer(answer(lengths, Buffer.concat([whole, Buffer.alloc(1)])))).toThrow('left over');
  });

  it('takes a refusal only in the shape of the protocol', () => {
    const refusal = (type: string, text: string, status = 400) =>
      refusalFault({ status, headers: { 'content-type': type }, body: Buffer.from(text) });
    expect(refusal('application/json', '{"error":"no"}')).toBeUndefined();
    expect(refusal('application/json; charset=utf-8', '{"error":"no"}')).toContain('media type');
    expect(refusal('application/json', '{"detail":"no"}')).toContain('error');
    expect(refusal('application/json', '{"error":"no"}', 500)).toContain('status 500');
  });
});
