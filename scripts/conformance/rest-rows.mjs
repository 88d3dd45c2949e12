import { constants, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { difference } from './compare.mjs';
import { exchange } from './raw-http.mjs';
import { announce, inferRequest, readInferAnswer, refusalFault, send } from './rest.mjs';
import { attempt } from './tally.mjs';
import { valuesOfJson } from './tensors.mjs';
import { describe } from './transports.mjs';

const answers = 'rows: REST answers';
const refusals = 'rows: REST refusals';
const framing = 'rows: HTTP framing';

const floats = (name, values) => ({ name, datatype: 'FP32', shape: [1, values.length], values });
const plain = (data = '[1,2,3]', shape = '[1,3]', rest = '', datatype = 'FP32') =>
  `{"inputs":[{"name":"X","shape":${shape},"datatype":"${datatype}","data":${data}}]${rest}}`;

/** Sends what the page's checklist and the list of hostile cases name of REST, beyond captures and bad requests. */
export async function checkRestRows(shelf, { isQuick }) {
  const rows = new Rows(shelf.product);
  await checkMediaTypes(rows);
  await checkAnswers(rows);
  await checkCompression(rows);
  await checkRawForm(rows);
  await checkPlaces(rows);
  await checkJsonRefusals(rows);
  await checkBinaryRefusals(rows);
  await checkFraming(rows, isQuick);
}

class Rows {
  constructor({ url, ports }) {
    this.url = url;
    this.port = ports.api;
  }

  infer(model, body, headers = {}) {
    return this.send(`/v2/models/${model}/infer`, { method: 'POST', body, headers });
  }

  async send(path, options) {
    return { kind: 'REST', ...(await send(`${this.url}${path}`, options)) };
  }

  /** A prediction that must be refused with one of the statuses. */
  refused(label, model, body, { headers, statuses = [400] } = {}) {
    return attempt(refusals, label, async () => refusalFault(await this.infer(model, body, headers), (status) => statuses.includes(status)));
  }

  /** The head of a POST, for what no client would write. */
  head(model, lines) {
    return `POST /v2/models/${model}/infer HTTP/1.1\r\nhost: 127.0.0.1:${this.port}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  }
}

/** The body is what it is, whatever the media type says. */
async function checkMediaTypes(rows) {
  const types = [
    undefined,
    'application/json',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json; charset=utf-8',
  ];
  const { body, headers } = inferRequest([floats('X', [1, 2, 3])], 'binary');
  for (const type of types) {
    const typed = type === undefined ? {} : { 'content-type': type };
    await attempt(answers, `JSON as ${type}`, async () => echoFault(await rows.infer('rows-fp32', plain(), typed)));
    const binary = { 'inference-header-content-length': headers['inference-header-content-length'], ...typed };
    await attempt(answers, `binary as ${type}`, async () => echoFault(await rows.infer('rows-fp32', body, binary)));
  }
}

function echoFault(answer, values = [1, 2, 3]) {
  if (answer.status !== 200) return describe(answer);
  return difference([floats('Y', values)], readInferAnswer(answer).outputs);
}

async function checkAnswers(rows) {
  const all = (head) => ({ 'inference-header-content-length': String(Buffer.byteLength(head)) });
  await attempt(answers, 'a header length that is the whole body is plain JSON', async () =>
    echoFault(await rows.infer('rows-fp32', plain(), all(plain()))),
  );
  await attempt(answers, 'unknown fields are passed over', async () =>
    echoFault(await rows.infer('rows-fp32', plain('[1,2,3]', '[1,3]', ',"model_name":"x","nonsense":{"deep":[null]}'))),
  );
  await attempt(answers, 'nested data is taken, flat data is answered', async () => {
    const answer = await rows.infer('rows-fp32', plain('[[1,2],[3,4]]', '[2,2]'));
    return /"data":\[1,2,3,4\]/.test(answer.body.toString('utf8').replaceAll('.0', '')) ? undefined : describe(answer);
  });
  await attempt(answers, 'an empty id is no id', async () =>
    idFault(await rows.infer('rows-fp32', plain('[1,2,3]', '[1,3]', ',"id":""')), undefined),
  );
  await attempt(answers, 'an id comes back', async () => idFault(await rows.infer('rows-fp32', plain('[1,2,3]', '[1,3]', ',"id":"ä-7"')), 'ä-7'));
  await attempt(answers, 'request parameters without a meaning are passed over', async () =>
    echoFault(await rows.infer('rows-fp32', plain('[1,2,3]', '[1,3]', ',"parameters":{"mine":"x","priority":1,"timeout":20000000}'))),
  );
  await attempt(answers, 'no rows', async () => {
    const answer = await rows.infer('rows-fp32', plain('[]', '[0,3]'));
    if (answer.status !== 200) return refusalFault(answer);
    return difference([{ name: 'Y', datatype: 'FP32', shape: [0, 3], values: [] }], readInferAnswer(answer).outputs);
  });
  await attempt(answers, 'binary outputs without a byte keep their size, and the answer is JSON', async () => {
    const answer = await rows.infer('rows-fp32', plain('[]', '[0,3]', ',"parameters":{"binary_data_output":true}'));
    if (answer.status !== 200) return refusalFault(answer);
    const { json } = readInferAnswer(answer);
    return json.outputs[0].parameters?.binary_data_size === 0 ? undefined : describe(answer);
  });
  await attempt(answers, 'an output may be binary where the request is not', async () => formsFault(rows, true));
  await attempt(answers, 'an output may be JSON where the request asks for binary ones', async () => formsFault(rows, false));
  await attempt(answers, 'tails follow the order of the outputs, JSON among them', () => mixedFault(rows));
  await attempt(answers, 'texts keep their letters', async () => {
    const text = '<b>"&amp;"</b> \u202eabc\u200d 😀 Grüße \\ \u2028';
    const answer = await rows.infer('rows-bytes', plain(JSON.stringify([text]), '[1,1]', '', 'BYTES'));
    if (answer.status !== 200) return describe(answer);
    return difference([{ name: 'Y', datatype: 'BYTES', shape: [1, 1], values: [text] }], readInferAnswer(answer).outputs);
  });
  await attempt(answers, 'integers beyond 2^53 keep every digit', async () => {
    const values = ['9007199254740993', '-9223372036854775808', '9223372036854775807'];
    const answer = await rows.infer('rows-int64', plain(`[${values}]`, '[1,3]', '', 'INT64'));
    const outputs = { name: 'Y', datatype: 'INT64', shape: [1, 3], values: values.map(BigInt) };
    return answer.status === 200 ? difference([outputs], readInferAnswer(answer).outputs) : describe(answer);
  });
  await attempt(answers, 'halves as numbers', async () => {
    const answer = await rows.infer('rows-fp16', plain('[1.5,-0.0,65504,NaN]', '[1,4]', '', 'FP16'));
    const wanted = { name: 'Y', datatype: 'FP16', shape: [1, 4], values: valuesOfJson('FP16', [1.5, -0, 65_504, Number.NaN]) };
    return answer.status === 200 ? difference([wanted], readInferAnswer(answer).outputs, 'exact') : describe(answer);
  });
}

function idFault(answer, id) {
  if (answer.status !== 200) return describe(answer);
  const { json } = readInferAnswer(answer);
  return json.id === id ? undefined : `the id is ${JSON.stringify(json.id)}`;
}

async function formsFault(rows, isBinary) {
  const rest = `,"parameters":{"binary_data_output":${!isBinary}},"outputs":[{"name":"Y","parameters":{"binary_data":${isBinary}}}]`;
  const answer = await rows.infer('rows-fp32', plain('[1,2,3]', '[1,3]', rest));
  const fault = echoFault(answer);
  if (fault !== undefined) return fault;
  const hasHeader = answer.headers['inference-header-content-length'] !== undefined;
  return hasHeader === isBinary ? undefined : `the inference header is ${hasHeader ? '' : 'not '}there`;
}

/** Twelve datatypes in and out, asked for in the reverse order, every third as JSON. */
async function mixedFault(rows) {
  const samples = { BOOL: [true, false], BYTES: ['ä', ''], FP16: [0.5, -2], FP32: [0.1, 3], FP64: [0.1, 3], INT64: [-5, 6], UINT64: [5, 6] };
  const types = ['bool', 'uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64', 'fp16', 'fp32', 'fp64', 'bytes'];
  const tensors = types.map((type) => {
    const datatype = type.toUpperCase();
    return { name: `in_${type}`, datatype, shape: [2], values: valuesOfJson(datatype, samples[datatype] ?? [7, 8]) };
  });
  const wanted = tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace('in_', 'out_') })).toReversed();
  const { headers, body } = inferRequest(tensors, 'binary');
  const length = Number(headers['inference-header-content-length']);
  const json = JSON.parse(body.toString('utf8', 0, length));
  json.outputs = wanted.map(({ name }, index) => ({ name, parameters: { binary_data: index % 3 !== 0 } }));
  const head = Buffer.from(JSON.stringify(json));
  const answer = await rows.infer('rows-all', Buffer.concat([head, body.subarray(length)]), {
    'inference-header-content-length': String(head.length),
  });
  if (answer.status !== 200) return describe(answer);
  const { outputs } = readInferAnswer(answer);
  const order = outputs.map(({ name }) => name).join();
  return order === wanted.map(({ name }) => name).join() ? difference(wanted, outputs) : `the outputs come as ${order}`;
}

async function checkCompression(rows) {
  const { body, headers } = inferRequest([floats('X', [1, 2, 3])], 'binary');
  for (const [encoding, pack] of Object.entries({ gzip: gzipSync, deflate: deflateSync })) {
    await attempt(answers, `a binary request as ${encoding}`, async () =>
      echoFault(await rows.infer('rows-fp32', pack(body), { ...headers, 'content-encoding': encoding })),
    );
    await attempt(answers, `a JSON request as ${encoding}`, async () =>
      echoFault(await rows.infer('rows-fp32', pack(plain()), { 'content-encoding': encoding })),
    );
  }
  const long = Array.from({ length: 2_000 }, (_, index) => index % 7);
  const big = plain(`[${long}]`, `[1,${long.length}]`);
  const wishes = {
    gzip: 'gzip',
    deflate: 'deflate',
    'gzip, deflate': 'gzip',
    'gzip;q=0, deflate;q=0.5': 'deflate',
    identity: undefined,
    br: undefined,
    '*;q=0': undefined,
  };
  for (const [wish, encoding] of Object.entries(wishes)) {
    await attempt(answers, `accept-encoding "${wish}"`, async () => {
      const answer = await rows.infer('rows-fp32', big, { 'accept-encoding': wish });
      const given = answer.headers['content-encoding'];
      return given === encoding ? echoFault(answer, long) : `content-encoding is ${given}, not ${encoding}`;
    });
  }
  await attempt(answers, 'the length in a compressed binary answer counts plain bytes', async () => {
    const rest = ',"parameters":{"binary_data_output":true}';
    const answer = await rows.infer('rows-fp32', plain(`[${long}]`, `[1,${long.length}]`, rest), { 'accept-encoding': 'gzip' });
    if (answer.headers['content-encoding'] !== 'gzip') return `content-encoding is ${answer.headers['content-encoding']}`;
    const head = Number(answer.headers['inference-header-content-length']);
    return gunzipSync(answer.body).length === head + long.length * 4 ? echoFault(answer, long) : 'the length is another one';
  });
  await attempt(refusals, 'an error is not compressed', async () =>
    refusalFault(await rows.infer('rows-fp32', '{', { 'accept-encoding': 'gzip, deflate' })),
  );
  await attempt(answers, 'metadata, statistics and index are not compressed', async () => {
    for (const [method, path] of [
      ['GET', '/v2'],
      ['GET', '/v2/models/rows-all'],
      ['GET', '/v2/models/stats'],
      ['POST', '/v2/repository/index'],
    ]) {
      const { headers: given } = await rows.send(path, { method, headers: { 'accept-encoding': 'gzip, deflate' } });
      if (given['content-encoding'] !== undefined) return `${path} is compressed`;
    }
    return undefined;
  });
  await rows.refused('an encoding that is not spoken', 'rows-fp32', plain(), { headers: { 'content-encoding': 'br' }, statuses: [415] });
  await rows.refused('two encodings at once', 'rows-fp32', gzipSync(gzipSync(plain())), {
    headers: { 'content-encoding': 'gzip, gzip' },
    statuses: [415],
  });
  await rows.refused('a broken gzip stream', 'rows-fp32', gzipSync(plain()).subarray(0, 20), { headers: { 'content-encoding': 'gzip' } });
  await rows.refused('a small body that grows beyond the limit', 'rows-fp32', bomb(), { headers: { 'content-encoding': 'gzip' }, statuses: [413] });
  await attempt(answers, 'deflate is zlib-wrapped in the answer', async () => {
    const answer = await rows.infer('rows-fp32', big, { 'accept-encoding': 'deflate' });
    return inflateSync(answer.body).length > 0 ? undefined : 'nothing came';
  });
}

/** Over the body limit once it is plain: 96 MiB of zeros in 96 KB. */
function bomb() {
  return gzipSync(Buffer.alloc(96 * 1024 * 1024), { level: constants.Z_BEST_SPEED });
}

/** Header 0: the body is nothing but one tensor. */
async function checkRawForm(rows) {
  const raw = { 'inference-header-content-length': '0', 'content-type': 'application/octet-stream' };
  const bytes = Buffer.from(Float32Array.from([1, 2, 3]).buffer);
  await attempt(answers, 'the raw form', async () => {
    const answer = await rows.infer('rows-line', bytes, raw);
    if (answer.status !== 200) return describe(answer);
    return difference([{ name: 'Y', datatype: 'FP32', shape: [3], values: [-1, -2, -3] }], readInferAnswer(answer).outputs);
  });
  await rows.refused('the raw form of a broken length', 'rows-line', bytes.subarray(1), { headers: raw });
  await rows.refused('the raw form for several open dimensions', 'rows-space', bytes, { headers: raw });
  await rows.refused('the raw form for several inputs', 'rows-all', bytes, { headers: raw });
}

/** Names, versions, methods. */
async function checkPlaces(rows) {
  const isRefused = (label, method, path, statuses, check = () => undefined) =>
    attempt(refusals, label, async () => {
      const answer = await rows.send(path, { method, body: method === 'POST' ? plain() : undefined });
      return refusalFault(answer, (status) => statuses.includes(status)) ?? check(answer);
    });
  const allow = (answer) => (/\bPOST\b/.test(answer.headers['allow'] ?? '') ? undefined : `allow is ${answer.headers['allow']}`);
  await isRefused('an unknown model', 'POST', '/v2/models/nobody/infer', [404]);
  await isRefused('metadata of an unknown model', 'GET', '/v2/models/nobody', [404]);
  await isRefused('readiness of an unknown model', 'GET', '/v2/models/nobody/ready', [404]);
  await isRefused('an unknown version', 'POST', '/v2/models/rows-fp32/versions/7/infer', [404]);
  for (const version of ['0', 'x', '1.0', '-1', '99999999999999999999']) {
    await isRefused(`version ${version}`, 'POST', `/v2/models/rows-fp32/versions/${version}/infer`, [400, 404]);
  }
  await isRefused('a name with a broken escape', 'POST', '/v2/models/%zz/infer', [400, 404]);
  await isRefused('a name with NUL', 'POST', '/v2/models/rows-fp32%00/infer', [400, 404]);
  await isRefused('a name with a slash', 'POST', '/v2/models/rows%2Ffp32/infer', [400, 404]);
  await isRefused('PUT on infer', 'PUT', '/v2/models/rows-fp32/infer', [405], allow);
  await isRefused('GET on infer', 'GET', '/v2/models/rows-fp32/infer', [405], allow);
  await isRefused('a repository by name', 'POST', '/v2/repository/mine/index', [404, 501]);
  await attempt(answers, 'a name in percent escapes', async () => echoFault(await rows.infer('%72ows-fp32', plain())));
  await attempt(answers, '/v2/ with a slash behind', async () => {
    const answer = await rows.send('/v2/');
    return answer.status === 200 && answer.headers['content-type'] === 'application/json' ? undefined : describe(answer);
  });
  for (const [path, field] of [
    ['/v2/health/live', 'live'],
    ['/v2/health/ready', 'ready'],
    ['/v2/models/rows-fp32/ready', 'ready'],
    ['/v2/models/rows-fp32/versions/1/ready', 'ready'],
  ]) {
    await attempt(answers, path, async () => {
      const answer = await rows.send(path);
      return answer.status === 200 && JSON.parse(answer.body)[field] === true ? undefined : describe(answer);
    });
  }
}

async function checkJsonRefusals(rows) {
  const input = (fields) => `{"inputs":[{"name":"X","shape":[1,3],"datatype":"FP32","data":[1,2,3]${fields}}]}`;
  const refused = {
    'not JSON': '{"inputs":',
    'an empty body': '',
    'a JSON array': '[]',
    'arrays nested 100,000 deep': plain(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    'objects nested 100,000 deep': plain('[1,2,3]', '[1,3]', `,"x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
    'a name with NUL': plain().replace('"X"', '"X\\u0000"'),
    'a name that is a number': plain().replace('"X"', '7'),
    'a dimension that is negative': plain('[1]', '[1,-1]'),
    'a dimension with a fraction': plain('[1]', '[1,1.5]'),
    'a dimension in quotes': plain('[1,2,3]', '[1,"3"]'),
    'a dimension beyond 2^53': plain('[1]', '[1,9007199254740993]'),
    'a dimension that is null': plain('[1,2,3]', '[1,null]'),
    'a shape of 2^64 elements and no data': plain('[]', '[2147483648,2147483648,4]'),
    'a shape of 10,000 dimensions': plain('[1]', `[${new Array(10_000).fill(1)}]`),
    'too many values': plain('[1,2,3,4]'),
    'mixed nesting': plain('[[1,2],3]', '[2,2]'),
    'a number beyond FP32': plain('[1e39,2,3]'),
    'true among floats': plain('[true,2,3]'),
    'an unknown input': plain().replace('"X"', '"Z"'),
    'no datatype': plain().replace('"datatype":"FP32",', ''),
    BF16: plain('[1,2,3]', '[1,3]', '', 'BF16'),
    'data and binary_data_size at once': input(',"parameters":{"binary_data_size":12}'),
    'neither data nor size': '{"inputs":[{"name":"X","shape":[1,3],"datatype":"FP32"}]}',
    'a reserved parameter': plain('[1,2,3]', '[1,3]', ',"parameters":{"triton_x":1}'),
    'a name of 10 KB': plain().replace('"X"', JSON.stringify('x'.repeat(10_240))),
  };
  for (const [label, body] of Object.entries(refused)) await rows.refused(label, 'rows-fp32', body);
  await rows.refused('shared memory', 'rows-fp32', input(',"parameters":{"shared_memory_region":"r","shared_memory_byte_size":12}'), {
    statuses: [400, 501],
  });
  await rows.refused('another datatype than the model takes', 'rows-int8', plain());
  for (const value of ['128', '-129', '1.5', '"1"']) {
    await rows.refused(`INT8 ${value}`, 'rows-int8', plain(`[${value}]`, '[1,1]', '', 'INT8'));
  }
  for (const value of ['9223372036854775808', '-9223372036854775809', '1e400']) {
    await rows.refused(`INT64 ${value}`, 'rows-int64', plain(`[${value}]`, '[1,1]', '', 'INT64'));
  }
  await rows.refused('BOOL 2', 'rows-bool', plain('[2]', '[1,1]', '', 'BOOL'));
}

async function checkBinaryRefusals(rows) {
  const bytes = Buffer.from(Float32Array.from([1, 2, 3]).buffer);
  const head = (size, { model = 'rows-fp32', shape = '[1,3]', datatype = 'FP32' } = {}) => ({
    model,
    json: Buffer.from(`{"inputs":[{"name":"X","shape":${shape},"datatype":"${datatype}","parameters":{"binary_data_size":${size}}}]}`),
  });
  const refused = (label, { model, json }, tail, { length = json.length, statuses } = {}) =>
    rows.refused(label, model, Buffer.concat([json, tail]), { headers: { 'inference-header-content-length': String(length) }, statuses });
  await rows.refused('a binary body without a header', 'rows-fp32', Buffer.concat([head(12).json, bytes]));
  for (const length of ['-1', '+5', '0x10', '1e3', '99999999999999', '12a', '']) {
    await refused(`header length "${length}"`, head(12), bytes, { length });
  }
  await refused('a header length that cuts the JSON', head(12), bytes, { length: head(12).json.length - 3 });
  const umlaut = Buffer.from('{"id":"ä"');
  await refused('a header length within a letter', { model: 'rows-fp32', json: umlaut }, bytes, { length: 8 });
  for (const size of ['-12', '12.5', '"12"', '18446744073709551616', '11', '13', 'true', 'null', '[12]'])
    await refused(`size ${size}`, head(size), bytes);
  await refused('a tail too short', head(12), bytes.subarray(0, 8));
  await refused('bytes left over', head(12), Buffer.concat([bytes, Buffer.alloc(1)]));
  await refused('BOOL bytes beyond 1', head(2, { model: 'rows-bool', shape: '[1,2]', datatype: 'BOOL' }), Buffer.from([1, 2]));
  const texts = (...pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'latin1')));
  const text = (size, shape = '[1,2]') => head(size, { model: 'rows-bytes', shape, datatype: 'BYTES' });
  await refused('fewer texts than the shape says', text(5), texts('\x01\0\0\0a'));
  await refused('more texts than the shape says', text(5, '[1,0]'), texts('\x01\0\0\0a'));
  await refused('a text that ends behind the tensor', text(6, '[1,1]'), texts('\xff\xff\xff\xffab'));
  await refused('a text that is no UTF-8', text(5, '[1,1]'), texts('\x01\0\0\0\xff'));
}

