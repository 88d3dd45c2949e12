import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReplayDifferences, ReplayView, RequestSamplesView, type Signature, type Task } from '@slipway/contracts';
import { floats, writeModel } from '@slipway/inference/testing';
import { toJson } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningApi } from './running-api.js';
import { by, RunningWorker, serves, spec } from './running-worker.js';

const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'score', datatype: 'FP32', shape: [-1, 1] }],
};
const task: Task = { kind: 'binary', scoreOutput: 'score', classes: ['no', 'yes'], positiveClass: 'yes', rowAxis: 0 };
const requests = 50;
let worker: RunningWorker;
let api: RunningApi;

beforeAll(async () => {
  worker = await RunningWorker.open();
  api = await RunningApi.start(worker);
  await worker.addModel('risk', [classifier(1), classifier(-1)], signature);
  await worker.database.db.version.updateMany({ data: { task: toJson(task), rowsIndependent: true } });
  await worker.start({ SLIPWAY_GATEWAY_URL: api.url });
  const samples = { percent: 100, perMinute: 6000, maxRequests: 1000, maxBytes: 1 << 20, keepHours: 1, redact: {} };
  const create = (name: string, requestSamples: typeof samples | undefined) =>
    worker.deployments.create(by, {
      name,
      model: 'risk',
      version: 1,
      replicas: 1,
      spec: { ...spec, batching: { mode: 'off' }, ...(requestSamples === undefined ? {} : { requestSamples }) },
    });
  await create('risk', samples);
  await create('secret', { ...samples, redact: { x: 'hash' } });
  await create('private', undefined);
  for (const name of ['risk', 'secret', 'private']) await worker.until(name, serves(1), `${name} to serve`, 60_000);
  for (let at = 0; at < requests; at += 1) {
    await infer('risk', at);
    // Some time between them, to be replayed as it was.
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (at < 4) await infer('secret', at);
    if (at < 4) await infer('private', at);
  }
  await waitFor(
    async () => {
      const seen = [(await kept('risk')).requests, (await kept('secret')).requests];
      if (seen[0] !== requests || seen[1] !== 4) throw new Error(`kept so far: ${seen.join(' and ')}`);
      return true;
    },
    { what: 'the samples to be stored', timeoutMs: 60_000 },
  );
});
afterAll(async () => {
  await api.end();
  await worker.close();
});

/** One score per row, sigmoid(sign · (x₀ + 2 x₁)): with the other sign, every label is the other one. */
function classifier(sign: 1 | -1): Buffer {
  return writeModel({
    graph: {
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['z'] },
        { op: 'Sigmoid', inputs: ['z'], outputs: ['score'] },
      ],
      initializers: [floats('w', [2, 1], [sign, 2 * sign])],
      inputs: [{ name: 'x', dims: ['rows', 2] }],
      outputs: [{ name: 'score', dims: ['rows', 1] }],
    },
  });
}

async function infer(deployment: string, at: number): Promise<void> {
  const data = [(at - 20) / 7, 0.1];
  const answer = await api.call('POST', `/v2/models/${deployment}/infer`, { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data }] });
  expect(answer.status, answer.text).toBe(200);
}

const kept = async (name: string) => RequestSamplesView.parse((await api.call('GET', `/v1/deployments/${name}/request-samples`)).json());
const view = async (id: string) => ReplayView.parse((await api.call('GET', `/v1/replays/${id}`)).json());
async function create(wish: object): Promise<string> {
  const answer = await api.call('POST', '/v1/replays', wish);
  expect(answer.status, answer.text).toBe(202);
  return ReplayView.parse(answer.json()).id;
}
const until = (id: string, check: (view: ReplayView) => boolean, what: string) =>
  waitFor(
    async () => {
      const seen = await view(id);
      if (check(seen)) return seen;
      throw new Error(JSON.stringify({ status: seen.status, failure: seen.failure, requests: seen.requests, waitingFor: seen.waitingFor }));
    },
    { what, timeoutMs: 40_000, everyMs: 20 },
  );
const over = (id: string) => until(id, (seen) => seen.finishedAt !== null, 'the replay to end');
const noProcessLeft = async () => !existsSync(join(worker.home, 'replays')) || (await readdir(join(worker.home, 'replays'))).length === 0;

describe('kept requests', () => {
  it('are those of deployments that ask for it, and nobody else can read them', async () => {
    const risk = await kept('risk');
    expect(risk).toMatchObject({ requests, represents: requests, redacted: 0, versions: [{ version: 1, requests }] });
    expect(risk.bytes).toBeGreaterThan(0);
    expect(await kept('secret')).toMatchObject({ requests: 4, redacted: 4 });
    expect(await kept('private')).toMatchObject({ requests: 0, oldestAt: null });
    const answer = await api.call('POST', '/v1/replays', { deployment: 'private', version: 1 });
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('REPLAY_NO_REQUESTS');
  });
});

