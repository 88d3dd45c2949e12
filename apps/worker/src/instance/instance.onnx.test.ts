import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Datatype, Signature } from '@slipway/contracts';
import { datatypeFacts, type InferReply } from '@slipway/inference';
import { gatherModel, identityModel, linearModel, loopModel, waitUntil } from '@slipway/inference/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { readyInstance, startInstance, type TestInstance } from './testing/start-instance.js';

const linear: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
const loop: Signature = { inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [] }] };
const regression = { kind: 'regression' as const, predictionOutput: 'y', rowAxis: 0 };

let open: TestInstance[] = [];
afterEach(async () => {
  await Promise.all(open.map((instance) => instance.stop()));
  open = [];
});

async function ready(...[model, parts]: Parameters<typeof readyInstance>): Promise<TestInstance> {
  const instance = await readyInstance(model, parts);
  open.push(instance);
  return instance;
}

const rows = (...values: number[][]): string =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [values.length, 2], datatype: 'FP32', data: values.flat() }] });
const turns = (count: number): string => JSON.stringify({ inputs: [{ name: 'turns', shape: [], datatype: 'INT64', data: [count] }] });
/** Takes a second or so. */
const manyTurns = 1_000_000;

function jsonOf(reply: InferReply): unknown {
  if (reply.kind !== 'result') throw new Error(`expected a result, got ${JSON.stringify(reply)}`);
  return JSON.parse(reply.body.toString('utf8'));
}