async function checkFraming(rows, isQuick) {
  const body = plain();
  const length = `content-length: ${body.length}`;
  const wire = (label, pieces, check) => attempt(framing, label, async () => check(await exchange(rows.port, pieces, { timeoutMs: 45_000 })));
  const isRefused = (statuses) => (answer) => (statuses.includes(answer.status) ? undefined : describe(answer));
  await wire(
    'a body in chunks',
    [rows.head('rows-fp32', ['transfer-encoding: chunked']), `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
    echoFault,
  );
  await wire('a header in pieces', [...`${rows.head('rows-fp32', [length])}${body}`], echoFault);
  await wire(
    'names of headers in capitals',
    `${rows.head('rows-fp32', [length.toUpperCase(), `INFERENCE-HEADER-CONTENT-LENGTH: ${body.length}`])}${body}`,
    echoFault,
  );
  await wire('a chunk size beyond any number', [rows.head('rows-fp32', ['transfer-encoding: chunked']), 'FFFFFFFFFFFFFFFFF\r\n'], isRefused([400]));
  await wire(
    'a chunk extension of 1 MB',
    [rows.head('rows-fp32', ['transfer-encoding: chunked']), `1;${'x'.repeat(1_000_000)}\r\n`],
    isRefused([400, 413]),
  );
  await wire('length and chunks at once', `${rows.head('rows-fp32', [length, 'transfer-encoding: chunked'])}${body}`, isRefused([400]));
  await wire('two lengths', `${rows.head('rows-fp32', [length, 'content-length: 1'])}${body}`, isRefused([400]));
  await wire('no method of ours', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', isRefused([400, 405, 505]));
  await wire('a foreign host', `POST /v2/models/rows-fp32/infer HTTP/1.1\r\nhost: evil.example\r\n${length}\r\n\r\n${body}`, isRefused([421]));
  await wire('a header of 100 KB', rows.head('rows-fp32', [length, `x-long: ${'x'.repeat(100_000)}`]) + body, isRefused([431]));
  await attempt(framing, 'a body over the limit is refused before it is sent', async () => {
    const answer = await announce(`${rows.url}/v2/models/rows-fp32/infer`, 70 * 1024 * 1024);
    return answer.status === 413 || answer.status === 417 ? refusalFault(answer) : describe({ kind: 'REST', ...answer });
  });
  await attempt(framing, 'a client may wait for 100-continue', async () => {
    const pieces = [rows.head('rows-fp32', [length, 'expect: 100-continue']), body];
    return echoFault(await exchange(rows.port, pieces));
  });
  // 30 s are a long time for a check that must fit CI.
  if (isQuick) return;
  const endless = [rows.head('rows-fp32', ['transfer-encoding: chunked']), 'FFFFFFFFFFFFFFFF\r\n'];
  await wire('the largest chunk size there is, and nothing of it', endless, isRefused([400, 408]));
  await wire('a body that does not come is given up', rows.head('rows-fp32', [length]), isRefused([408]));
}
