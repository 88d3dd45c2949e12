import { connect } from 'node:net';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import type { Signature, Task } from '@slipway/contracts';
import { writeModel } from '@slipway/inference/testing';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type InstanceSketch, Instances, type ModelSketch, snapshotOf, TestGateway } from './gateway-harness.js';

/** Scores of three classes per row, just as they come in, and their rows' texts back. */
const signature: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 3] },
    { name: 'note', datatype: 'BYTES', shape: [-1, 1] },
  ],
  outputs: [
    { name: 'scores', datatype: 'FP32', shape: [-1, 3] },
    { name: 'notes', datatype: 'BYTES', shape: [-1, 1] },
  ],
};
const task: Task = { kind: 'multiclass', scoreOutput: 'scores', classes: ['cat', 'dog', 'fox'], rowAxis: 0 };
const classifier: ModelSketch = {
  signature,
  task,
  rowsIndependent: true,
  file: writeModel({
    graph: {
      nodes: [
        { op: 'Identity', inputs: ['x'], outputs: ['scores'] },
        { op: 'Identity', inputs: ['note'], outputs: ['notes'] },
      ],
      inputs: [
        { name: 'x', type: 1, dims: ['rows', 3] },
        { name: 'note', type: 8, dims: ['rows', 1] },
      ],
      outputs: [
        { name: 'scores', type: 1, dims: ['rows', 3] },
        { name: 'notes', type: 8, dims: ['rows', 1] },
      ],
    },
  }),
};
const sketches: readonly InstanceSketch[] = [
  { instanceId: 'ins_1', revision: 1, model: classifier },
  { instanceId: 'ins_2', revision: 2, model: 'linear' },
];

let instances: Instances;
let gateway: TestGateway;

beforeAll(async () => {
  instances = await Instances.open();
  await Promise.all(sketches.map((sketch) => instances.start(sketch)));
  gateway = await TestGateway.open();
  gateway.core.apply(snapshotOf(instances, sketches, 1));
  await gateway.untilReady(2);
});
afterAll(async () => {
  await gateway.close();
  await instances.close();
});

function rows(count: number, more: object = {}): string {
  return JSON.stringify({
    inputs: [
      { name: 'x', shape: [count, 3], datatype: 'FP32', data: Array.from({ length: count }, () => [0.25, 0.625, 0.125]) },
      { name: 'note', shape: [count, 1], datatype: 'BYTES', data: Array.from({ length: count }, () => 'n') },
    ],
    ...more,
  });
}

const get = async (path: string) => {
  const answer = await gateway.send('GET', path);
  expect(answer.headers['content-type']).toBe('application/json');
  return { status: answer.status, body: JSON.parse(answer.text) };
};

function expectError(answer: Answer, status: number, says: RegExp | string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/json');
  const body = JSON.parse(answer.text);
  expect(Object.keys(body)).toEqual(['error']);
  expect(body.error).toMatch(says);
}

describe('classification', () => {
  const asked = (parameters: object, output = 'scores') => rows(2, { outputs: [{ name: output, parameters }] });

  it('gives the highest values with their labels', async () => {
    const answer = await gateway.infer(asked({ classification: 2 }));
    expect(JSON.parse(answer.text).outputs).toEqual([
      { name: 'scores', datatype: 'BYTES', shape: [2, 2], data: ['0.625000:1:dog', '0.250000:0:cat', '0.625000:1:dog', '0.250000:0:cat'] },
    ]);
  });

  it('gives all values when more are wanted, also as bytes', async () => {
    const answer = await gateway.infer(asked({ classification: 9, binary_data: true }));
    const length = Number(answer.headers['inference-header-content-length']);
    const [output] = JSON.parse(answer.body.toString('utf8', 0, length)).outputs;
    expect(output).toEqual({ name: 'scores', datatype: 'BYTES', shape: [2, 3], parameters: { binary_data_size: answer.body.length - length } });
    const tail = answer.body.subarray(length);
    expect(tail.readUInt32LE(0)).toBe(14);
    expect(tail.toString('latin1', 4, 18)).toBe('0.625000:1:dog');
  });

  it.each([
    { parameters: { classification: 0 }, says: /whole number from 1 on, given "0"/ },
    { parameters: { classification: 'two' }, says: /given "two"/ },
    { parameters: { classification: 2 }, output: 'notes', says: /needs numbers, and this output is BYTES/ },
  ])('refuses $parameters of $output', async ({ parameters, output, says }) => {
    expectError(await gateway.infer(asked(parameters, output)), 400, says);
  });
});

