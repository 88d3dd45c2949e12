import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabelStore, PredictionStore, ResourceSeriesStore, seriesFrame } from '@slipway/metrics';
import { createLogger, newId } from '@slipway/platform';
import { type TestDatabase, testDatabase, waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RecordShipper } from '../src/monitoring/record-shipper.js';
import { RunningWorker, serves, spec } from './running-worker.js';

const log = createLogger('test', 'silent');
let database: TestDatabase;
let home: string;
beforeAll(async () => {
  database = await testDatabase({ max: 5 });
});
afterAll(() => database.close());
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slw-m-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

function line(over: object = {}): string {
  const id = newId('prd');
  return JSON.stringify({ id, t: Date.now(), dep: 'dep_1', rev: 'rev_1', ver: 'ver_1', vn: 1, n: 1, us: 5, k: 'live', p: ['a'], s: [0.5], ...over });
}
const lines = (count: number, over: object = {}) => Array.from({ length: count }, () => line(over));
const idsOf = (some: readonly string[]): string[] => some.map((text) => JSON.parse(text).id);
async function spool(instance: string, file: string, some: readonly string[], torn = ''): Promise<string> {
  await mkdir(join(home, 'spool', instance), { recursive: true });
  const path = join(home, 'spool', instance, file);
  await appendFile(path, some.map((text) => `${text}\n`).join('') + torn);
  return path;
}
async function stored(ids: readonly string[]): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>('select count(*)::integer as n from telemetry.predictions where id = any($1)', [ids]);
  return rows[0]?.n ?? 0;
}
interface Counted {
  shipped: number;
  dropped: number;
}
function shipper(over: Partial<ConstructorParameters<typeof RecordShipper>[0]> = {}): { ship: RecordShipper; counted: Counted } {
  const counted = { shipped: 0, dropped: 0 };
  const ship = new RecordShipper({
    home,
    predictions: new PredictionStore(database.pool),
    projectsOf: async (ids) => new Map(ids.filter((id) => id === 'dep_1').map((id) => [id, 'prj_default'])),
    liveInstances: () => new Set(['ins_live']),
    log,
    onShipped: (records) => {
      counted.shipped += records.shipped;
      counted.dropped += records.dropped;
    },
    ...over,
  });
  return { ship, counted };
}
const filesOf = (instance: string) => readdir(join(home, 'spool', instance));
const makeStill = (path: string, seconds = 120) => utimes(path, new Date(Date.now() - seconds * 1000), new Date(Date.now() - seconds * 1000));

it('ships closed and open files once, goes on where it was, and removes what is done', async () => {
  const { ship, counted } = shipper();
  const [first, second] = [lines(3), lines(2)];
  await spool('ins_live', '00000001.ndjson', first);
  await spool('ins_live', '00000002.ndjson', second);
  await ship.ship();
  expect(await stored(idsOf([...first, ...second]))).toBe(5);
  expect((await filesOf('ins_live')).sort()).toEqual(['00000002.ndjson', '00000002.ndjson.shipped']);
  const third = lines(4);
  await spool('ins_live', '00000002.ndjson', third);
  await ship.ship();
  await ship.ship();
  expect(await stored(idsOf(third))).toBe(4);
  expect(counted).toEqual({ shipped: 9, dropped: 0 });
});

it('waits for the rest of a line that is being written', async () => {
  const { ship, counted } = shipper();
  const [whole] = lines(1);
  const half = (whole ?? '').slice(0, 20);
  await spool('ins_live', '00000001.ndjson', [], half);
  await ship.ship();
  expect(counted).toEqual({ shipped: 0, dropped: 0 });
  await spool('ins_live', '00000001.ndjson', [(whole ?? '').slice(20)]);
  await ship.ship();
  expect(await stored(idsOf([whole ?? '']))).toBe(1);
});

it('ships the spool of an instance that was killed, with its torn last line, and cleans up after it', async () => {
  const { ship, counted } = shipper();
  const some = lines(3);
  const path = await spool('ins_dead', '00000001.ndjson', some, '{"id":"prd_01');
  await makeStill(path);
  await ship.ship();
  expect(await stored(idsOf(some))).toBe(3);
  expect(counted).toEqual({ shipped: 3, dropped: 1 });
  expect(await filesOf('ins_dead')).toEqual([]);
  await makeStill(join(home, 'spool', 'ins_dead'), 3_600);
  await ship.ship();
  expect(await readdir(join(home, 'spool'))).toEqual([]);
});

it('keeps the folder of a live instance, however long it is still', async () => {
  await mkdir(join(home, 'spool', 'ins_live'), { recursive: true });
  await makeStill(join(home, 'spool', 'ins_live'), 86_400);
  await shipper().ship.ship();
  expect(await readdir(join(home, 'spool'))).toEqual(['ins_live']);
});

it('stores each record once although the worker was killed between the commit and its note', async () => {
  const some = lines(5);
  await spool('ins_live', '00000001.ndjson', some);
  await shipper().ship.ship();
  await rm(join(home, 'spool', 'ins_live', '00000001.ndjson.shipped'));
  await shipper().ship.ship();
  expect(await stored(idsOf(some))).toBe(5);
});

it('does not take an old note for a new file of the same name', async () => {
  const path = await spool('ins_live', '00000001.ndjson', lines(50));
  await shipper().ship.ship();
  await rm(path);
  const some = lines(2);
  await writeFile(`${path}.other`, '');
  await spool('ins_live', '00000001.ndjson', some);
  await shipper().ship.ship();
  expect(await stored(idsOf(some))).toBe(2);
});

