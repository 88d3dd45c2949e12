import { createLogger } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRegistry } from '../instruments/create-registry.js';
import type { ResourceWindow, SampledInstance } from '../windows/resource-window.js';
import { ResourceWindowStore } from '../windows/resource-window.store.js';
import { ServingRecorder } from '../windows/serving-recorder.js';
import type { ServedRequest } from '../windows/serving-window.js';
import { ServingWindowStore } from '../windows/serving-window.store.js';
import { WindowFlush } from '../windows/window-flush.js';
import { ResourceSeriesStore } from './resource-series.store.js';
import { iso, seriesFrame } from './series-frame.js';
import { ServingSeriesStore, servingSeries } from './serving-series.store.js';

const log = createLogger('test', 'silent');
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const start = Math.floor(Date.now() / 60_000) * 60_000 - 600_000;
const request = (deploymentId: string, over: Partial<ServedRequest> = {}): ServedRequest => ({
  projectId: 'prj_default',
  deploymentId,
  deployment: deploymentId,
  revisionId: `${deploymentId}.rev`,
  revision: 1,
  versionNumber: 1,
  role: 'stable',
  outcome: 'success',
  durationSeconds: 0.04,
  queueSeconds: 0.002,
  computeSeconds: 0.03,
  rows: 1,
  requestBytes: 10,
  responseBytes: 20,
  ...over,
});

function gateway(source: string, clock: { ms: number }) {
  const recorder = new ServingRecorder({ registry: createRegistry('api'), now: () => clock.ms });
  const store = new ServingWindowStore(database.pool, source);
  const flush = new WindowFlush(recorder, (windows) => store.write(windows), log, 3_600_000);
  return { recorder, flush };
}

it('adds up two gateways, however often they write', async () => {
  const clock = { ms: start };
  const [one, two] = [gateway('one', clock), gateway('two', clock)];
  for (let at = 0; at < 3; at += 1) {
    one.recorder.record(request('dep_two'));
    two.recorder.record(request('dep_two', { outcome: 'deadline_exceeded', durationSeconds: 30 }));
    await Promise.all([one.flush.flush(), two.flush.flush()]);
  }
  one.recorder.record(request('dep_two', { outcome: 'invalid_input' }));
  await one.flush.close();
  await two.flush.close();
  const frame = seriesFrame({ from: iso(start), to: iso(start + 60_000), step: 60 }, start + 60_000);
  const series = servingSeries(await new ServingSeriesStore(database.pool).steps({ deploymentId: 'dep_two', frame }), frame, start + 60_000);
  expect(series.total).toHaveLength(1);
  expect(series.total[0]).toMatchObject({
    requests: 7,
    errors: 3,
    errorRatio: 0.5,
    rows: 7,
    outcomes: { success: 3, deadline_exceeded: 3, invalid_input: 1 },
  });
  expect(series.total[0]?.requestsPerSecond).toBeCloseTo(7 / 60, 12);
  expect(series.total[0]?.p95).toBeGreaterThan(10);
  expect(series.total[0]?.computeP95).toBeGreaterThan(0.025);
});

it('keeps versions apart and shows steps without requests as such', async () => {
  const clock = { ms: start };
  const api = gateway('api', clock);
  api.recorder.record(request('dep_versions'));
  clock.ms += 120_000;
  api.recorder.record(request('dep_versions', { revisionId: 'r2', revision: 2, versionNumber: 2 }));
  api.recorder.record(request('dep_versions', { revisionId: 'r2', revision: 2, versionNumber: 2, role: 'shadow' }));
  await api.flush.close();
  const now = start + 150_000;
  const frame = seriesFrame({ from: iso(start), to: iso(start + 300_000), step: 60 }, now);
  const store = new ServingSeriesStore(database.pool);
  const series = servingSeries(await store.steps({ deploymentId: 'dep_versions', frame }), frame, now);
  expect(series.versions.map(({ version }) => version)).toEqual([1, 2]);
  expect(series.total.map(({ requests }) => requests)).toEqual([1, 0, 1]);
  expect(series.total[1]).toMatchObject({ requestsPerSecond: 0, errorRatio: null, p95: null });
  expect(series.total[2]?.requestsPerSecond).toBeCloseTo(1 / 30, 12);
  expect(await store.steps({ deploymentId: 'dep_versions', frame, version: 2 })).toHaveLength(1);
  expect(await store.total({ deploymentId: 'dep_versions', fromMs: start, toMs: now })).toMatchObject({ requests: 2 });
  expect(await store.total({ deploymentId: 'dep_other', fromMs: start, toMs: now })).toBeUndefined();
});