describe('an instance', () => {
  it('greets, answers with the version that served, and keeps a record of what it answered', async () => {
    const instance = await ready(linearModel(), { signature: linear, task: regression });
    expect(instance.client.hello).toMatchObject({ instanceId: 'ins_1', pid: instance.child.pid, revisionId: 'rev_1', signature: linear });
    const reply = await instance.infer(rows([1, 2], [3, 4]), { predictionId: 'prd_7' });
    expect(jsonOf(reply)).toEqual({
      model_name: 'fraud',
      model_version: '3',
      outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 1], data: [5, 11] }],
    });
    expect(reply).toMatchObject({ kind: 'result', rows: 2, invalidOutput: false, contentType: 'application/json' });
    // The record was there before the answer was.
    const file = readdirSync(instance.spec.spoolFolder).find((name) => name.endsWith('.ndjson')) ?? '';
    const [owner = '', record = ''] = readFileSync(join(instance.spec.spoolFolder, file), 'utf8').split('\n');
    expect(JSON.parse(owner)).toMatchObject({ dep: 'dep_1', rev: 'rev_1', ver: 'ver_1', vn: 3 });
    expect(JSON.parse(record)).toMatchObject({ id: 'prd_7', n: 2, p: [5, 11] });
  });

  it('keeps no record of shadows and probes', async () => {
    const instance = await ready(linearModel(), { signature: linear, task: regression });
    await instance.infer(rows([1, 2]), { kind: 'shadow' });
    await instance.infer(rows([1, 2]), { kind: 'probe' });
    expect(readdirSync(instance.spec.spoolFolder)).toEqual([]);
    expect(await instance.client.ping(2000)).toMatchObject({ requests: 2, runs: 2, failures: 0, recordsWritten: 0 });
  });

  it('answers each of many requests at once with its own answer', async () => {
    const instance = await ready(linearModel(), {
      signature: linear,
      limits: { maxQueue: 500, maxOutputElements: 1000, maxInputElements: 1000, maxBodyBytes: 1 << 20 },
    });
    const replies = await Promise.all(Array.from({ length: 300 }, (_, index) => instance.infer(rows([index, 0]))));
    replies.forEach((reply, index) => {
      expect(jsonOf(reply)).toMatchObject({ outputs: [{ data: [index] }] });
    });
  });

  it.each(Object.keys(datatypeFacts))('carries %s bit by bit', async (name) => {
    const datatype = name as Datatype;
    const signature: Signature = {
      inputs: [{ name: 'x', datatype, shape: [-1, -1] }],
      outputs: [{ name: 'y', datatype, shape: [-1, -1] }],
    };
    const instance = await ready(identityModel(datatypeFacts[datatype].onnx), { signature });
    const size = datatypeFacts[datatype].bytes;
    const bytes =
      datatype === 'BYTES'
        ? Buffer.from([2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0])
        : Buffer.from(Array.from({ length: 2 * size }, (_, index) => (datatype === 'BOOL' ? index % 2 : 0x81 + index)));
    const json = JSON.stringify({
      inputs: [{ name: 'x', shape: [1, 2], datatype, parameters: { binary_data_size: bytes.length } }],
      parameters: { binary_data_output: true },
    });
    const reply = await instance.infer(Buffer.concat([Buffer.from(json), bytes]), { inferenceHeaderContentLength: json.length });
    expect(reply.kind === 'result' && reply.body.subarray(reply.inferenceHeaderContentLength)).toEqual(bytes);
  });

  it('serves tensors whose names JavaScript treats as something else', async () => {
    const signature: Signature = {
      inputs: [{ name: '__proto__', datatype: 'FP32', shape: [-1, -1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, -1] }],
    };
    const instance = await ready(identityModel(1, '__proto__'), { signature });
    const reply = await instance.infer('{"inputs":[{"name":"__proto__","shape":[1,1],"datatype":"FP32","data":[7]}]}');
    expect(jsonOf(reply)).toMatchObject({ outputs: [{ data: [7] }] });
  });

  it.each([
    { name: 'a body that is no JSON', body: 'hello', code: 'INFER_INVALID' },
    {
      name: 'a wrong shape',
      body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] }] }),
      code: 'INFER_INVALID',
    },
    { name: 'more values than the limit', body: rows(...Array.from({ length: 600 }, () => [1, 2])), code: 'INFER_TOO_LARGE' },
  ])('refuses $name and serves on', async ({ body, code }) => {
    const instance = await ready(linearModel(), { signature: linear });
    expect(await instance.infer(body)).toMatchObject({ kind: 'error', code });
    expect(jsonOf(await instance.infer(rows([1, 1])))).toMatchObject({ outputs: [{ data: [3] }] });
  });

  it('says that an index beyond the table is the caller’s fault', async () => {
    const signature: Signature = { inputs: [{ name: 'i', datatype: 'INT64', shape: [-1] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }] };
    const instance = await ready(gatherModel(), { signature });
    const reply = await instance.infer('{"inputs":[{"name":"i","shape":[1],"datatype":"INT64","data":[9]}]}');
    expect(reply).toMatchObject({
      kind: 'error',
      code: 'INFER_INVALID',
      message: expect.stringContaining('must be within the inclusive range [-3,2]'),
    });
  });

  it('refuses answers over the limit', async () => {
    const signature: Signature = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, -1] }],
    };
    const limits = { maxQueue: 4, maxOutputElements: 3, maxInputElements: 100, maxBodyBytes: 1 << 20 };
    const instance = await ready(identityModel(1), { signature, limits });
    expect(await instance.infer(rows([1, 2], [3, 4]))).toMatchObject({ kind: 'error', code: 'INFER_OUTPUT_TOO_LARGE' });
  });

  it('flags an answer with NaN', async () => {
    const instance = await ready(linearModel(), { signature: linear });
    const reply = await instance.infer('{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}');
    expect(reply).toMatchObject({ kind: 'result', invalidOutput: true });
    expect(reply.kind === 'result' && reply.body.toString()).toContain('"data":[NaN]');
  });

  it('bounds its queue, keeps to deadlines and drops what was cancelled', async () => {
    const limits = { maxQueue: 2, maxOutputElements: 10, maxInputElements: 10, maxBodyBytes: 1000 };
    const instance = await ready(loopModel(), { signature: loop, limits });
    const [first, late, full] = [instance.infer(turns(manyTurns)), instance.infer(turns(1), { deadlineMs: 1 }), instance.infer(turns(1))];
    expect(await full).toMatchObject({ kind: 'error', code: 'QUEUE_FULL' });
    expect(await first).toMatchObject({ kind: 'result' });
    expect(await late).toMatchObject({ kind: 'error', code: 'DEADLINE_EXCEEDED' });

    const before = await instance.client.ping(2000);
    const running = instance.infer(turns(manyTurns));
    let answered = false;
    const call = { predictionId: 'p', deadlineMs: 60_000, priority: 0, kind: 'live' as const, modelName: 'm', body: Buffer.from(turns(1)) };
    const stream = instance.client.infer(call, () => {
      answered = true;
    });
    instance.client.cancel(stream);
    await running;
    const after = await instance.client.ping(2000);
    expect(answered).toBe(false);
    expect(after.runs - before.runs).toBe(1);
  });

  it('answers all it was given when it is told to end, and ends with status 0', async () => {
    const instance = await ready(loopModel(), { signature: loop });
    const replies = Array.from({ length: 5 }, () => instance.infer(turns(50_000)));
    await instance.client.ping(2000);
    instance.client.drain();
    instance.child.kill('SIGTERM');
    expect((await Promise.all(replies)).map((reply) => reply.kind)).toEqual(Array.from({ length: 5 }, () => 'result'));
    await waitUntil(() => instance.child.exitCode !== null, 'the instance ends');
    expect(instance.child.exitCode).toBe(0);
    expect(readdirSync(join(instance.spec.socketPath, '..'))).not.toContain('socket');
  });

  it('lets its callers know when it is killed, and serves on under the same socket when started again', async () => {
    const instance = await ready(loopModel(), { signature: loop });
    const reply = instance.infer(turns(manyTurns * 50));
    instance.child.kill('SIGKILL');
    expect(await reply).toEqual({ kind: 'gone' });
    expect(instance.client.state).toBe('CONNECTING');
    instance.restart();
    await waitUntil(() => instance.client.state === 'READY', 'the instance is back');
    expect(await instance.infer(turns(1))).toMatchObject({ kind: 'result' });
  });

  it('falls back to cpu where the wished provider is not there, and says so', async () => {
    const session = { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['tensorrt'], graphOptimization: 'all' as const };
    const instance = await ready(linearModel(), { signature: linear, session });
    const { provider, providerNote } = instance.client.hello ?? {};
    if (provider === 'cpu') expect(providerNote).toBe('wished tensorrt: not available here');
    else expect(provider).toBe('tensorrt');
    expect(await instance.infer(rows([1, 2]))).toMatchObject({ kind: 'result' });
  });

  it('says why a model cannot be loaded, and ends', async () => {
    const instance = startInstance(Buffer.from('not a model at all'), { signature: linear });
    open.push(instance);
    let reason = '';
    instance.client.on('failed', (text) => {
      reason = text;
    });
    await waitUntil(() => instance.child.exitCode !== null, 'the instance ends');
    expect(instance.child.exitCode).toBe(3);
    await waitUntil(() => reason !== '', 'the reason arrives');
    expect(reason).toContain('The model could not be loaded');
    expect(reason).not.toContain(instance.spec.modelPath);
  });
});
