import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProfileLayout } from '@slipway/contracts';
import { type InferReply, InstanceClient, type InstanceSpec } from '@slipway/inference';
import { bareLayout, freezeLayout, ProfileLearningStore, ProfileWindowStore } from '@slipway/metrics';
import { createLogger } from '@slipway/platform';
import { type TestDatabase, testDatabase, waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ProfileControl, profileControlFile } from '../src/instance/profile-files.js';
import { ProfileWriter } from '../src/instance/profile-writer.js';
import { ProfileShipper } from '../src/monitoring/profile-shipper.js';
import { listProcessRecords } from '../src/supervising/process-record.js';
import { RunningWorker, serves, spec } from './running-worker.js';

const log = createLogger('test', 'silent');
let database: TestDatabase;
let home: string;
/** Somewhere in an hour of today, of a deployment of its own for each test. */
let now: number;
let deploymentId: string;
let tests = 0;
beforeAll(async () => {
  database = await testDatabase({ max: 5 });
});
afterAll(() => database.close());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'slw-p-'));
  now = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 1_000;
  deploymentId = `dep_${++tests}`;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const signature: InstanceSpec['signature'] = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }], outputs: [] };
const learningKey = randomBytes(32);
const bare = bareLayout(signature, undefined);
const frozen = freezeLayout(bare, () => Float64Array.of(0, 1, 2, 3));
const folderOf = (instanceId: string) => join(home, 'spool', instanceId);

function instance(instanceId = 'ins_1'): ProfileWriter {
  mkdirSync(folderOf(instanceId), { recursive: true });
  const spec: InstanceSpec = {
    ...{ protocol: 1, instanceId, projectId: 'prj_1', deploymentId, deploymentName: 'fraud', revisionId: 'rev_1', revisionNumber: 1 },
    ...{ versionId: `ver_${tests}`, modelName: 'm', versionNumber: 1, digest: '', modelPath: '', socketPath: '', spoolFolder: folderOf(instanceId) },
    signature,
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    batching: { isOn: false, maxBatchSize: 1, maxDelayMs: 0 },
    limits: { maxQueue: 64, maxOutputElements: 1000, maxInputElements: 1000, maxBodyBytes: 1 << 20 },
    records: { enabled: false, maxPerSecond: 0, maxRowsPerRequest: 0 },
    monitoring: { profiles: true, learningKey: learningKey.toString('base64') },
  };
  // Each process begins a little later than the one before.
  now += 10;
  return new ProfileWriter(spec, () => now);
}
function send(to: ProfileWriter, values: readonly number[]): void {
  to.add({ header: {}, request: { inputs: [{ name: 'x', datatype: 'FP32', shape: [values.length], data: Float32Array.from(values) }] } }, []);
  to.note();
}
/** As when nothing has been heard of its processes for an hour. */
function fallSilent(instanceId = 'ins_1'): void {
  const past = new Date(Date.now() - 3_600_000);
  for (const name of readdirSync(folderOf(instanceId)).filter((each) => each.endsWith('.rows')))
    utimesSync(join(folderOf(instanceId), name), past, past);
}

interface Shipping {
  readonly shipper: ProfileShipper;
  readonly told: { counted: number; lost: number; unreadable: number };
}
function shipping(over: Partial<ConstructorParameters<typeof ProfileShipper>[0]> = {}): Shipping {
  const told = { counted: 0, lost: 0, unreadable: 0 };
  const shipper = new ProfileShipper({
    home,
    windows: new ProfileWindowStore(database.pool),
    learning: new ProfileLearningStore(database.pool),
    layouts: { layoutsFor: () => Promise.resolve(new Map<string, ProfileLayout>()) },
    learnRowsOf: (ids) => Promise.resolve(new Map(ids.map((id) => [id, 4]))),
    liveInstances: () => new Set(['ins_1']),
    log,
    onShipped: ({ counted, lost, unreadable }) => {
      told.counted += counted;
      told.lost += lost;
      told.unreadable += unreadable;
    },
    ...over,
  });
  return { shipper, told };
}
const stored = () =>
  new ProfileWindowStore(database.pool).window({ deploymentId, version: 1, fromMs: now - 4 * 3_600_000, toMs: now + 24 * 3_600_000 });

