import { deflateSync, gzipSync } from 'node:zlib';
import type { Datatype, Signature } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRequest } from './decode-request.js';
import type { BodyLayout } from './infer-request.js';

const limits = { maxBodyBytes: 1 << 20, maxInputElements: 1000 };

function signature(datatype: Datatype = 'FP32', shape = [-1, -1]): Signature {
  return {
    inputs: [{ name: 'x', datatype, shape }],
    outputs: [
      { name: 'y', datatype: 'FP32', shape: [-1] },
      { name: 'z', datatype: 'FP32', shape: [-1] },
    ],
  };
}

function decode(body: string | Buffer, given: Signature = signature(), layout: BodyLayout = {}) {
  return decodeRequest(Buffer.from(body), layout, given, limits);
}

const one = (data: string, datatype: Datatype = 'FP32', shape = '[1,1]', rest = '') =>
  `{"inputs":[{"name":"x","shape":${shape},"datatype":"${datatype}","data":${data}}]${rest}}`;

describe('decodeRequest', () => {
  it('keeps 64-bit integers exact', () => {
    const signed = decode(one('[9007199254740993,-9223372036854775808]', 'INT64', '[1,2]'), signature('INT64'));
    expect(signed.inputs[0]?.data).toEqual(BigInt64Array.of(9007199254740993n, -(2n ** 63n)));
    const unsigned = decode(one('[18446744073709551615]', 'UINT64'), signature('UINT64'));
    expect(unsigned.inputs[0]?.data).toEqual(BigUint64Array.of(2n ** 64n - 1n));
  });

  it('reads bare NaN and infinities, and keeps the sign of zero', () => {
    const data = decode(one('[NaN, Infinity,\t-Infinity, -0.0]', 'FP32', '[1,4]')).inputs[0]?.data;
    expect(data).toEqual(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0));
  });

  it.each([
    '0.1',
    '5.800000190734863',
    '123456789012345678901234567890',
    '1e-320',
    '4.35',
    '0.000001234567890123456789',
    '179769313486231570000e288',
    '9007199254740993',
    '2.2250738585072014E-308',
  ])('reads %s as the nearest double', (text) => {
    expect(decode(one(`[${text}]`, 'FP64'), signature('FP64')).inputs[0]?.data).toEqual(Float64Array.of(Number(text)));
  });

  it('reads FP32 written with any number of digits as rounding twice would', () => {
    const digits = fc.tuple(fc.double({ noNaN: true, min: -3e38, max: 3e38 }), fc.integer({ min: 1, max: 21 }), fc.boolean());
    fc.assert(
      fc.property(digits, ([value, precision, single]) => {
        const text = (single ? Math.fround(value) : value).toPrecision(precision);
        if (Math.abs(Number(text)) > 3.4e38) return;
        expect(decode(one(`[${text}]`)).inputs[0]?.data).toEqual(Float32Array.of(Number(text)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['1.000000059604644775390625', '1.0000000596046447', '1.00000005960464478', '16777217.0000000001', '0.10000000149011612'])(
    'rounds %s to the right FP32',
    (text) => {
      expect(decode(one(`[${text}]`)).inputs[0]?.data).toEqual(Float32Array.of(Number(text)));
    },
  );

  it('takes 0 and 1 for BOOL, FP16 as numbers, a bare value for a scalar', () => {
    expect(decode(one('[true,0,1,false]', 'BOOL', '[2,2]'), signature('BOOL')).inputs[0]?.data).toEqual(Uint8Array.of(1, 0, 1, 0));
    expect(decode(one('[1.5]', 'FP16'), signature('FP16')).inputs[0]?.data).toEqual(Uint16Array.of(0x3e00));
    expect(decode(one('7', 'INT32', '[]'), signature('INT32', [])).inputs[0]?.data).toEqual(Int32Array.of(7));
  });

  it('treats an empty id as none, and echoes any other', () => {
    expect(decode(one('[1]', 'FP32', '[1,1]', ',"id":""')).id).toBeUndefined();
    expect(decode(one('[1]', 'FP32', '[1,1]', ',"id":"r-\\u00e9"')).id).toBe('r-é');
  });

  it('gives the outputs asked for in their order, binary where each or the request says so', () => {
    const rest = ',"parameters":{"binary_data_output":true},"outputs":[{"name":"z","parameters":{"binary_data":false}},{"name":"y"}]';
    expect(decode(one('[1]', 'FP32', '[1,1]', rest)).outputs).toEqual([
      { name: 'z', binary: false },
      { name: 'y', binary: true },
    ]);
    expect(decode(one('[1]')).outputs).toEqual([
      { name: 'y', binary: false },
      { name: 'z', binary: false },
    ]);
  });

  it('gives the classes that are wanted, and how they come back', () => {
    const rest = ',"outputs":[{"parameters":{"classification":3,"binary_data":true},"name":"y"},{"name":"z"}]';
    expect(decode(one('[1]', 'FP32', '[1,1]', rest)).outputs).toEqual([
      { name: 'y', binary: true, classification: 3 },
      { name: 'z', binary: false },
    ]);
  });

  it('gives the time and the priority that the caller asks for', () => {
    const rest = ',"parameters":{"timeout":1500,"priority":1,"k":"v","sequence_id":0,"sequence_start":false,"sequence_end":false}';
    expect(decode(one('[1]', 'FP32', '[1,1]', rest))).toMatchObject({ timeoutMicros: 1500, priority: 1 });
    expect(decode(one('[1]'))).not.toHaveProperty('timeoutMicros');
  });

  it('takes null for what may be left out, as clients send it that write every field of their types', () => {
    const body =
      '{"id":null,"parameters":null,"outputs":null,"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","parameters":null,"data":[1]}],"more":null}';
    expect(decode(body)).toEqual({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(1) }],
      outputs: [
        { name: 'y', binary: false },
        { name: 'z', binary: false },
      ],
    });
    expect(decode(one('[1]', 'FP32', '[1,1]', ',"parameters":{"k":null}')).outputs).toHaveLength(2);
    expect(decode(one('[1]', 'FP32', '[1,1]', ',"outputs":[{"name":"y","parameters":null}]')).outputs).toEqual([{ name: 'y', binary: false }]);
  });

  it('reads fields in any order, and keys and names with escapes', () => {
    const body = '{"\\u006eothing":[],"inputs":[{"d\\u0061ta":[[1],[2]],"datatype":"FP32","sh\\u0061pe":[2,1],"name":"\\u0078"}]}';
    expect(decode(body).inputs).toEqual([{ name: 'x', datatype: 'FP32', shape: [2, 1], data: Float32Array.of(1, 2) }]);
  });

  it('finds inputs and outputs by their names, in whatever order they come', () => {
    const many: Signature = {
      inputs: Array.from({ length: 40 }, (_, index) => ({ name: `x${index}`, datatype: 'FP32' as const, shape: [1] })),
      outputs: signature().outputs,
    };
    const input = (index: number) => `{"name":"x${index}","shape":[1],"datatype":"FP32","data":[${index}]}`;
    const order = Array.from({ length: 40 }, (_, index) => (index * 7) % 40);
    expect(decode(`{"inputs":[${order.map(input)}]}`, many).inputs.map((tensor) => tensor.data[0])).toEqual(order);
    expect(() => decode(`{"inputs":[${order.map(input)},${input(39)}]}`, many)).toThrow('input "x39" is given twice');
    expect(() => decode(`{"inputs":[${order.slice(1).map(input)}]}`, many)).toThrow('input "x0" (FP32 [1]) is missing');
  });

  it.each([
    { text: '[ 1 , 2\t,\n3,-4.5 ]', values: [1, 2, 3, -4.5] },
    { text: '[1e2,-2.5E-3,0,-0.0]', values: [100, -0.0025, 0, -0] },
    {
      text: '[123456789,1234567890,12345678901234567890,0.1234567890123456789012]',
      values: [123456789, 1234567890, 12345678901234567000, 0.12345678901234568],
    },
    { text: '[NaN,1.5,Infinity,-Infinity]', values: [Number.NaN, 1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] },
  ])('reads the numbers $text', ({ text, values }) => {
    const shape = `[1,${values.length}]`;
    expect(decode(one(text, 'FP32', shape)).inputs[0]?.data).toEqual(Float32Array.from(values));
    expect(decode(one(text, 'FP64', shape), signature('FP64')).inputs[0]?.data).toEqual(Float64Array.from(values));
  });

  it('reads integers however they are written, exactly', () => {
    const text = '[ 1 ,-2,\n3, -0, 2147483647, -2147483648, 1e3, 5.0]';
    expect(decode(one(text, 'INT32', '[1,8]'), signature('INT32')).inputs[0]?.data).toEqual(
      Int32Array.of(1, -2, 3, 0, 2147483647, -2147483648, 1000, 5),
    );
    const big = decode(one('[0, 999999999, 1000000000, -1, 9007199254740993]', 'INT64', '[1,5]'), signature('INT64'));
    expect(big.inputs[0]?.data).toEqual(BigInt64Array.of(0n, 999999999n, 1000000000n, -1n, 9007199254740993n));
  });

  it.each([
    { encoding: 'gzip', zip: gzipSync },
    { encoding: 'deflate', zip: deflateSync },
  ])('expands $encoding bodies, within the bound', ({ encoding, zip }) => {
    expect(decode(zip(one('[1]')), signature(), { contentEncoding: encoding }).inputs[0]?.data).toEqual(Float32Array.of(1));
    const bomb = zip(Buffer.alloc(limits.maxBodyBytes + 1, ' '));
    expect(() => decode(bomb, signature(), { contentEncoding: encoding })).toThrow('larger than the limit of 1048576 bytes');
    expect(decodeError(zip(one('[1]')).subarray(0, 20), signature(), { contentEncoding: encoding })).toMatchObject({ code: 'INFER_INVALID' });
  });

  it('takes the length of the JSON part from the media type where headers are stripped, and keeps the type', () => {
    const { body, layout } = binary(4, Buffer.from(Float32Array.of(2).buffer));
    const contentType = `application/x.binary+json;json-header-size=${layout.inferenceHeaderContentLength}`;
    expect(decode(body, signature(), { contentType })).toMatchObject({
      mediaType: 'application/x.binary+json',
      inputs: [{ data: Float32Array.of(2) }],
    });
    expect(decode(body, signature(), { ...layout, contentType: 'a/b;json-header-size=1' })).not.toHaveProperty('mediaType');
    const raw = decode(Buffer.from(Float32Array.of(1, 2).buffer), signature(), { contentType: 'a/b;json-header-size=0' });
    expect(raw).toMatchObject({ mediaType: 'a/b', inputs: [{ shape: [1, 2] }] });
    expect(() => decode('x', signature(), { contentType: 'a/b;json-header-size=5' })).toThrow('json-header-size is 5, but the body has only 1 bytes');
  });

  it('reads the raw form: one row, the open dimension from the bytes, all outputs binary', () => {
    const request = decode(Buffer.from(Float32Array.of(1, 2, 3).buffer), signature('FP32', [-1, -1]), { inferenceHeaderContentLength: 0 });
    expect(request.inputs[0]).toMatchObject({ shape: [1, 3], data: Float32Array.of(1, 2, 3) });
    expect(request.outputs.every((output) => output.binary)).toBe(true);
    const text = decode('he llo', signature('BYTES', [-1]), { inferenceHeaderContentLength: 0 });
    expect(text.inputs[0]).toMatchObject({ shape: [1], data: ['he llo'] });
  });

  it.each([
    { name: 'null', body: one('[null]'), says: 'input "x" at byte 63: expected a number, given null' },
    { name: 'data null', body: one('null'), says: 'data is null' },
    { name: 'a string for a number', body: one('["1.0"]'), says: 'expected a number' },
    { name: 'a number for a string', body: one('[1]', 'BYTES'), says: 'expected a string', datatype: 'BYTES' },
    { name: 'INT8 300', body: one('[300]', 'INT8'), says: '300 is outside the range of INT8', datatype: 'INT8' },
    { name: 'UINT8 -1', body: one('[-1]', 'UINT8'), says: '-1 is outside the range of UINT8', datatype: 'UINT8' },
    { name: 'INT64 2^63', body: one('[9223372036854775808]', 'INT64'), says: 'outside the range of INT64', datatype: 'INT64' },
    { name: 'INT64 of 400 digits', body: one(`[${'9'.repeat(400)}]`, 'INT64'), says: 'outside the range of INT64', datatype: 'INT64' },
    { name: 'a fraction for an integer', body: one('[1.5]', 'INT32'), says: 'expected an integer for INT32, given 1.5', datatype: 'INT32' },
    { name: 'BOOL 2', body: one('[2]', 'BOOL'), says: 'expected true or false', datatype: 'BOOL' },
    { name: 'FP16 overflow', body: one('[70000]', 'FP16'), says: '70000 is outside the range of FP16', datatype: 'FP16' },
    { name: 'FP32 overflow', body: one('[1e39]'), says: '1e39 is outside the range of FP32' },
    { name: 'FP64 overflow', body: one('[1e999]', 'FP64'), says: '1e999 is outside the range of FP64', datatype: 'FP64' },
    { name: 'too few values', body: one('[1]', 'FP32', '[1,8]'), says: 'expected 8 values' },
    { name: 'too many values', body: one('[1,2]'), says: 'given more' },
    { name: 'ragged data', body: one('[[1,2],[3]]', 'FP32', '[2,2]'), says: 'expected 2 items at depth 2, given 1' },
    { name: 'mixed nested and flat', body: one('[[1,2],3,4]', 'FP32', '[2,2]'), says: 'expected an array at depth 2' },
    { name: 'nested too deep', body: one('[[[1]]]'), says: 'expected a number, given "[1]' },
    { name: 'nested 100,000 deep', body: one(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), says: 'input "x"' },
    { name: 'an ignored value nested 100,000 deep', body: `{"z":${'['.repeat(100_000)}`, says: 'nested more than 64 deep' },
    { name: 'a negative dimension', body: one('[1]', 'FP32', '[2,-5]'), says: 'must be an integer from 0 on, given -5' },
    { name: 'a broken dimension', body: one('[1]', 'FP32', '[1.5]'), says: 'given 1.5' },
    { name: 'a dimension as text', body: one('[1]', 'FP32', '["3"]'), says: 'a dimension must be an integer' },
    { name: 'a dimension over 2^53', body: one('[1]', 'FP32', '[9007199254740993]'), says: 'must be an integer' },
    { name: 'a product over everything', body: one('[]', 'FP32', '[2147483648,2147483648]'), says: 'expected 4611686018427388000 values' },
    { name: '10,000 dimensions', body: one('[1]', 'FP32', `[${'1,'.repeat(9_999)}1]`), says: 'more than 64 dimensions' },
    { name: 'an unknown datatype', body: one('[1]').replace('FP32', 'fp32'), says: 'unknown datatype "fp32"' },
    {
      name: 'an unknown output',
      body: one('[1]', 'FP32', '[1,1]', ',"outputs":[{"name":"NOPE"}]'),
      says: 'unknown output "NOPE": the model gives "y", "z"',
    },
    { name: 'an output twice', body: one('[1]', 'FP32', '[1,1]', ',"outputs":[{"name":"y"},{"name":"y"}]'), says: 'asked for twice' },
    { name: 'inputs as an object', body: '{"inputs":{"name":"x"}}', says: '"inputs" must be an array' },
    { name: 'no inputs', body: '{}', says: '"inputs" is missing' },
    { name: 'not JSON', body: 'hello', says: 'expected a JSON object' },
    { name: 'an empty body', body: '', says: 'expected a JSON object, but the JSON ends' },
    { name: 'bytes after the JSON', body: `${one('[1]')} x`, says: 'expected the end of the JSON' },
    {
      name: 'a prototype key',
      body: one('[1]', 'FP32', '[1,1]', ',"parameters":{"__proto__":{"polluted":true}}'),
      says: '"__proto__" is not allowed',
    },
    {
      name: 'a prototype key in what is ignored',
      body: one('[1]', 'FP32', '[1,1]', ',"z":[{"constructor":1}]'),
      says: '"constructor" is not allowed',
    },
    { name: 'a text with NUL', body: one('["he\\u0000llo"]', 'BYTES'), says: 'U+0000', datatype: 'BYTES' },
    { name: 'half a surrogate pair', body: one('["\\ud800"]', 'BYTES'), says: 'half a surrogate pair', datatype: 'BYTES' },
    { name: 'leading zeros', body: one('[01]'), says: 'superfluous 0' },
    { name: 'leading zeros of an integer', body: one('[007]', 'INT32'), says: 'superfluous 0', datatype: 'INT32' },
    { name: 'leading zeros of a 64-bit integer', body: one('[007]', 'INT64'), says: 'superfluous 0', datatype: 'INT64' },
    { name: 'leading zeros of a dimension', body: one('[1]', 'FP32', '[01,1]'), says: 'superfluous 0' },
    { name: 'a number that ends in its point', body: one('[1.]'), says: 'no digit after its decimal point' },
    { name: 'a number that begins with its point', body: one('[.5]'), says: 'expected a number' },
    { name: 'a sign alone', body: one('[-]'), says: 'expected a number' },
    { name: 'a plus sign', body: one('[+1]'), says: 'expected a number' },
    { name: 'a second number without a comma', body: one('[1 2]', 'FP32', '[1,2]'), says: 'expected 2 values' },
    { name: 'letters behind a number', body: one('[1x]'), says: 'expected "," or "]"' },
    { name: 'letters behind an integer', body: one('[1x]', 'INT32'), says: 'expected "," or "]"', datatype: 'INT32' },
    { name: 'a comma too many', body: one('[1,]'), says: 'given more' },
    { name: 'a shape twice', body: one('[1]').replace('"shape"', '"shape":[2,2],"shape"'), says: 'the field "shape" is given twice' },
    { name: 'data twice', body: one('[1],"data":[2]'), says: 'inputs[0]: the field "data" is given twice' },
    { name: 'inputs twice', body: `${one('[1]').slice(0, -1)},"inputs":[]}`, says: 'the field "inputs" is given twice' },
    { name: 'inputs that are null', body: '{"inputs":null}', says: '"inputs" must be an array' },
    { name: 'a shape that is null', body: one('[1]', 'FP32', 'null'), says: 'input "x": shape must be an array' },
    { name: 'a dimension that is null', body: one('[1]', 'FP32', '[null,1]'), says: 'a dimension must be an integer' },
    { name: 'NUL in a name', body: one('[1]').replace('"x"', '"\\u0000"'), says: 'unknown input "\\u0000"' },
    {
      name: 'the parameter timeout as a text',
      body: one('[1]', 'FP32', '[1,1]', ',"parameters":{"timeout":"1"}'),
      says: '"timeout" must be a whole number',
    },
    {
      name: 'a reserved parameter',
      body: one('[1]', 'FP32', '[1,1]', ',"parameters":{"triton_x":1}'),
      says: 'names that begin with "triton_" are reserved',
    },
    {
      name: 'no class at all',
      body: one('[1]', 'FP32', '[1,1]', ',"outputs":[{"name":"y","parameters":{"classification":0}}]'),
      says: 'must be a whole number from 1 on, given "0"',
    },
    {
      name: 'a parameter that is an object',
      body: one('[1]', 'FP32', '[1,1]', ',"parameters":{"k":{}}'),
      says: 'parameter "k" must be a string, a number or a boolean',
    },
    { name: 'neither data nor bytes', body: '{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32"}]}', says: 'neither "data" nor' },
    { name: 'a cut body', body: one('[1]').slice(0, -3), says: 'but the JSON ends' },
  ])('answers 400 to $name', ({ body, says, datatype }) => {
    const error = decodeError(body, signature((datatype ?? 'FP32') as Datatype));
    expect(error).toMatchObject({ code: 'INFER_INVALID' });
    expect(String(error)).toContain(says);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('refuses more JSON values than the limit, at the limit, whether the shape comes first or last', () => {
    const values = (count: number) => `[${Array.from({ length: count }, () => 1)}]`;
    const data = (count: number) => one(values(count), 'FP32', `[1,${count}]`);
    const shapeLast = (count: number) => `{"inputs":[{"data":${values(count)},"name":"x","datatype":"FP32","shape":[1,${count}]}]}`;
    for (const body of [data, shapeLast]) {
      expect(decode(body(1000)).inputs[0]?.data.length).toBe(1000);
      expect(decodeError(body(1001))).toMatchObject({ code: 'INFER_TOO_LARGE' });
    }
  });

  it('counts the values of all inputs together', () => {
    const two: Signature = { ...signature(), inputs: ['x', 'z'].map((name) => ({ name, datatype: 'FP32' as const, shape: [-1] })) };
    const input = (name: string, count: number) => ({ name, datatype: 'FP32', shape: [count], data: Array.from({ length: count }, () => 1) });
    const body = (count: number) => JSON.stringify({ inputs: [input('x', 600), input('z', count)] });
    expect(decode(body(400), two).inputs).toHaveLength(2);
    expect(decodeError(body(401), two)).toMatchObject({ code: 'INFER_TOO_LARGE' });
  });

  it.each([
    { name: 'ten million values', body: `{"inputs":[{"name":"x","shape":[1,10000000],"datatype":"FP32","data":[${'1,'.repeat(9_999_999)}1]}]}` },
    { name: 'arrays nested a million deep', body: one(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`) },
  ])('refuses $name without reading them', ({ body }) => {
    const bytes = Buffer.from(body);
    const wide = { maxBodyBytes: 1 << 26, maxInputElements: 4 << 20 };
    const startedAt = performance.now();
    expect(() => decodeRequest(bytes, {}, signature(), wide)).toThrow();
    // Looking at every byte once for UTF-8 is allowed; reading the values takes over a second.
    expect(performance.now() - startedAt).toBeLessThan(100);
  });

  it.each([
    { name: 'a header beyond the body', layout: { inferenceHeaderContentLength: 5000 }, body: one('[1]'), says: 'has only' },
    { name: 'UTF-8 cut by the header', layout: { inferenceHeaderContentLength: 7 }, body: '{"a":"é"}', says: 'not UTF-8' },
    { name: 'a tail that is too short', ...binary(8, Buffer.alloc(4)), says: 'expected 8 bytes behind the JSON, given 4' },
    { name: 'bytes left over', ...binary(4, Buffer.alloc(5)), says: '1 bytes are left over' },
    { name: 'a size that is not that of the shape', ...binary(8, Buffer.alloc(8)), says: 'expected 4 bytes for FP32 [1,1], given 8' },
    { name: 'a negative size', ...binary(-1, Buffer.alloc(0)), says: 'must be a number of bytes' },
    { name: 'a broken size', ...binary(4.5, Buffer.alloc(4)), says: 'must be a number of bytes' },
    { name: 'a size as text', ...binary('4', Buffer.alloc(4)), says: 'must be a number of bytes' },
  ])('answers 400 to $name', ({ body, layout, says }) => {
    expect(() => decode(body, signature(), layout)).toThrow(says);
  });

  it('walks the lengths of binary texts to their exact end', () => {
    const text =
      (bytes: number[], shape = [1, 2]) =>
      () => {
        const { body, layout } = binary(bytes.length, Buffer.from(bytes), 'BYTES', shape);
        return decode(body, signature('BYTES'), layout).inputs[0]?.data;
      };
    expect(text([2, 0, 0, 0, 97, 98, 1, 0, 0, 0, 99])()).toEqual(['ab', 'c']);
    expect(text([9, 0, 0, 0, 97, 98, 1, 0, 0, 0, 99])).toThrow('the bytes end');
    expect(text([0, 0, 0, 0, 0, 0, 0, 0, 0])).toThrow('1 bytes are left over');
    expect(text([1, 0, 0, 0, 255, 0, 0, 0, 0])).toThrow('not UTF-8');
    expect(text([], [1, 1_000_000_000])).toThrow('expected 1000000000 elements');
  });

  it('refuses bytes other than 0 and 1 for BOOL', () => {
    const { body, layout } = binary(1, Buffer.from([2]), 'BOOL');
    expect(() => decode(body, signature('BOOL'), layout)).toThrow('given 2 at element 0');
  });

  it.each([
    { name: 'an encoding it does not know', body: one('[1]'), layout: { contentEncoding: 'br' }, code: 'ENCODING_UNSUPPORTED' },
    { name: 'two encodings', body: one('[1]'), layout: { contentEncoding: 'gzip, gzip' }, code: 'ENCODING_UNSUPPORTED' },
    { name: 'a sequence', body: one('[1]', 'FP32', '[1,1]', ',"parameters":{"sequence_id":7}'), layout: {}, code: 'FEATURE_UNSUPPORTED' },
    {
      name: 'shared memory',
      body: '{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","parameters":{"shared_memory_region":"r"}}]}',
      layout: {},
      code: 'FEATURE_UNSUPPORTED',
    },
  ])('says that it does not support $name', ({ body, layout, code }) => {
    expect(decodeError(body, signature(), layout)).toMatchObject({ code });
  });
});

function binary(size: unknown, tail: Buffer, datatype: Datatype = 'FP32', shape = [1, 1]): { body: Buffer; layout: BodyLayout } {
  const json = Buffer.from(JSON.stringify({ inputs: [{ name: 'x', shape, datatype, parameters: { binary_data_size: size } }] }));
  return { body: Buffer.concat([json, tail]), layout: { inferenceHeaderContentLength: json.length } };
}

function decodeError(body: string | Buffer, given: Signature = signature(), layout: BodyLayout = {}): unknown {
  try {
    decode(body, given, layout);
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}
