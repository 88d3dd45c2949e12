import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Datatype, Signature } from '@slipway/contracts';
import { identityModel } from '@slipway/inference/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type InstanceSketch, Instances, linearBody, type ModelSketch, snapshotOf, TestGateway } from './gateway-harness.js';

/** Gives back what it gets, of any two dimensions. */
function identity(datatype: Datatype, onnxType: number): ModelSketch {
  const tensor = { datatype, shape: [-1, -1] };
  const signature: Signature = { inputs: [{ name: 'x', ...tensor }], outputs: [{ name: 'y', ...tensor }] };
  return { file: identityModel(onnxType), signature };
}

const versions = { linear: 1, FP16: 2, BYTES: 3, BOOL: 4, FP32: 5 } as const;
const sketches: readonly InstanceSketch[] = [
  { instanceId: 'ins_1', revision: versions.linear, model: 'linear' },
  { instanceId: 'ins_2', revision: versions.FP16, model: identity('FP16', 10) },
  { instanceId: 'ins_3', revision: versions.BYTES, model: identity('BYTES', 8) },
  { instanceId: 'ins_4', revision: versions.BOOL, model: identity('BOOL', 9) },
  { instanceId: 'ins_5', revision: versions.FP32, model: identity('FP32', 1) },
];
const maxBodyBytes = 32 * 1024 * 1024;

let instances: Instances;
let gateway: TestGateway;

beforeAll(async () => {
  instances = await Instances.open();
  await Promise.all(sketches.map((sketch) => instances.start(sketch)));
  gateway = await TestGateway.open({ maxBodyBytes });
  gateway.core.apply(snapshotOf(instances, sketches, versions.linear));
  await gateway.untilReady(sketches.length);
});
afterAll(async () => {
  await gateway.close();
  await instances.close();
});

const pathOf = (version: number) => `/v2/models/fraud/versions/${version}/infer`;
const one = (datatype: string, data: string, shape = '[1,1]', rest = '') =>
  `{"inputs":[{"name":"x","shape":${shape},"datatype":"${datatype}","data":${data}}]${rest}}`;

function binary(datatype: Datatype, shape: readonly number[], tail: Buffer, size: unknown = tail.length): [Buffer, Record<string, string>] {
  const json = JSON.stringify({
    inputs: [{ name: 'x', shape, datatype, parameters: { binary_data_size: size } }],
    parameters: { binary_data_output: true },
  });
  return [Buffer.concat([Buffer.from(json), tail]), { 'inference-header-content-length': String(Buffer.byteLength(json)) }];
}

/** Every instance is the one that it was, and a neighbour's request is answered at once. */
async function expectUnharmed(): Promise<void> {
  const startedAt = performance.now();
  expect((await gateway.infer()).status).toBe(200);
  expect((await gateway.send('GET', '/v2/health/ready')).status).toBe(200);
  // Generous, for a machine that does other things too: what is stuck takes for ever.
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  expect([...gateway.core.routing.allLinks].every((link) => link.isLive)).toBe(true);
  expect(gateway.core.retries).toBe(0);
  expect(Object.keys(Object.prototype)).toEqual([]);
}

function expectRefused(answer: Answer, status: number, says: RegExp): void {
  expect(answer.text).toMatch(says);
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(Object.keys(JSON.parse(answer.text))).toEqual(['error']);
  // No path, stack or socket of ours.
  expect(answer.text).not.toMatch(/\/(tmp|home|work|usr)\/|\.ts:|\.js:|\.sock|node:internal/);
  expect(answer.text.length).toBeLessThan(2_000);
}

interface Case {
  readonly name: string;
  readonly version?: number;
  readonly body: () => string | Buffer;
  readonly headers?: Record<string, string>;
  readonly status?: number;
  readonly says: RegExp;
}

