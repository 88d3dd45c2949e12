import { SlipwayApiError, SlipwayClient, type SlipwayClientOptions } from '@slipway/client';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type InstanceSketch, Instances, snapshotOf, TestGateway } from './gateway-harness.js';

const sketches: readonly InstanceSketch[] = [
  { instanceId: 'ins_1', revision: 1, model: 'linear' },
  { instanceId: 'ins_2', revision: 2, model: 'loop' },
  // A run past its deadline may cost an instance its life, so that test has one of its own.
  { instanceId: 'ins_3', revision: 3, model: 'loop' },
];
let instances: Instances;
let gateway: TestGateway;

beforeAll(async () => {
  instances = await Instances.open();
  await Promise.all(sketches.map((sketch) => instances.start(sketch)));
  gateway = await TestGateway.open({
    admit: (request) =>
      request.headers.authorization === 'Bearer good'
        ? { ok: true, projectId: 'prj_default' }
        : { ok: false, code: 'CREDENTIAL_INVALID', message: 'this credential is not known here' },
  });
  gateway.core.apply(snapshotOf(instances, sketches, 1));
  await gateway.untilReady(3);
});
afterAll(async () => {
  await gateway.close();
  await instances.close();
});
beforeEach(() => {
  gateway.core.apply(snapshotOf(instances, sketches, 1));
});

const client = (options: Partial<SlipwayClientOptions> = {}) => new SlipwayClient({ url: gateway.url, apiKey: 'good', ...options });
const fraud = (options: Partial<SlipwayClientOptions> = {}) => client(options).deployment('fraud');

describe('predict', () => {
  it('answers nested lists and flat typed arrays, with what the metadata says', async () => {
    const nested = await fraud().predict({
      x: [
        [1, 2],
        [3, 4],
      ],
    });
    expect(nested.output('y', 'FP32').data).toEqual(Float32Array.of(6, 12));
    expect(nested.output('y').toNested()).toEqual([[6], [12]]);
    expect(nested).toMatchObject({ revision: 1, modelVersion: '1', modelName: 'fraud' });
    expect(nested.rowId(1)).toMatch(/^prd_[0-7][0-9A-HJKMNP-TV-Z]{25}#1$/);
    const flat = await fraud().predict({ x: Float32Array.of(1, 2, 3, 4) });
    expect(flat.output('y').toNested()).toEqual([[6], [12]]);
  });

  it('answers thousands of rows as bytes both ways, the same as in JSON', async () => {
    const rows = 5000;
    const x = { data: Float32Array.from({ length: rows * 2 }, (_, index) => Math.sin(index)), shape: [rows, 2] };
    const binary = await fraud().predict({ x });
    const json = await fraud().predict({ x }, { format: 'json', answerFormat: 'json' });
    expect(binary.output('y').shape).toEqual([rows, 1]);
    expect(binary.output('y').data).toEqual(json.output('y').data);
  });

  it.each(['json', 'binary'] as const)('carries NaN and the infinities both ways in %s', async (format) => {
    const rows = [
      [Number.NaN, 0],
      [Number.POSITIVE_INFINITY, 0],
      [Number.NEGATIVE_INFINITY, 0],
      [-0, 0],
    ];
    const prediction = await fraud().predict({ x: rows }, { format, answerFormat: format });
    expect([...prediction.output('y', 'FP32').data]).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]);
  });

  it('reaches a version, echoes ids, and takes a bigint for a scalar of 64 bits', async () => {
    const prediction = await fraud().predict({ turns: 3n }, { version: 2, id: 'mine', requestId: 'r-7', priority: 1, routingKey: 'k' });
    expect(prediction).toMatchObject({ revision: 2, modelVersion: '2', id: 'mine', requestId: 'r-7' });
    expect(prediction.output('y').toNested()).toBe(3);
  });

  it('gives what the server refuses, with its code', async () => {
    await expect(fraud().predict({ x: { data: [1, 2], shape: [1, 2], datatype: 'FP64' } })).rejects.toMatchObject({
      code: 'INFER_INVALID',
      status: 400,
      message: expect.stringMatching(/"x".*FP32/),
      predictionId: expect.stringMatching(/^prd_/),
    });
    await expect(
      client()
        .deployment('nope')
        .predict({ x: [1] }),
    ).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND', status: 404 });
    await expect(
      client({ apiKey: 'bad' })
        .deployment('fraud')
        .predict({ x: [1] }),
    ).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID', status: 401 });
  });
});