it('keeps windows while the database is away and writes them afterwards, also for a day without partition', async () => {
  const clock = { ms: start - 20 * 86_400_000 };
  const recorder = new ServingRecorder({ registry: createRegistry('api'), now: () => clock.ms });
  const store = new ServingWindowStore(database.pool, 'late');
  let away = true;
  const flush = new WindowFlush(
    recorder,
    (windows) => (away ? Promise.reject(new Error('connect ECONNREFUSED')) : store.write(windows)),
    log,
    3_600_000,
  );
  for (let at = 0; at < 5; at += 1) {
    recorder.record(request('dep_away'));
    clock.ms += 10_000;
    await flush.flush();
  }
  away = false;
  await flush.close();
  expect(recorder.pendingWindows).toBe(0);
  const total = await new ServingSeriesStore(database.pool).total({ deploymentId: 'dep_away', fromMs: clock.ms - 60_000, toMs: clock.ms });
  expect(total).toMatchObject({ requests: 5 });
});

const instance = (over: Partial<SampledInstance> = {}): SampledInstance => ({
  instanceId: 'ins_1',
  projectId: 'prj_default',
  deploymentId: 'dep_res',
  deployment: 'res',
  revisionId: 'rev_1',
  revision: 1,
  versionNumber: 1,
  pid: 1,
  ...over,
});
const usageWindow = (atSeconds: number, owner: SampledInstance, over: Partial<ResourceWindow> = {}): ResourceWindow => ({
  owner,
  startAtMs: start + atSeconds * 1000,
  coveredSeconds: 10,
  cpuSeconds: 5,
  memoryBytes: 100,
  readBytes: 0,
  writtenBytes: 1_000,
  readOperations: 0,
  writeOperations: 5,
  threads: 3,
  openFiles: 7,
  memoryLimitBytes: 400,
  throttledSeconds: null,
  throttledPeriods: null,
  oomKills: 0,
  gpuMemoryBytes: null,
  reduced: false,
  ...over,
});

it('sums resources over the instances of a deployment, with gaps as gaps', async () => {
  const store = new ResourceWindowStore(database.pool, 'hst_1');
  const [one, two] = [instance(), instance({ instanceId: 'ins_2', versionNumber: 2 })];
  await store.write([
    usageWindow(0, one),
    usageWindow(10, one, { cpuSeconds: 10 }),
    usageWindow(10, two),
    usageWindow(120, two, { readBytes: null }),
  ]);
  // A worker that came back inside the window saw less of it; its row does not replace the fuller one.
  await store.write([usageWindow(0, one, { coveredSeconds: 2, cpuSeconds: 2 })]);
  const now = start + 180_000;
  const frame = seriesFrame({ from: iso(start), to: iso(now), step: 60 }, now);
  const series = await new ResourceSeriesStore(database.pool).series({ deploymentId: 'dep_res', frame, nowMs: now });
  expect(series.total.map(({ cpuCores, instances }) => [cpuCores, instances])).toEqual([
    [1, 2],
    [null, 0],
    [0.5, 1],
  ]);
  expect(series.total[0]).toMatchObject({ memoryBytes: 150, writtenBytesPerSecond: 150, threads: 4.5, readBytesPerSecond: 0 });
  expect(series.total[2]?.readBytesPerSecond).toBeNull();
  expect(series.instances.map(({ instance: id, version }) => [id, version])).toEqual([
    ['ins_1', 1],
    ['ins_2', 2],
  ]);
  expect(series.instances[0]?.points.map(({ cpuCores }) => cpuCores)).toEqual([0.75, null, null]);
});
