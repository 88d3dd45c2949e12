import { describe, expect, it } from 'vitest';
import { difference } from '../conformance/compare.mjs';
import { numberText, parseExact } from '../conformance/exact-json.mjs';
import { configFault, statisticsFault } from '../conformance/extension-answers.mjs';
import { framed } from '../conformance/grpc-wire.mjs';
import { decode, encode, walk } from '../conformance/protobuf.mjs';
import { parseMessage } from '../conformance/raw-http.mjs';
import { numbersFault } from '../conformance/reflection.mjs';
import { inferRequest, readInferAnswer, refusalFault } from '../conformance/rest.mjs';
import { bytesOf, jsonOf, tensorOfBytes, typedContents, valuesOfBytes, valuesOfJson } from '../conformance/tensors.mjs';
import { readTextMessage } from '../conformance/text-message.mjs';
import { anyRefusalFault, readInferResponse } from '../conformance/transports.mjs';

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

  it('compares bits where both are bytes', () => {
    const halves = (hex: string) => tensorOfBytes({ name: 'y', datatype: 'FP16', shape: [1] }, Buffer.from(hex, 'hex'));
    expect(difference([halves('017c')], [halves('017c')], 'exact')).toBeUndefined();
    expect(difference([halves('017c')], [halves('007e')], 'exact')).toContain('bits');
    expect(difference([halves('017c')], [halves('007e')])).toBeUndefined();
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

describe('messages', () => {
  const request = {
    model_name: 'm',
    id: 'ä',
    parameters: { n: { int64_param: -(2n ** 63n) }, u: { uint64_param: 2n ** 64n - 1n } },
    inputs: [{ name: 'X', datatype: 'INT8', shape: [2n, -1n], contents: { int_contents: [-128, 127], fp64_contents: [0.1] } }],
    raw_input_contents: [Buffer.alloc(0), Buffer.from([1, 2])],
  };

  it('are read as they were written', () => {
    const read = decode('ModelInferRequest', encode('ModelInferRequest', request));
    expect(read).toMatchObject({ model_name: 'm', id: 'ä', raw_input_contents: request.raw_input_contents });
    expect(read.parameters).toEqual(Object.assign(Object.create(null), request.parameters));
    expect(read.inputs[0]).toMatchObject({ shape: [2n, -1n], contents: { int_contents: [-128, 127], fp64_contents: [0.1] } });
  });

  it('keep the bytes that the specification gives', () => {
    const bytes = encode('ModelInferRequest', { model_name: 'ab', inputs: [{ name: 'X', shape: [1n, 300n] }] });
    // Field 1 of length 2; field 5 holding field 1 of length 1 and field 3, twice.
    expect(bytes.toString('hex')).toBe('0a026162' + '2a08' + '0a0158' + '1801' + '18ac02');
    expect(() => encode('ModelInferRequest', { nothing: 1 })).toThrow('has no field');
    expect(() => walk(Buffer.from('0a05', 'hex'))).toThrow('is cut');
  });

  it('take numbers that come packed', () => {
    expect(decode('InferTensorContents', Buffer.from('1203010203' + '3204' + '0000c03f', 'hex'))).toMatchObject({
      int_contents: [1, 2, 3],
      fp32_contents: [1.5],
    });
  });

  it('are read from their text form, escapes and maps included', () => {
    const text = [
      'model_name: "s\\"{x}"',
      'parameters {',
      '  key: "n"',
      '  value {',
      '    int64_param: 3',
      '  }',
      '}',
      'inputs {',
      '  name: "I"',
      '  shape: 1',
      '  shape: 16',
      '}',
      'raw_input_contents: "\\000\\n\\303\\274\\x41a"',
    ].join('\n');
    const read = readTextMessage('ModelInferRequest', text);
    expect(read.model_name).toBe('s"{x}');
    expect(read.parameters.n).toEqual({ int64_param: 3n });
    expect(read.inputs).toEqual([{ name: 'I', shape: [1n, 16n] }]);
    expect(read.raw_input_contents).toEqual([Buffer.from([0, 10, 0xc3, 0xbc, 0x41, 0x61])]);
    expect(() => readTextMessage('ModelInferRequest', 'nothing: 1')).toThrow('no field');
  });

  it('are framed as gRPC wants them', () => {
    expect(framed(Buffer.from('ab')).toString('hex')).toBe('00000000026162');
  });

  it('are missed where a server declares other numbers', () => {
    expect(numbersFault([])).toContain('there is no message');
  });
});

describe('answers by gRPC', () => {
  const answer = {
    model_name: 'm',
    model_version: '1',
    outputs: [{ name: 'y', datatype: 'INT8', shape: ['2'] }],
    raw_output_contents: [Buffer.from([1, 255])],
  };

  it('are raw, one content for each output', () => {
    expect(readInferResponse(answer)).toMatchObject([{ name: 'y', shape: [2], values: [1, -1] }]);
    expect(() => readInferResponse({ ...answer, raw_output_contents: [] })).toThrow('raw contents');
    expect(() => readInferResponse({ ...answer, model_version: '' })).toThrow('empty');
    const typed = { ...answer, outputs: [{ ...answer.outputs[0], contents: { int_contents: [1] } }] };
    expect(() => readInferResponse(typed)).toThrow('typed contents');
  });

  it('refuse with a code of the right meaning and a text that shows nothing of the inside', () => {
    const refusal = (code: string, details: string) => anyRefusalFault({ kind: 'gRPC', code, details });
    expect(refusal('INVALID_ARGUMENT', 'no')).toBeUndefined();
    expect(refusal('INVALID_ARGUMENT', '')).toContain('without a text');
    expect(refusal('INTERNAL', 'no')).toContain('INTERNAL');
    expect(refusal('NOT_FOUND', 'see /home/me/x.ts')).toContain('path');
  });

  it('have no typed form for halves', () => {
    expect(typedContents({ datatype: 'FP16', values: [1] })).toBeUndefined();
    expect(typedContents({ datatype: 'INT16', values: [1] })).toEqual({ int_contents: [1] });
    expect(typedContents({ datatype: 'UINT64', values: [2n ** 64n - 1n] })).toEqual({ uint64_contents: ['18446744073709551615'] });
  });
});

describe('answers of extensions', () => {
  it('must be whole where clients take them at their word', () => {
    const tensor = { name: 'X', data_type: 'TYPE_FP32', dims: [3] };
    const recorded = { name: 'm', platform: 'onnxruntime_onnx', input: [tensor], output: [tensor] };
    const given = { ...recorded, max_batch_size: 8 };
    expect(configFault(recorded, given)).toBeUndefined();
    expect(configFault(recorded, { ...given, max_batch_size: 0 })).toContain('[-1,3]');
    expect(configFault(recorded, { ...given, model_transaction_policy: {} })).toContain('decoupled');
    const duration = { count: 0, ns: 0 };
    const names = ['success', 'fail', 'queue', 'compute_input', 'compute_infer', 'compute_output', 'cache_hit', 'cache_miss'];
    const counters = Object.fromEntries(names.map((name) => [name, duration]));
    const numbers = { last_inference: 0, inference_count: 0, execution_count: 0 };
    const entry = { name: 'm', version: '1', ...numbers, inference_stats: counters, batch_stats: [], memory_usage: [], response_stats: {} };
    expect(statisticsFault({ model_stats: [entry] }, 'm')).toBeUndefined();
    expect(statisticsFault({ model_stats: [{ ...entry, inference_stats: { ...counters, queue: { count: '0', ns: 0 } } }] }, 'm')).toContain('queue');
    expect(statisticsFault({ model_stats: [entry] }, 'other')).toContain('not among');
  });
});

describe('answers over a raw connection', () => {
  it('are whole or not there yet', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(parseMessage(Buffer.from(`${head}3\r\nabc\r\n`))).toBeUndefined();
    expect(parseMessage(Buffer.from(`HTTP/1.1 100 Continue\r\n\r\n${head}3\r\nabc\r\n0\r\n\r\n`))).toMatchObject({
      status: 200,
      body: Buffer.from('abc'),
    });
    expect(parseMessage(Buffer.from('HTTP/1.1 404 no\r\nContent-Length: 2\r\n\r\na'))).toBeUndefined();
  });
});