it('waits while the database is away and loses nothing', async () => {
  const some = lines(5);
  await spool('ins_live', '00000001.ndjson', some);
  const away = shipper({ projectsOf: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })) });
  await expect(away.ship.ship()).rejects.toThrow(/ECONNREFUSED/);
  await spool('ins_live', '00000002.ndjson', lines(1));
  const back = shipper();
  await back.ship.ship();
  expect(await stored(idsOf(some))).toBe(5);
  expect(back.counted.shipped).toBe(6);
});

it('leaves out what is no record and what the database refuses, and nothing else', async () => {
  const good = lines(20);
  const bad = ['{"id":"prd_x"}', 'not json', line({ cid: 'a\u0000b' }), line({ vn: 3_000_000_000 })];
  await spool('ins_live', '00000001.ndjson', [...good.slice(0, 10), ...bad, ...good.slice(10)]);
  const { ship, counted } = shipper();
  await ship.ship();
  expect(await stored(idsOf(good))).toBe(20);
  expect(counted).toEqual({ shipped: 21, dropped: 3 });
});

it('ships lines behind a head that names their owner, also from the middle of a file and after a restart', async () => {
  const head = JSON.stringify({ h: 1, dep: 'dep_1', rev: 'rev_7', ver: 'ver_7', vn: 7, v: ['region'] });
  const short = (region: string) => JSON.stringify({ id: newId('prd'), us: 5, q: 2, p: ['a'], s: [0.5], v: [[region]], w: 0.5, j: ['order-1'] });
  const [first, second] = [short('north'), short('south')];
  await spool('ins_live', '00000001.ndjson', [head, first]);
  await shipper().ship.ship();
  await spool('ins_live', '00000001.ndjson', [second]);
  const { ship, counted } = shipper();
  await ship.ship();
  expect(counted).toEqual({ shipped: 1, dropped: 0 });
  const { rows } = await database.pool.query(
    `select version_number as version, revision_id as revision, slices, probability, join_key as "joinKey", queue_micros as queue
     from telemetry.predictions where id = any($1) order by id`,
    [idsOf([first, second])],
  );
  const shared = { version: 7, revision: 'rev_7', probability: 0.5, joinKey: 'order-1', queue: 2 };
  expect(rows).toEqual([
    { ...shared, slices: { region: 'north' } },
    { ...shared, slices: { region: 'south' } },
  ]);
});

it('takes lines without an owner for no records', async () => {
  await spool('ins_live', '00000001.ndjson', [JSON.stringify({ id: newId('prd'), us: 5 })]);
  const { ship, counted } = shipper();
  await ship.ship();
  expect(counted).toEqual({ shipped: 0, dropped: 1 });
});

it('passes over a stretch that has no line end', async () => {
  const some = lines(2);
  await spool('ins_live', '00000001.ndjson', [`${'x'.repeat(2_500_000)}`, ...some]);
  await shipper().ship.ship();
  expect(await stored(idsOf(some))).toBe(2);
});

it('ships files larger than one read, in chunks', async () => {
  const some = lines(8_000);
  await spool('ins_live', '00000001.ndjson', some);
  await shipper().ship.ship();
  expect(await stored(idsOf(some))).toBe(8_000);
}, 60_000);

/** The worker says its port in its log when it is ready. */
async function portOf(worker: RunningWorker): Promise<number> {
  const ready = (await readFile(worker.log, 'utf8')).split('\n').find((text) => text.includes('"worker ready"'));
  return Number(Reflect.get(Object(JSON.parse(ready ?? '{}')), 'port'));
}

it('a real worker measures its instance, ships records also of one that is gone, and joins labels', async () => {
  const worker = await RunningWorker.open();
  try {
    await worker.addModel('m');
    await worker.start();
    const created = await worker.deployments.create(
      { projectId: 'prj_default', actor: 'key:test' },
      { name: 'd', model: 'm', version: 1, replicas: 1, spec },
    );
    await worker.until('d', serves(1), 'the deployment to serve', 60_000);
    const { pool } = worker.database;
    const resources = new ResourceSeriesStore(pool);
    await waitFor(
      async () => {
        const nowMs = Date.now();
        const series = await resources.series({ deploymentId: created.id, frame: seriesFrame({}, nowMs), nowMs });
        return series.total.some(({ memoryBytes, cpuCores }) => (memoryBytes ?? 0) > 10_000_000 && cpuCores !== null);
      },
      { what: 'a resource window', timeoutMs: 30_000, everyMs: 200 },
    );
    if (spawnSync('promtool', ['--version']).status === 0) {
      const text = await (await fetch(`http://127.0.0.1:${await portOf(worker)}/metrics`)).text();
      expect(text).toMatch(/^slipway_model_memory_bytes\{.*deployment="d".*kind="rss"\} \d{7,}/m);
      expect(spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    }
    const id = newId('prd');
    const labels = new LabelStore(pool, 86_400);
    const label = { predictionId: id, label: null, labelNumber: 2, source: '', observedAt: null };
    expect(await labels.record({ projectId: 'prj_default', deploymentId: created.id }, [label])).toEqual(['unmatched']);
    await mkdir(join(worker.home, 'spool', 'ins_gone'), { recursive: true });
    await writeFile(join(worker.home, 'spool', 'ins_gone', '00000001.ndjson'), `${line({ id, dep: created.id, p: [1.5], s: [null] })}\n`);
    const predictions = new PredictionStore(pool);
    const row = await waitFor(async () => (await predictions.find('prj_default', id)).find(({ labelNumber }) => labelNumber === 2), {
      what: 'the record to be shipped and joined with its label',
      timeoutMs: 30_000,
      everyMs: 200,
    });
    expect(row).toMatchObject({ predictedNumber: 1.5, label: null, labelNumber: 2 });
  } finally {
    await worker.close();
  }
}, 120_000);