describe('what it says of itself', () => {
  it('is readable', async () => {
    expect(await client().ready()).toBe(true);
    expect(await client().serverMetadata()).toMatchObject({ name: 'slipway', extensions: expect.arrayContaining(['binary_tensor_data']) });
    expect(await fraud().metadata()).toMatchObject({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }] });
    expect(await fraud().metadata({ version: 2 })).toMatchObject({ inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }] });
    expect(await fraud().ready({ version: 2 })).toBe(true);
    await expect(fraud().ready({ version: 9 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
  });

  it('says "not ready" while suspended', async () => {
    gateway.core.apply(snapshotOf(instances, sketches, 1, { suspended: true }));
    expect(await fraud().ready()).toBe(false);
  });
});

describe('when it is not well', () => {
  it('comes back when asked to, and finds the deployment resumed', async () => {
    gateway.core.apply(snapshotOf(instances, sketches, 1, { suspended: true }));
    const x = { data: [[1, 2]], datatype: 'FP32' as const };
    await expect(fraud({ retry: false }).predict({ x })).rejects.toMatchObject({
      code: 'DEPLOYMENT_NOT_READY',
      status: 503,
      retryAfterSeconds: expect.any(Number),
    });
    gateway.samples.length = 0;
    const call = fraud().predict({ x });
    await waitFor(() => gateway.samples.length === 1, { what: 'the first refusal' });
    gateway.core.apply(snapshotOf(instances, sketches, 1));
    await gateway.untilReady(3);
    expect((await call).output('y').toNested()).toEqual([[6]]);
  });

  it('reaches a server that starts a little later than it', async () => {
    const late = await TestGateway.open();
    const { port } = late;
    await new Promise((resolve) => late.server.close(resolve));
    let failures = 0;
    const counting: typeof fetch = (...request) =>
      fetch(...request).catch((error: unknown) => {
        failures += 1;
        throw error;
      });
    const slipway = new SlipwayClient({ url: `http://127.0.0.1:${port}`, fetch: counting, retry: { attempts: 9, baseDelayMs: 50, maxDelayMs: 200 } });
    const call = slipway.serverMetadata();
    await waitFor(() => failures > 0, { what: 'a first refused connection' });
    late.server.listen(port, '127.0.0.1');
    expect((await call).name).toBe('slipway');
    await late.close();
  });

  it('cancels on the server what the caller no longer wants', async () => {
    gateway.samples.length = 0;
    const going = new AbortController();
    const call = fraud().predict({ turns: { data: 20_000_000n, datatype: 'INT64' } }, { version: 2, signal: going.signal });
    const over = expect(call).rejects.toThrow('no longer');
    await waitFor(() => [...gateway.core.routing.allLinks].some((link) => link.outstanding > 0), { what: 'the request to be under way' });
    going.abort(new Error('no longer'));
    await over;
    await waitFor(() => gateway.samples.some(({ outcome }) => outcome === 'cancelled'), { what: 'the cancellation to be counted' });
  });

  it('names no connection as such, with the reason', async () => {
    const gone = await TestGateway.open();
    await gone.close();
    const error = await new SlipwayClient({ url: gone.url, retry: false }).ready().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SlipwayApiError);
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringContaining('ECONNREFUSED') });
  });

  it('keeps its deadline, and says that the server did', async () => {
    const startedAt = performance.now();
    await expect(fraud().predict({ turns: 500_000_000n }, { version: 3, deadlineMs: 300 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      status: 504,
    });
    expect(performance.now() - startedAt).toBeLessThan(1_300);
  });
});