it('ships the running hour over and over, and counts each row once', async () => {
  const { shipper, told } = shipping();
  const one = instance();
  for (let round = 1; round <= 3; round++) {
    send(one, [1, 2]);
    one.tick();
    await shipper.ship(now + round * 10_000);
    // Looked at again too soon: it lies safely where it is.
    send(one, [3]);
    one.tick();
    await shipper.ship(now + round * 10_000 + 1_000);
  }
  expect((await stored())?.profile.rows).toBe(8);
  one.close();
  await shipper.ship();
  expect((await stored())?.profile).toMatchObject({ rows: 9, columns: [{ n: 9, min: 1, max: 3, mean: 2 }] });
  expect(told).toEqual({ counted: 9, lost: 0, unreadable: 0 });
  expect(await new ProfileWindowStore(database.pool).layout(bare.id)).toEqual(bare);
});

it('tells of rows that a worker before it has stored no second time', async () => {
  const one = instance();
  send(one, [1, 2, 3]);
  one.tick();
  await shipping().shipper.ship();
  send(one, [4]);
  one.tick();
  const { shipper, told } = shipping();
  await shipper.ship();
  expect(told).toEqual({ counted: 1, lost: 0, unreadable: 0 });
  expect((await stored())?.profile.rows).toBe(4);
});

it('counts nothing twice when a worker is killed between storing and removing, also after the hours were merged', async () => {
  const one = instance();
  send(one, [1, 2, 3]);
  one.tick();
  now += 3_600_000;
  send(one, [4]);
  one.tick();
  cpSync(join(home, 'spool'), join(home, 'before'), { recursive: true });
  await shipping().shipper.ship();
  cpSync(join(home, 'before'), join(home, 'spool'), { recursive: true });
  await shipping().shipper.ship();
  expect((await stored())?.profile.rows).toBe(4);
  await new ProfileWindowStore(database.pool).rollUp(now + 2 * 3_600_000);
  cpSync(join(home, 'before'), join(home, 'spool'), { recursive: true });
  await shipping().shipper.ship();
  expect((await stored())?.profile.rows).toBe(4);
  expect((await stored())?.lost).toBe(0);
});

it('waits while the database is away, for however many hours, and loses nothing', async () => {
  const one = instance();
  const away = shipping({ learnRowsOf: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })) });
  for (let hour = 0; hour < 3; hour++) {
    send(one, [hour]);
    one.tick();
    now += 3_600_000;
    one.tick();
  }
  writeFileSync(join(home, 'spool', 'ins_1', 'profile-bad-1.done'), 'no totals');
  await expect(away.shipper.ship()).rejects.toThrow(/ECONNREFUSED/);
  const back = shipping();
  await back.shipper.ship();
  expect((await stored())?.profile.rows).toBe(3);
  expect(away.told.unreadable + back.told.unreadable).toBe(1);
});

it('counts what a killed process had not written down as lost, once, and cleans up after it', async () => {
  const one = instance();
  send(one, [1, 2]);
  one.tick();
  send(one, [3, 4, 5]);
  // Killed here; the next process of the instance says that it is over.
  const next = instance();
  send(next, [6]);
  next.tick();
  const { shipper, told } = shipping();
  await shipper.ship();
  await shipper.ship();
  expect(await stored()).toMatchObject({ rowsInAll: 3, lost: 3, coverage: 0.5, profile: { rows: 3 } });
  expect(told).toEqual({ counted: 3, lost: 3, unreadable: 0 });
  next.close();
  fallSilent();
  await shipping({ liveInstances: () => new Set() }).shipper.ship();
  expect(await stored()).toMatchObject({ lost: 3, profile: { rows: 3 } });
  expect(readdirSync(folderOf('ins_1'))).toEqual([]);
});

it('takes a process that it does not know for alive as long as it is heard of', async () => {
  const one = instance('ins_other');
  send(one, [1]);
  one.note();
  const { shipper, told } = shipping();
  await shipper.ship();
  expect(told.lost).toBe(0);
  one.tick();
  await shipper.ship(now + 60_000);
  expect(readdirSync(folderOf('ins_other')).some((name) => name.endsWith('.rows'))).toBe(true);
  expect((await stored())?.profile.rows ?? 0).toBeLessThanOrEqual(1);
  fallSilent('ins_other');
  await shipper.ship();
  expect(await stored()).toMatchObject({ lost: 0, profile: { rows: 1 } });
});