describe('outputs as JSON and as bytes in one answer', () => {
  it.each([{ order: ['notes', 'scores'] }, { order: ['scores', 'notes'] }])(
    'are framed so that a plain parser finds every byte: $order',
    async ({ order }) => {
      const outputs = order.map((name) => ({ name, parameters: { binary_data: name === 'notes' } }));
      const answer = await gateway.infer(rows(2, { outputs, parameters: { binary_data_output: true } }));
      expect(answer.headers['content-type']).toBe('application/octet-stream');
      const length = Number(answer.headers['inference-header-content-length']);
      const shown = JSON.parse(answer.body.toString('utf8', 0, length)).outputs;
      expect(shown.map((each: { name: string }) => each.name)).toEqual(order);
      const json = shown.find((each: { name: string }) => each.name === 'scores');
      expect(json).toEqual({ name: 'scores', datatype: 'FP32', shape: [2, 3], data: [0.25, 0.625, 0.125, 0.25, 0.625, 0.125] });
      const bytes = shown.find((each: { name: string }) => each.name === 'notes');
      expect(bytes).toEqual({ name: 'notes', datatype: 'BYTES', shape: [2, 1], parameters: { binary_data_size: 10 } });
      expect(answer.body.subarray(length)).toEqual(Buffer.from([1, 0, 0, 0, 0x6e, 1, 0, 0, 0, 0x6e]));
    },
  );

  it('come in the order of the inputs, whatever their names', async () => {
    const x = Buffer.from(Float32Array.of(1, 2, 3).buffer);
    const note = Buffer.from([2, 0, 0, 0, 0x61, 0x62]);
    const json = JSON.stringify({
      inputs: [
        { name: 'note', shape: [1, 1], datatype: 'BYTES', parameters: { binary_data_size: note.length } },
        { name: 'x', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: x.length } },
      ],
    });
    const answer = await gateway.infer(Buffer.concat([Buffer.from(json), note, x]), { 'inference-header-content-length': String(json.length) });
    expect(JSON.parse(answer.text).outputs.map((each: { data: unknown }) => each.data)).toEqual([[1, 2, 3], ['ab']]);
  });
});

