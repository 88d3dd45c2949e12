import { FailureSeries, HostSeries, Problem, ResourceSeries, ServingSeries } from '@slipway/contracts';
import {
  createRegistry,
  FailureSampler,
  FailureStore,
  HostRecorder,
  HostWindowStore,
  JudgementStore,
  ResourceWindowStore,
  readHostUsage,
  ServingRecorder,
  ServingWindowStore,
} from '@slipway/metrics';
import { newId } from '@slipway/platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
let deployment = { id: '', name: '', revisionId: '' };
const hostId = newId('hst');
const atMs = Math.floor(Date.now() / 10_000) * 10_000 - 60_000;

beforeAll(async () => {
  api = await startApi();
  deployment = await deployed();
  await seed();
});
afterAll(() => api.close());

/** A deployment of a validated version; nothing runs it, which charts do not need. */
async function deployed(): Promise<typeof deployment> {
  const { db } = api.database;
  const modelId = newId('mdl');
  const name = 'charted';
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name, nextVersion: 2 } });
  await db.version.create({
    data: {
      id: newId('ver'),
      modelId,
      number: 1,
      status: 'READY',
      digest: 'a'.repeat(64),
      sizeBytes: 1n,
      createdBy: 'key:test',
      signature: { inputs: [], outputs: [] },
    },
  });
  expect((await api.call('POST', '/v1/deployments', { name, model: name, version: 1 })).status).toBe(201);
  const row = await db.deployment.findFirstOrThrow({ where: { name }, include: { revisions: true } });
  return { id: row.id, name, revisionId: row.revisions[0]?.id ?? '' };
}

async function seed(): Promise<void> {
  const { pool, db } = api.database;
  const owner = {
    projectId: 'prj_default',
    deploymentId: deployment.id,
    deployment: deployment.name,
    revisionId: deployment.revisionId,
    revision: 1,
    versionNumber: 1,
  };
  const recorder = new ServingRecorder({ registry: createRegistry('test'), now: () => atMs });
  for (let at = 0; at < 30; at += 1) {
    recorder.record({
      ...owner,
      role: 'stable',
      outcome: at % 10 === 0 ? 'runtime_error' : 'success',
      durationSeconds: 0.02,
      queueSeconds: 0.001,
      computeSeconds: 0.01,
      decodeSeconds: 0.0001,
      encodeSeconds: 0.0002,
      rows: 2,
      batchRows: 6,
      runs: at % 3 === 0 ? 1 : 0,
      requestBytes: 100,
      responseBytes: 50,
    });
  }
  await new ServingWindowStore(pool, 'gateway').write(recorder.takeDirty());
  await db.host.create({
    data: { id: hostId, name: 'box', cores: 4, memoryBytes: 1_000n, version: '0', startedAt: new Date() },
  });
  const window = {
    owner: { ...owner, instanceId: 'ins_1', pid: 1 },
    startAtMs: atMs,
    coveredSeconds: 10,
    cpuSeconds: 20,
    memoryBytes: 300,
    readBytes: 0,
    writtenBytes: 1_000,
    readOperations: 50,
    writeOperations: 20,
    threads: 3,
    openFiles: 7,
    memoryLimitBytes: 400,
    throttledSeconds: 2.5,
    throttledPeriods: 25,
    oomKills: 1,
    gpuMemoryBytes: null,
    reduced: false,
  };
  await new ResourceWindowStore(pool, hostId).write([window]);
  let now = atMs;
  const host = new HostRecorder(() => now);
  const usage = await readHostUsage();
  host.observe({ ...usage, throttledSeconds: null, gpu: undefined });
  now += 5_000;
  host.observe({ ...usage, cpuSeconds: usage.cpuSeconds + 10, throttledSeconds: null, gpu: undefined });
  await new HostWindowStore(pool, hostId).write(host.takeDirty());
  const failures = new FailureStore(pool);
  const sampler = new FailureSampler(() => atMs);
  sampler.offer({ ...owner, predictionId: 'prd_1', reason: 'runtime_error', code: 'MODEL_RUN_FAILED', message: '=cmd' });
  await failures.writeSamples(sampler.takeDirty());
  await failures.writeInstances([
    {
      ...owner,
      id: 'flr_1',
      atMs,
      instanceId: 'ins_1',
      hostId,
      reason: 'oom_killed',
      signal: 'SIGKILL',
      exitCode: null,
      wasReady: true,
      restarts: true,
      message: 'too much',
    },
  ]);
  await new JudgementStore(pool).write(owner, [
    {
      kind: 'failures',
      subject: 'oom_killed',
      version: 1,
      slice: '',
      fromMs: atMs,
      toMs: atMs + 1,
      value: 1,
      interval: [0, 5],
      n: 1,
      threshold: 1,
      verdict: 'alarm',
      reason: 'x',
      evidence: {},
    },
  ]);
}

const get = async (path: string, headers?: Record<string, string>) => {
  const answer = await api.call('GET', `/v1/${path}`, undefined, headers);
  expect(answer.status).toBe(200);
  return answer.body;
};
const of = (noun: string) => `deployments/${deployment.name}/${noun}`;