describe('a replay', () => {
  it('of the version that answered gives the same bits', async () => {
    const done = await over(await create({ deployment: 'risk', version: 1 }));
    expect(done).toMatchObject({
      status: 'COMPLETED',
      requests: { planned: requests, done: requests, skipped: 0 },
      sameVersion: { compared: requests, equal: requests, differing: {} },
      pairs: { rows: requests, flips: 0, maxDistance: 0 },
      candidate: { requests, errors: 0 },
      summary: `All ${requests} answers that version 1 had given are equal, bit by bit.`,
    });
    expect(ReplayDifferences.parse((await api.call('GET', `/v1/replays/${done.id}/differences`)).json()).items).toEqual([]);
    expect(await noProcessLeft()).toBe(true);
  });

  it('of redacted requests asks the version itself for both answers', async () => {
    const done = await over(await create({ deployment: 'secret', version: 1 }));
    expect(done).toMatchObject({ status: 'COMPLETED', sameVersion: { compared: 4, equal: 4 }, pairs: { rows: 4, flips: 0 } });
  });

  it('of a version with swapped labels says so, the most different first, and survives its worker', async () => {
    const id = await create({ deployment: 'risk', version: 2, speed: 'original', reason: 'before it gets one live request' });
    const before = await until(id, (seen) => seen.requests.done > 0, 'a checkpoint');
    expect(before.status).toBe('RUNNING');
    await worker.end('SIGKILL');
    expect((await view(id)).requests.done).toBeLessThan(requests);
    await worker.start({ SLIPWAY_GATEWAY_URL: api.url });
    const done = await over(id);
    expect(done).toMatchObject({
      status: 'COMPLETED',
      attempts: 2,
      reason: 'before it gets one live request',
      requests: { planned: requests, done: requests, skipped: 0 },
      // Each request once, whatever happened in between; version 1 was asked again and answered as it had.
      pairs: { requests, rows: requests, flips: requests, flipShare: 1 },
      stableAgain: { compared: requests, equal: requests },
      sameVersion: { compared: 0 },
      stable: { requests, errors: 0 },
      candidate: { requests, errors: 0 },
    });
    expect(done.candidate.compute.meanMs).toBeGreaterThan(0);
    expect(done.summary).toContain(`another label on ${requests} of ${requests} rows (100 %)`);
    const { items } = ReplayDifferences.parse((await api.call('GET', `/v1/replays/${id}/differences`)).json());
    expect(items).toHaveLength(requests);
    expect(items.map((item) => item.distance)).toEqual(items.map((item) => item.distance).toSorted((a, b) => b - a));
    const first = items[0];
    // The last request is the furthest from the border.
    expect(first?.inputs).toEqual([
      { name: 'x', datatype: 'FP32', shape: [1, 2], redaction: 'keep', values: [String(Math.fround(29 / 7)), String(Math.fround(0.1))] },
    ]);
    expect(first).toMatchObject({ flips: 1, stable: { version: 1, predictions: ['yes'] }, candidate: { version: 2, predictions: ['no'] } });
    const csv = await api.call('GET', `/v1/replays/${id}/differences?format=csv`);
    expect(csv.text.trimEnd().split('\r\n')).toHaveLength(requests + 1);
    await waitFor(noProcessLeft, { what: 'no process to be left' });
  });

  it('is cancelled within a moment, and leaves no process', async () => {
    const id = await create({ deployment: 'risk', version: 2, speed: 0.01 });
    await until(id, (seen) => seen.status === 'RUNNING', 'the replay to begin');
    expect(ReplayView.parse((await api.call('POST', `/v1/replays/${id}/cancel`)).json()).status).toBe('CANCELLED');
    await waitFor(noProcessLeft, { what: 'its processes to be gone' });
    expect((await api.call('DELETE', `/v1/replays/${id}`)).status).toBe(204);
    expect((await api.call('GET', `/v1/replays/${id}`)).status).toBe(404);
  });

  it('touches no live traffic: no record, no window of its own, the same instances', async () => {
    const rows = await worker.database.db.$queryRaw<{ count: bigint }[]>`select count(*) from "telemetry"."predictions" where version_number = 2`;
    expect(Number(rows[0]?.count)).toBe(0);
    expect((await worker.view('risk')).instances.map(({ revision }) => revision)).toEqual([1]);
  });

  it('has nothing to show of inputs that were deleted', async () => {
    const id = await create({ deployment: 'risk', version: 2, requests: 3 });
    await over(id);
    expect((await api.call('DELETE', '/v1/deployments/risk/request-samples')).json()).toMatchObject({ requests });
    const { items } = ReplayDifferences.parse((await api.call('GET', `/v1/replays/${id}/differences`)).json());
    expect(items.map(({ inputs }) => inputs)).toEqual([null, null, null]);
    expect(await kept('risk')).toMatchObject({ requests: 0 });
  });
});