const cases: readonly Case[] = [
  {
    name: 'J-06 a prototype key',
    body: () => one('FP32', '[1,2]', '[1,2]', ',"parameters":{"__proto__":{"a":1}}'),
    says: /__proto__\\" is not allowed/,
  },
  {
    name: 'J-06 a constructor deep down',
    body: () => one('FP32', '[1,2]', '[1,2]', ',"z":[{"constructor":{"prototype":1}}]'),
    says: /constructor\\" is not allowed/,
  },
  { name: 'J-07 arrays nested a hundred thousand deep', body: () => one('FP32', `${'['.repeat(1e5)}${']'.repeat(1e5)}`), says: /nested|expected/ },
  { name: 'J-07 objects nested a hundred thousand deep', body: () => `{"z":${'{"a":'.repeat(1e5)}`, says: /nested more than/ },
  { name: 'J-09 NUL in a name', body: () => one('FP32', '[1,2]', '[1,2]').replace('"x"', '"x\\u0000"'), says: /unknown input \\"x\\\\u0000\\"/ },
  {
    name: 'J-11 an input twice',
    body: () => linearBody(1, 2).replace(']}]}', ']},{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}'),
    says: /"x\\" is given twice/,
  },
  { name: 'J-11 an output twice', body: () => one('FP32', '[1,2]', '[1,2]', ',"outputs":[{"name":"y"},{"name":"y"}]'), says: /asked for twice/ },
  { name: 'J-13 a dimension of -1', body: () => one('FP32', '[1,2]', '[-1,2]'), says: /integer from 0 on, given -1/ },
  { name: 'J-13 a dimension of 1.5', body: () => one('FP32', '[1,2]', '[1.5,2]'), says: /given 1.5/ },
  { name: 'J-13 a dimension as a text', body: () => one('FP32', '[1,2]', '["1",2]'), says: /must be an integer/ },
  { name: 'J-13 a dimension of 2^53 + 1', body: () => one('FP32', '[1,2]', '[9007199254740993,2]'), says: /given 9007199254740993/ },
  { name: 'J-13 a dimension of null', body: () => one('FP32', '[1,2]', '[null,2]'), says: /given null/ },
  {
    name: 'J-14 a product beyond everything',
    version: versions.FP32,
    body: () => one('FP32', '[]', '[2147483648,2147483648]'),
    says: /expected 46116860184\d+ values/,
  },
  { name: 'J-15 ten thousand dimensions', body: () => one('FP32', '[1]', `[${'1,'.repeat(9_999)}1]`), says: /more than 64 dimensions/ },
  {
    name: 'J-16 ten million values',
    version: versions.FP32,
    body: () => one('FP32', `[${'1,'.repeat(9_999_999)}1]`, '[1,10000000]'),
    status: 413,
    says: /10000000 values as JSON, the limit is/,
  },
  {
    name: 'J-18 a bomb',
    body: () => gzipSync(Buffer.alloc(256 * 1024 * 1024)),
    headers: { 'content-encoding': 'gzip' },
    status: 413,
    says: /limit of \d+ bytes/,
  },
  { name: 'J-18 zipped twice', body: () => 'x', headers: { 'content-encoding': 'gzip, gzip' }, status: 415, says: /gzip, gzip/ },
  { name: 'J-18 an encoding that is off', body: () => 'x', headers: { 'content-encoding': 'br' }, status: 415, says: /br/ },
  {
    name: 'J-19 a million empty texts',
    version: versions.BYTES,
    body: () => one('BYTES', `[${'"",'.repeat(999_999)}""]`, '[1,1000000]'),
    status: 413,
    says: /1000000 texts/,
  },
  {
    name: 'J-19 one text beyond the limit',
    version: versions.BYTES,
    body: () => one('BYTES', `["${'a'.repeat(maxBodyBytes)}"]`),
    status: 413,
    says: /over the limit/,
  },
  { name: 'J-25 another datatype than the model’s', body: () => one('FP64', '[1,2]', '[1,2]'), says: /expected datatype FP32, given FP64/ },
  { name: 'J-26 an unknown datatype', body: () => one('FLOAT', '[1,2]', '[1,2]'), says: /unknown datatype \\"FLOAT\\"/ },
  { name: 'J-26 a datatype in lower case', body: () => one('fp32', '[1,2]', '[1,2]'), says: /unknown datatype \\"fp32\\"/ },
  { name: 'J-27 no input at all', body: () => '{"inputs":[]}', says: /is missing/ },
  { name: 'J-28 ragged data', body: () => one('FP32', '[[1,2],[3]]', '[2,2]'), says: /expected 2 items at depth 2/ },
  { name: 'J-28 nested and flat mixed', body: () => one('FP32', '[[1,2],3,4]', '[2,2]'), says: /expected an array at depth 2/ },
  { name: 'B-01 bytes without their header', body: () => binary('FP32', [1, 2], Buffer.alloc(8, 0xff))[0], says: /JSON/ },
  { name: 'B-02 a header of +5', body: () => 'x', headers: { 'inference-header-content-length': '+5' }, says: /"\+5\\?"/ },
  { name: 'B-02 a header of 0x10', body: () => 'x', headers: { 'inference-header-content-length': '0x10' }, says: /0x10/ },
  { name: 'B-02 a header of 1e3', body: () => 'x', headers: { 'inference-header-content-length': '1e3' }, says: /1e3/ },
  {
    name: 'B-02 a header beyond everything',
    body: () => 'x',
    headers: { 'inference-header-content-length': '99999999999999' },
    says: /99999999999999/,
  },
  { name: 'B-02 a header beyond the body', body: () => 'x', headers: { 'inference-header-content-length': '5' }, says: /has only 1 bytes/ },
  { name: 'B-05 JSON cut within a character', body: () => '{"a":"é"}', headers: { 'inference-header-content-length': '7' }, says: /not UTF-8/ },
  ...[-1, 1.5, '8', 2 ** 64].map((size) => ({
    name: `B-08 a size of ${JSON.stringify(size)}`,
    body: () => binary('FP32', [1, 2], Buffer.alloc(8), size)[0],
    headers: { 'inference-header-content-length': String(binary('FP32', [1, 2], Buffer.alloc(8), size)[0].length - 8) },
    says: /binary_data_size must be a number of bytes/,
  })),
  {
    name: 'B-11 fewer texts than the shape says',
    version: versions.BYTES,
    body: () => binary('BYTES', [1, 2], Buffer.from([1, 0, 0, 0, 97]))[0],
    headers: binary('BYTES', [1, 2], Buffer.from([1, 0, 0, 0, 97]))[1],
    says: /expected 2 elements/,
  },
];