it('answers serving with stages, runs and bytes', async () => {
  const series = ServingSeries.parse(await get(of('serving?step=10')));
  const point = series.total.find(({ requests }) => requests > 0);
  expect(point).toMatchObject({ requests: 30, rows: 60, runs: 10, rowsPerRun: 6, requestBytes: 3_000, responseBytes: 1_500, errorRatio: 0.1 });
  expect(point?.encodeP95).toBeLessThan(0.0005);
  expect(series.totals.latency.duration.count).toBe(30);
  expect(series.totals.latency.duration.counts).toHaveLength(series.latencyEdges.length + 1);
  expect(series.totals.latency.decode.counts[0]).toBe(30);
  // Runs of six rows fall into the bucket up to eight.
  expect(series.totals.batch.counts[series.batchEdges.indexOf(8)]).toBe(10);
  expect(series.versions[0]?.totals.requests).toBe(30);
});

it('answers resources with limits, operations, throttling and the share of the host', async () => {
  const series = ResourceSeries.parse(await get(of('resources?step=10')));
  const expected = {
    cpuCores: 2,
    cpuRatio: 0.5,
    memoryBytes: 300,
    memoryLimitBytes: 400,
    readsPerSecond: 5,
    writesPerSecond: 2,
    throttledRatio: 0.25,
    oomKills: 1,
    gpuMemoryBytes: null,
  };
  expect(series.total.find(({ instances }) => instances > 0)).toMatchObject(expected);
  expect(series.instances[0]).toMatchObject({ instance: 'ins_1', host: hostId, version: 1 });
  expect(series.hosts).toEqual([{ host: hostId, name: 'box', cores: 4 }]);
});

it('answers what a whole host uses', async () => {
  const series = HostSeries.parse(await get('hosts/box/resources?step=10'));
  const point = series.points.find(({ cpuCores }) => cpuCores !== null);
  expect(point?.cpuCores).toBe(2);
  expect(point?.memoryBytes).toBeGreaterThan(0);
  expect(series.hostWide).toContain('network');
  expect((await api.call('GET', '/v1/hosts/nowhere/resources')).status).toBe(404);
});

it('answers failures with instances, samples and judgements', async () => {
  const series = FailureSeries.parse(await get(of('failures')));
  expect(series.reasons).toEqual([{ reason: 'runtime_error', count: 3, ratio: 0.1, isService: true }]);
  expect(series.instanceFailures).toMatchObject([{ reason: 'oom_killed', signal: 'SIGKILL', message: 'too much', host: hostId }]);
  expect(series.samples).toMatchObject([{ predictionId: 'prd_1', code: 'MODEL_RUN_FAILED', version: 1 }]);
  expect(series.judgements).toMatchObject([{ kind: 'failures', subject: 'oom_killed', verdict: 'alarm' }]);
});

it.each([
  {
    path: () => of('serving?format=csv&step=10'),
    file: 'charted-serving.csv',
    head: /^at,version,requests,.*,outcome_success,outcome_runtime_error\r\n/,
  },
  {
    path: () => of('resources?format=csv&step=10'),
    file: 'charted-resources.csv',
    head: /^at,instance,host,version,cpuCores,memoryBytes,memoryLimitBytes,/,
  },
  { path: () => 'hosts/box/resources?format=csv&step=10', file: 'box-resources.csv', head: /^at,cpuCores,cpuRatio,memoryBytes,memoryLimitBytes,/ },
  { path: () => of('failures?format=csv&step=10'), file: 'charted-failures.csv', head: /^at,valid,errors,errorRatio,.*reason_runtime_error/ },
])('answers $file as CSV', async ({ path, file, head }) => {
  const answer = await api.call('GET', `/v1/${path()}`);
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${file}"`);
  expect(String(answer.body)).toMatch(head);
  const lines = String(answer.body).trimEnd().split('\r\n');
  expect(lines.length).toBeGreaterThan(150);
  expect(new Set(lines.map((line) => line.split(',').length)).size).toBe(1);
});

it('goes by the accept header where no format is given, and says so in the documentation', async () => {
  expect(await get(of('serving'), { accept: 'text/csv' })).toMatch(/^at,version,requests/);
  const answer = await api.call('GET', `/v1/${of('serving')}?format=json`, undefined, { accept: 'text/csv' });
  expect([answer.headers.get('content-type'), answer.headers.get('vary')]).toEqual([expect.stringMatching(/json/), 'accept']);
  const document = await api.call('GET', '/v1/openapi.json');
  const route: unknown = Reflect.get(Object(Reflect.get(Object(document.body), 'paths')), '/v1/deployments/{deployment}/serving');
  expect(JSON.stringify(route)).toContain('text/csv');
});

it('answers a mistake as a problem, whatever was asked for', async () => {
  const answer = await api.call('GET', `/v1/${of('serving')}?format=xml`);
  expect([answer.status, Problem.parse(answer.body).code]).toEqual([400, 'REQUEST_INVALID']);
  const missing = await api.call('GET', '/v1/deployments/nothing/failures?format=csv');
  expect([missing.status, missing.headers.get('content-type')]).toEqual([404, expect.stringMatching(/^application\/problem\+json/)]);
});