describe('what real clients send', () => {
  it.each(['/v2/repository/index', '/v2/systemsharedmemory/unregister', '/v2/cudasharedmemory/region/r/unregister'])(
    'is taken without a body, a length and a type: POST %s',
    async (path) => {
      expect(await raw(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1.1 200 OK\r\ncontent-type: application\/json\r\n/,
      );
    },
  );

  it('is JSON alone when the header counts all of it', async () => {
    const body = rows(1);
    const answer = await gateway.infer(body, { 'inference-header-content-length': String(body.length) });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(answer.headers['inference-header-content-length']).toBeUndefined();
  });

  it.each([
    { encoding: 'gzip', zip: gzipSync, unzip: gunzipSync },
    { encoding: 'deflate', zip: deflateSync, unzip: inflateSync },
  ])('is one $encoding stream whose header counts expanded bytes, both ways', async ({ encoding, zip, unzip }) => {
    const x = Buffer.from(Float32Array.from({ length: 300 }, () => 0.5).buffer);
    const note = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from([1, 0, 0, 0, 0x6e])));
    const json = JSON.stringify({
      inputs: [
        { name: 'x', shape: [100, 3], datatype: 'FP32', parameters: { binary_data_size: x.length } },
        { name: 'note', shape: [100, 1], datatype: 'BYTES', parameters: { binary_data_size: note.length } },
      ],
      parameters: { binary_data_output: true },
    });
    const answer = await gateway.infer(zip(Buffer.concat([Buffer.from(json), x, note])), {
      'content-encoding': encoding,
      'accept-encoding': encoding,
      'inference-header-content-length': String(json.length),
    });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(Number(answer.headers['content-length'])).toBe(answer.body.length);
    const expanded = unzip(answer.body);
    const length = Number(answer.headers['inference-header-content-length']);
    expect(JSON.parse(expanded.toString('utf8', 0, length)).outputs).toHaveLength(2);
    expect(expanded.subarray(length)).toEqual(Buffer.concat([x, note]));
  });

  it('is answered uncompressed where it is no prediction, whatever they accept', async () => {
    for (const path of ['/v2', '/v2/models/fraud', '/v2/models/fraud/config', '/v2/models/stats']) {
      const answer = await gateway.send('GET', path, undefined, { 'accept-encoding': 'gzip, deflate' });
      expect(answer.headers['content-encoding']).toBeUndefined();
      expect(JSON.parse(answer.text)).toBeTypeOf('object');
    }
  });

  it('holds an empty id, a model name and nulls without a change of the answer', async () => {
    const answer = await gateway.infer(rows(1, { id: '', model_name: 'x', parameters: null, outputs: null }));
    expect(answer.status).toBe(200);
    expect(Object.keys(JSON.parse(answer.text))).toEqual(['model_name', 'model_version', 'outputs']);
  });

  it('names its length by media type where headers are stripped on the way', async () => {
    const x = Buffer.from(Float32Array.of(1, 2, 3).buffer);
    const json = JSON.stringify({
      inputs: [
        { name: 'x', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } },
        { name: 'note', shape: [1, 1], datatype: 'BYTES', data: ['n'] },
      ],
      outputs: [{ name: 'scores', parameters: { binary_data: true } }],
    });
    const type = 'application/vnd.sagemaker-triton.binary+json';
    const answer = await gateway.infer(Buffer.concat([Buffer.from(json), x]), { 'content-type': `${type};json-header-size=${json.length}` });
    const [, length] = /^application\/vnd\.sagemaker-triton\.binary\+json;json-header-size=(\d+)$/.exec(answer.headers['content-type'] ?? '') ?? [];
    expect(answer.body.subarray(Number(length))).toEqual(x);
    expectError(await gateway.infer('x', { 'content-type': `${type};json-header-size=5` }), 400, /has only 1 bytes/);
  });
});

