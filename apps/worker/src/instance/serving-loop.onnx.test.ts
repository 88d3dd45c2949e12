import type { Signature } from '@slipway/contracts';
import type { InferReply, InferResult, InstanceSpec } from '@slipway/inference';
import { gatherModel, linearModel, loopModel, waitUntil } from '@slipway/inference/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { readyInstance, type TestInstance } from './testing/start-instance.js';

const linear: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
const gather: Signature = { inputs: [{ name: 'i', datatype: 'INT64', shape: [-1] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }] };
const loop: Signature = { inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [] }] };
const task = { kind: 'regression' as const, predictionOutput: 'y', rowAxis: 0 };
const limits: InstanceSpec['limits'] = { maxQueue: 500, maxOutputElements: 1000, maxInputElements: 1000, maxBodyBytes: 1 << 20 };
const joining: InstanceSpec['batching'] = { isOn: true, maxBatchSize: 16, maxDelayMs: 2 };
/** Runs for some minutes. */
const endless = 1_000_000_000;

let open: TestInstance[] = [];
afterEach(async () => {
  await Promise.all(open.map((instance) => instance.stop()));
  open = [];
});

async function ready(...[model, parts]: Parameters<typeof readyInstance>): Promise<TestInstance> {
  const instance = await readyInstance(model, { task, limits, ...parts });
  open.push(instance);
  return instance;
}

const rows = (...values: number[][]): string =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [values.length, 2], datatype: 'FP32', data: values.flat() }] });
const index = (value: number): string => JSON.stringify({ inputs: [{ name: 'i', shape: [1], datatype: 'INT64', data: [value] }] });
const turns = (count: number): string => JSON.stringify({ inputs: [{ name: 'turns', shape: [], datatype: 'INT64', data: [count] }] });

function resultOf(reply: InferReply): InferResult {
  if (reply.kind !== 'result') throw new Error(`expected a result, got ${JSON.stringify(reply)}`);
  return reply;
}

const valuesOf = (reply: InferReply): unknown => JSON.parse(resultOf(reply).body.toString('utf8')).outputs[0].data;

describe.each([
  { where: 'in line', runMs: 0.01 },
  { where: 'in a thread', runMs: 50 },
])('joining $where', ({ runMs }) => {
  it('gives each request its own rows, in runs of no more than the maximum', async () => {
    const instance = await ready(linearModel(), { signature: linear, batching: joining, runMs });
    const sizes = Array.from({ length: 200 }, (_, request) => 1 + (request % 3));
    const replies = await Promise.all(
      sizes.map((size, request) => instance.infer(rows(...Array.from({ length: size }, (_, row) => [request * 10 + row, 0])))),
    );
    replies.forEach((reply, request) => {
      expect(valuesOf(reply)).toEqual(Array.from({ length: sizes[request] ?? 0 }, (_, row) => request * 10 + row));
      expect(resultOf(reply).batchRows).toBeLessThanOrEqual(16);
    });
    const results = replies.map(resultOf);
    const { runs } = await instance.client.ping(2_000);
    expect(runs).toBeLessThan(200);
    expect(results.reduce((sum, each) => sum + each.runs, 0)).toBe(runs);
    expect(Math.max(...results.map((each) => each.batchRows))).toBeGreaterThan(3);
  });

  it('answers neighbours of a request that fails as if it had not been there', async () => {
    const instance = await ready(gatherModel(), { signature: gather, batching: joining, runMs });
    const wanted = [0, 1, 99, 2, 1, 0];
    const replies = await Promise.all(wanted.map((value) => instance.infer(index(value))));
    replies.forEach((reply, position) => {
      const value = wanted[position] ?? 0;
      if (value === 99) expect(reply).toMatchObject({ kind: 'error', code: 'INFER_INVALID' });
      else expect(valuesOf(reply)).toEqual([(value + 1) * 10]);
    });
  });

  it('keeps a request alone that must be alone', async () => {
    const instance = await ready(linearModel(), { signature: linear, batching: joining, runMs });
    const replies = await Promise.all(Array.from({ length: 30 }, (_, request) => instance.infer(rows([request, 0]), { alone: request % 2 === 0 })));
    replies.forEach((reply, request) => {
      expect(valuesOf(reply)).toEqual([request]);
      if (request % 2 === 0) expect(resultOf(reply).batchRows).toBe(1);
    });
  });
});

describe('a revision that states its batch size', () => {
  it('refuses larger requests, with both numbers', async () => {
    const instance = await ready(linearModel(), { signature: linear, batching: joining, limits: { ...limits, maxRows: 2 } });
    expect(await instance.infer(rows([1, 1], [2, 2]))).toMatchObject({ kind: 'result' });
    const reply = await instance.infer(rows([1, 1], [2, 2], [3, 3]));
    expect(reply).toMatchObject({ kind: 'error', code: 'INFER_INVALID', message: expect.stringMatching(/3 rows.*at most 2/) });
  });
});

describe.each([
  { where: 'in line', runMs: 0.01 },
  { where: 'in a thread', runMs: 50 },
])('a run that hangs $where', ({ runMs }) => {
  it('ends with its process within 250 ms after the deadline', async () => {
    const instance = await ready(loopModel(), { signature: loop, task: null, runMs });
    await instance.infer(turns(1));
    const deadlineMs = 600;
    const startedAt = performance.now();
    const reply = await instance.infer(turns(endless), { deadlineMs });
    const tookMs = performance.now() - startedAt;
    expect(reply).toEqual({ kind: 'gone' });
    expect(tookMs).toBeGreaterThanOrEqual(deadlineMs - 5);
    // Beside other work on the machine the clock of a test is no better than this; the bound itself is 250 ms.
    expect(tookMs).toBeLessThan(deadlineMs + 500);
    await waitUntil(() => instance.child.signalCode === 'SIGKILL', 'the process ends');
    instance.restart();
    await waitUntil(() => instance.client.state === 'READY', 'it is back');
    expect(await instance.infer(turns(1))).toMatchObject({ kind: 'result' });
  });

  it('is not ended for a caller who only had no patience', async () => {
    const instance = await ready(loopModel(), { signature: loop, task: null, runMs });
    const usual = 200_000;
    await instance.infer(turns(usual));
    const { pid } = instance.child;
    await Promise.all([instance.infer(turns(usual), { deadlineMs: 1 }), instance.infer(turns(usual))]);
    expect(instance.client.hello?.pid).toBe(pid);
    expect(instance.child.signalCode).toBeNull();
  });
});