describe('hostile requests', () => {
  it.each(cases)('$name', async ({ version = versions.linear, body, headers, status = 400, says }) => {
    expectRefused(await gateway.infer(body(), headers, pathOf(version)), status, says);
    await expectUnharmed();
  });

  it('B-13 refuse every byte but 0 and 1 for BOOL', async () => {
    for (let byte = 0; byte < 256; byte += byte < 8 ? 1 : 31) {
      const [body, headers] = binary('BOOL', [1, 1], Buffer.from([byte]));
      expect((await gateway.infer(body, headers, pathOf(versions.BOOL))).status).toBe(byte < 2 ? 200 : 400);
    }
    await expectUnharmed();
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('B-29 refuse %s on infer', async (method) => {
    const answer = await gateway.send(method, pathOf(versions.linear));
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
  });

  it('B-29 refuse the preface of HTTP/2', async () => {
    expect(await exchange('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });

  it.each([
    { name: 'B-21 a chunk extension of a megabyte', chunk: `5;${'a'.repeat(1_000_000)}\r\n` },
    { name: 'B-22 a chunk beyond 64 bits', chunk: 'FFFFFFFFFFFFFFFFF\r\n' },
    { name: 'B-22 a chunk of 2^64 - 1 bytes, of which none comes', chunk: 'FFFFFFFFFFFFFFFF\r\n' },
  ])('$name ends the connection', async ({ chunk }) => {
    const impatient = await TestGateway.open({ bodyIdleMs: 200 });
    try {
      impatient.core.apply(snapshotOf(instances, sketches, versions.linear));
      await impatient.untilReady(sketches.length);
      const head = `POST ${pathOf(versions.linear)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
      expect(await exchange(head + chunk, impatient.port)).toMatch(/^$|^HTTP\/1.1 4\d\d /);
    } finally {
      await impatient.close();
    }
    await expectUnharmed();
  });
});

describe('odd but well-formed requests', () => {
  it('B-14 give every bit of FP16 back, NaN and subnormals too', async () => {
    const bits = Uint16Array.of(0x7e01, 0xfdff, 0x7c00, 0xfc00, 0x8000, 1, 0x83ff, 0x7bff);
    const [body, headers] = binary('FP16', [2, 4], Buffer.from(bits.buffer));
    const answer = await gateway.infer(body, headers, pathOf(versions.FP16));
    const length = Number(answer.headers['inference-header-content-length']);
    expect(answer.body.subarray(length)).toEqual(Buffer.from(bits.buffer));
  });

  it.each(['<script>alert(1)</script>', '👩‍🔬 ünï', 'שלום \u202e abc', '"quoted" \\ \u2028 line', ' '])(
    'J-36 give the text %j back exactly',
    async (text) => {
      const answer = await gateway.infer(one('BYTES', JSON.stringify([text])), {}, pathOf(versions.BYTES));
      expect(JSON.parse(answer.text).outputs[0].data).toEqual([text]);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(text));
      const tail = Buffer.concat([length, Buffer.from(text)]);
      const [body, headers] = binary('BYTES', [1, 1], tail);
      const bytes = await gateway.infer(body, headers, pathOf(versions.BYTES));
      expect(bytes.body.subarray(Number(bytes.headers['inference-header-content-length']))).toEqual(tail);
    },
  );

  it('J-35 give no rows for no rows', async () => {
    const answer = await gateway.infer(one('FP32', '[]', '[0,2]'));
    expect(JSON.parse(answer.text)).toMatchObject({ outputs: [{ shape: [0, 1], data: [] }] });
  });

  it('J-21 keep single values as their clients wrote them', async () => {
    const answer = await gateway.infer(one('FP32', '[0.1,16777217,NaN,-Infinity,-0.0,1e-45,3.4e38]', '[1,7]'), {}, pathOf(versions.FP32));
    expect(answer.text).toContain('"data":[0.1,16777216,NaN,-Infinity,-0.0,');
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('B-25 are answered in their order when a thousand come at once on one connection', async () => {
    const count = 1_000;
    const requests = Array.from({ length: count }, (_, index) => {
      const body = one('FP32', '[1,2]', '[1,2]', `,"id":"q${index}"`);
      const last = index === count - 1 ? 'Connection: close\r\n' : '';
      return `POST ${pathOf(versions.linear)} HTTP/1.1\r\nHost: x\r\n${last}Content-Length: ${body.length}\r\n\r\n${body}`;
    });
    const text = await exchange(requests.join(''));
    expect([...text.matchAll(/"id":"q(\d+)"/g)].map(([, index]) => Number(index))).toEqual(Array.from({ length: count }, (_, index) => index));
    await expectUnharmed();
  });
});

/** Sends bytes on a connection of their own; gives what came back until the other side closed it. */
function exchange(bytes: string, port = gateway.port): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    // A reset is an end too: it closes on what it did not want to read.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}