/** Sends bytes as they are on a connection of their own; gives what came back. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(gateway.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

describe('request parameters', () => {
  it('bound the time of a request, and never lengthen it', async () => {
    expect((await gateway.infer(rows(1, { parameters: { timeout: 5_000_000, priority: 1, k: 'v' } }))).status).toBe(200);
    // One microsecond has passed before the model could start.
    expectError(await gateway.infer(rows(1, { parameters: { timeout: 1 } })), 504, /deadline|time/);
  });

  it.each([
    { parameters: { timeout: 'soon' }, status: 400, says: /"timeout" must be a whole number/ },
    { parameters: { priority: -1 }, status: 400, says: /"priority"/ },
    { parameters: { triton_x: 1 }, status: 400, says: /reserved/ },
    { parameters: { sequence_id: 7, sequence_start: true }, status: 501, says: /keep no state/ },
  ])('refuse $parameters', async ({ parameters, status, says }) => {
    expectError(await gateway.infer(rows(1, { parameters })), status, says);
  });
});

describe('statistics', () => {
  it('count per version and never go back when an instance is restarted', async () => {
    const before = (await get('/v2/models/fraud/versions/1/stats')).body.model_stats[0];
    await gateway.infer(rows(3), {}, '/v2/models/fraud/versions/1/infer');
    await gateway.infer('{', {}, '/v2/models/fraud/versions/1/infer');
    const [first, ...others] = (await get('/v2/models/fraud/versions/1/stats')).body.model_stats;
    expect(others).toEqual([]);
    expect(first).toMatchObject({ name: 'fraud', version: '1', inference_count: before.inference_count + 3 });
    expect(first.execution_count).toBe(before.execution_count + 1);
    expect(first.inference_stats.fail.count).toBe(before.inference_stats.fail.count + 1);
    for (const part of ['success', 'queue', 'compute_input', 'compute_infer', 'compute_output']) {
      expect(first.inference_stats[part].count).toBe(before.inference_stats[part].count + 1);
      expect(first.inference_stats[part].ns).toBeGreaterThan(before.inference_stats[part].ns);
    }
    expect(first.batch_stats.find((each: { batch_size: number }) => each.batch_size === 3).compute_infer.count).toBe(1);
    expect(Math.abs(first.last_inference - Date.now())).toBeLessThan(60_000);
    instances.kill('ins_1');
    await gateway.untilReady(1);
    await instances.start(sketches[0] ?? { instanceId: '', revision: 0, model: 'linear' });
    await gateway.untilReady(2);
    await gateway.infer(rows(1), {}, '/v2/models/fraud/versions/1/infer');
    const after = (await get('/v2/models/fraud/versions/1/stats')).body.model_stats[0];
    expect(after.inference_count).toBe(first.inference_count + 1);
  });

  it('count requests that were joined as the runs that there were', async () => {
    const stats = async () => (await get('/v2/models/fraud/versions/1/stats')).body.model_stats[0];
    const before = await stats();
    await waitFor(
      async () => {
        await Promise.all(Array.from({ length: 32 }, () => gateway.infer(rows(1), {}, '/v2/models/fraud/versions/1/infer')));
        const now = await stats();
        return now.execution_count - before.execution_count < now.inference_count - before.inference_count;
      },
      { what: 'a joined run' },
    );
    const after = await stats();
    const runs = after.batch_stats.reduce((sum: number, each: { compute_infer: { count: number } }) => sum + each.compute_infer.count, 0);
    expect(runs).toBe(after.execution_count);
  });

  it('list every version of a deployment, and all deployments', async () => {
    const versions = (body: { model_stats: { name: string; version: string }[] }) => body.model_stats.map(({ name, version }) => [name, version]);
    const both = [
      ['fraud', '1'],
      ['fraud', '2'],
    ];
    expect(versions((await get('/v2/models/fraud/stats')).body)).toEqual(both);
    expect(versions((await get('/v2/models/stats')).body)).toEqual(both);
  });

  it.each(['/v2/models/nope/stats', '/v2/models/fraud/versions/9/stats'])('are not there for %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});

describe('configuration', () => {
  it('tells a version that joins requests from one that does not', async () => {
    const joined = (await get('/v2/models/fraud/config')).body;
    expect(joined).toMatchObject({ name: 'fraud', max_batch_size: 1024, dynamic_batching: { preferred_batch_size: [] } });
    expect(joined.input.map((each: { dims: number[] }) => each.dims)).toEqual([[3], [1]]);
    const alone = (await get('/v2/models/fraud/versions/2/config')).body;
    expect(alone).toMatchObject({ max_batch_size: 0, input: [{ name: 'x', dims: [-1, 2] }] });
    expect(alone).not.toHaveProperty('dynamic_batching');
  });

  it.each([
    { path: '/v2/models/fraud', batches: true },
    { path: '/v2/models/fraud/versions/2', batches: false },
  ])('agrees with the metadata of $path', async ({ path, batches }) => {
    const metadata = (await get(path)).body;
    const config = (await get(`${path}/config`)).body;
    expect(config.max_batch_size > 0).toBe(batches);
    for (const [own, shown] of [
      ['inputs', 'input'],
      ['outputs', 'output'],
    ] as const) {
      expect(config[shown].map((each: { name: string }) => each.name)).toEqual(metadata[own].map((each: { name: string }) => each.name));
      const dims = metadata[own].map((each: { shape: number[] }) => (batches ? each.shape.slice(1) : each.shape));
      expect(config[shown].map((each: { dims: number[] }) => each.dims)).toEqual(dims);
      if (batches) expect(metadata[own].every((each: { shape: number[] }) => each.shape[0] === -1)).toBe(true);
    }
  });

  it.each(['/v2/models/nope/config', '/v2/models/fraud/versions/9/config'])('is not there for %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});

describe('small bodies', () => {
  it('are refused as soon as they are over their limit, however they come', async () => {
    const large = ' '.repeat(64 * 1024 + 1);
    expectError(await gateway.send('POST', '/v2/repository/index', large), 413, /65536 bytes/);
    expectError(await gateway.send('POST', '/v2/logging', large, { 'transfer-encoding': 'chunked' }), 413, /65536 bytes/);
    expect((await gateway.send('POST', '/v2/repository/index', ' '.repeat(64 * 1024 - 2).concat('{}'))).status).toBe(200);
    // The end of this one never comes, and is not waited for.
    const endless = `POST /v2/repository/index HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n${large}`;
    expect(await raw(endless)).toMatch(/^HTTP\/1.1 413 /);
  });
});

describe('a deployment that is being unloaded', () => {
  it('shows so in the index, and is not served by number any more', async () => {
    const other = await TestGateway.open();
    try {
      other.core.apply(snapshotOf(instances, sketches, 1, { suspended: true }));
      await other.untilReady(2);
      const index = JSON.parse((await other.send('POST', '/v2/repository/index')).text);
      expect(index.map((each: { state: string }) => each.state)).toEqual(['UNLOADING', 'UNLOADING']);
      expect(JSON.parse((await other.send('POST', '/v2/repository/index', '{"ready":true}')).text)).toEqual([]);
      expect((await other.send('GET', '/v2/models/fraud/versions/1')).status).toBe(404);
    } finally {
      await other.close();
    }
  });
});

describe('a version that is loading', () => {
  it('is known, but not ready', async () => {
    const other = await TestGateway.open();
    try {
      other.core.apply(snapshotOf(instances, [{ instanceId: 'ins_absent', revision: 7, model: 'linear' }], 7));
      expect((await other.send('GET', '/v2/models/fraud/versions/7')).status).toBe(503);
      expect((await other.send('GET', '/v2/models/fraud/versions/7/config')).status).toBe(503);
      expect((await other.send('GET', '/v2/models/fraud')).status).toBe(200);
      expect(JSON.parse((await other.send('POST', '/v2/repository/index')).text)).toMatchObject([{ version: '7', state: 'LOADING' }]);
    } finally {
      await other.close();
    }
  });
});

describe('what is not there', () => {
  it.each([
    { path: '/v2/trace/setting', has: { trace_level: ['OFF'], trace_rate: '1000' } },
    { path: '/v2/models/fraud/trace/setting', has: { trace_level: ['OFF'] } },
    { path: '/v2/logging', has: { log_info: true, log_verbose_level: 0 } },
  ])('shows the whole of $path and takes what changes nothing', async ({ path, has }) => {
    const shown = await get(path);
    expect(shown).toMatchObject({ status: 200, body: has });
    const same = await gateway.send('POST', path, JSON.stringify(shown.body));
    expect({ status: same.status, body: JSON.parse(same.text) }).toEqual(shown);
    expectError(await gateway.send('POST', path, JSON.stringify({ [Object.keys(has)[0] ?? '']: 'other' })), 501, /cannot be changed/);
    expectError(await gateway.send('POST', path, '{"nothing":1}'), 400, /unknown setting "nothing"/);
    expectError(await gateway.send('POST', path, '[1]'), 400, /JSON object/);
  });

  it('knows no settings of an unknown model', async () => {
    expect((await get('/v2/models/nope/trace/setting')).status).toBe(404);
  });

  it.each(['system', 'cuda'])('says that there is no %s shared memory', async (kind) => {
    expect(await get(`/v2/${kind}sharedmemory/status`)).toEqual({ status: 200, body: [] });
    expect(await get(`/v2/${kind}sharedmemory/region/r/status`)).toEqual({ status: 200, body: [] });
    expect((await gateway.send('POST', `/v2/${kind}sharedmemory/unregister`)).status).toBe(200);
    expect((await gateway.send('POST', `/v2/${kind}sharedmemory/region/r/unregister`)).status).toBe(200);
    expectError(await gateway.send('POST', `/v2/${kind}sharedmemory/region/r/register`, '{"key":"/r"}'), 501, /not supported/);
  });

  it.each([
    { path: '/v2/repository/other/models/fraud/load', says: /one repository/ },
    { path: '/v2/repository/other/index', says: /one repository/ },
    { path: '/v2/models/fraud/generate', says: /use infer/ },
    { path: '/v2/models/fraud/generate_stream', says: /use infer/ },
  ])('answers 501 to $path', async ({ path, says }) => {
    expectError(await gateway.send('POST', path, '{}'), 501, says);
  });

  it.each(['/v2/trace/setting', '/v2/models/fraud/stats', '/v2/models/fraud/config', '/v2/systemsharedmemory/status'])(
    'answers HEAD %s without a body',
    async (path) => {
      const answer = await gateway.send('HEAD', path);
      expect([answer.status, answer.text]).toEqual([200, '']);
    },
  );
});