it('has rows learned until there are enough, then counts in the layout that comes of them', async () => {
  const layouts = new Map<string, ProfileLayout>();
  const { shipper } = shipping({ layouts: { layoutsFor: () => Promise.resolve(layouts) } });
  const learning = new ProfileLearningStore(database.pool);
  const control = () => ProfileControl.parse(JSON.parse(readFileSync(join(folderOf('ins_1'), profileControlFile), 'utf8')));
  const one = instance();
  await shipper.ship();
  expect(control()).toEqual({ layout: null, learnRows: 4 });
  one.tick();
  send(one, [1, 2, 3]);
  one.tick();
  await shipper.ship();
  send(one, [4, 5, 6]);
  one.tick();
  await shipper.ship();
  expect(await learning.learning(`ver_${tests}`, () => learningKey)).toMatchObject({
    layoutId: bare.id,
    rows: 4,
    columns: [Float64Array.of(1, 2, 3, 4)],
  });
  expect(control().learnRows).toBe(0);
  layouts.set(`ver_${tests}`, frozen);
  await shipper.ship();
  one.tick();
  send(one, [9]);
  one.close();
  await shipper.ship();
  expect(await stored()).toMatchObject({ layoutId: frozen.id, rowsInAll: 7, profile: { rows: 1, columns: [{ bins: [0, 0, 0, 0, 0, 1] }] } });
});

it('a real worker has each row counted, also when it or the instance is killed in between', async () => {
  const worker = await RunningWorker.open();
  try {
    await worker.addModel('m');
    await worker.start();
    const { id } = await worker.deployments.create(
      { projectId: 'prj_default', actor: 'key:test' },
      { name: 'd', model: 'm', version: 1, replicas: 1, spec },
    );
    await worker.until('d', serves(1), 'the deployment to serve', 60_000);
    const store = new ProfileWindowStore(worker.database.pool);
    const startMs = Date.now();
    const counted = () => store.window({ deploymentId: id, version: 1, fromMs: startMs, toMs: Date.now() + 1 });
    const until = (rows: number, lost: 'none' | 'any') =>
      waitFor(
        async () => {
          const window = await counted();
          if ((window?.rowsInAll ?? 0) + (window?.lost ?? 0) === rows && (lost === 'any' || window?.lost === 0)) return window;
          throw new Error(JSON.stringify({ rows: window?.rowsInAll, lost: window?.lost }));
        },
        { what: `${rows} rows in the profile`, timeoutMs: 30_000, everyMs: 100 },
      );
    const [process] = listProcessRecords(join(worker.home, 'run'));
    if (process === undefined) throw new Error('expected a process of the instance');
    await ask(worker.home, 40);
    await until(40, 'none');
    await worker.end('SIGKILL');
    await ask(worker.home, 30);
    await worker.start();
    await until(70, 'none');
    await ask(worker.home, 20);
    globalThis.process.kill(process.pid, 'SIGKILL');
    const window = await until(90, 'any');
    expect(window.profile.rows).toBeGreaterThanOrEqual(70);
    expect(window.profile.columns.map(({ missing, max }) => [missing, max])).toEqual([
      [0, 7],
      [0, 1],
      [0, 10],
    ]);
  } finally {
    await worker.close();
  }
});

/** Sends so many rows to the instance of a home, one by one, and waits for the answers. */
async function ask(workerHome: string, rows: number): Promise<void> {
  const socket = readdirSync(join(workerHome, 'run')).find((name) => name.endsWith('.sock')) ?? '';
  const client = new InstanceClient({ address: `unix:${join(workerHome, 'run', socket)}`, role: 'gateway', reconnect: true });
  try {
    await waitFor(() => client.state === 'READY', { what: 'the instance to be ready', timeoutMs: 20_000 });
    const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [7, 1] }] }));
    const call = { predictionId: 'prd_1', deadlineMs: 10_000, priority: 0, kind: 'live' as const, modelName: 'd', body };
    const replies = await Promise.all(Array.from({ length: rows }, () => new Promise<InferReply>((resolve) => client.infer(call, resolve))));
    expect(replies.every(({ kind }) => kind === 'result')).toBe(true);
  } finally {
    client.close();
  }
}
