import type { Task } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { ulid } from 'ulid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LabelStore } from '../records/label.store.js';
import type { NewLabel } from '../records/label-target.store.js';
import { PredictionStore } from '../records/prediction.store.js';
import type { PredictionRow } from '../records/spool-line.js';
import { QualitySeriesStore } from '../series/quality-series.store.js';
import { countPrediction, countRows } from './count-rows.js';
import { LabelledPredictionStore } from './labelled-prediction.store.js';
import { scoredRows } from './measure-scores.js';
import { measureWindow } from './measure-window.js';
import { QualityBackfillStore } from './quality-backfill.store.js';
import { addCounts, noCounts, type QualityCounts } from './quality-counts.js';
import { countPredicted, QualityWindowStore, sliceValuesMax, trimQualityWindows, type WindowSeconds } from './quality-window.store.js';
import { WorstSampleStore, worstKept } from './worst-sample.store.js';

let database: TestDatabase;
let predictions: PredictionStore;
let labels: LabelStore;
let windows: QualityWindowStore;
const binary: Task = { kind: 'binary', rowAxis: 0, classes: ['no', 'yes'], positiveClass: 'yes' };
beforeAll(async () => {
  database = await testDatabase({ max: 10 });
  predictions = new PredictionStore(database.pool, countPredicted);
  labels = new LabelStore(database.pool, 30 * 86_400, { tasksOf: async (_, versions) => new Map(versions.map((version) => [version, binary])) });
  windows = new QualityWindowStore(database.pool);
});
afterAll(() => database.close());

const hour = 3_600_000;
const day = 24 * hour;
const start = Math.floor(Date.now() / day) * day - day + hour;

function row(deploymentId: string, over: Partial<PredictionRow> = {}): PredictionRow {
  const atMs = over.atMs ?? start;
  const owner = { deploymentId, revisionId: 'rev_1', versionId: 'ver_1', versionNumber: 1 };
  const kept = { queueMicros: null, computeMicros: 1, probability: 1, slices: null, joinKey: null, outputs: null, inputs: null, clientId: null };
  return { ...owner, ...kept, atMs, id: `prd_${ulid(atMs)}`, row: 0, rows: 1, predicted: 'yes', predictedNumber: null, score: 0.8, ...over };
}
const label = (id: string, over: Partial<NewLabel> = {}): NewLabel => ({
  predictionId: id,
  label: 'yes',
  labelNumber: null,
  source: '',
  observedAt: null,
  ...over,
});
const owner = (deploymentId: string) => ({ projectId: 'prj_default', deploymentId });
const insert = (rows: readonly PredictionRow[]) => predictions.insert(rows, new Map(rows.map(({ deploymentId }) => [deploymentId, 'prj_default'])));

/** All windows of one length and slice, as one. */
async function whole(deploymentId: string, seconds: WindowSeconds, slice = '') {
  const found = await windows.windows({ deploymentId, seconds, slice, fromMs: start - 40 * day, toMs: start + 3 * day });
  const counts = noCounts();
  for (const window of found) addCounts(counts, window.counts);
  return { predicted: sum(found.map((one) => one.predicted)), labelled: sum(found.map((one) => one.labelled)), counts, windows: found.length };
}
/** The same from what is stored row by row. */
async function recounted(deploymentId: string, rows: readonly PredictionRow[]): Promise<QualityCounts> {
  const stored = await new LabelledPredictionStore(database.pool).between({ deploymentId, fromMs: 0, toMs: start + 9 * day, limit: 100_000 });
  const counts = countRows(stored);
  counts.all = {};
  for (const one of rows) countPrediction(counts, one);
  return counts;
}

it('counts as a recount of all rows would, through new, changed, repeated and several labels of one row', async () => {
  const deploymentId = 'dep_windows';
  const random = seeded(5);
  const rows = Array.from({ length: 400 }, (_, at) => {
    const score = random();
    const city = ['Bern', 'Uster'][at % 2] ?? '';
    return row(deploymentId, {
      atMs: start + at * 60_000,
      score,
      predicted: score >= 0.5 ? 'yes' : 'no',
      slices: { city },
      versionNumber: at < 300 ? 1 : 2,
    });
  });
  expect(await insert(rows)).toBe(400);
  expect(await insert(rows)).toBe(0);
  const given = Array.from({ length: 900 }, () => {
    const { id } = rows[Math.floor(random() * rows.length)] ?? row(deploymentId);
    return label(id, { label: random() < 0.5 ? 'yes' : 'no', source: random() < 0.2 ? 'laboratory' : '' });
  });
  for (let at = 0; at < given.length; at += 100) await labels.record(owner(deploymentId), given.slice(at, at + 100));
  const expected = await recounted(deploymentId, rows);
  const labelled = Object.values(expected.labelled).reduce((total, [n]) => total + n, 0);
  for (const seconds of [300, 3_600, 86_400] as const) {
    const found = await whole(deploymentId, seconds);
    expect([found.predicted, found.labelled]).toEqual([400, labelled]);
    near(found.counts, expected);
  }
  const bern = await whole(deploymentId, 3_600, 'city=Bern');
  const uster = await whole(deploymentId, 86_400, 'city=Uster');
  expect(bern.predicted + uster.predicted).toBe(400);
  const both = bern.counts;
  addCounts(both, uster.counts);
  near(both, expected);
  expect((await whole(deploymentId, 300)).windows).toBeGreaterThan(70);
  const totals = await windows.slices({ deploymentId, seconds: 86_400, fromMs: start - day, toMs: start + 3 * day, limit: 10 });
  expect(totals.map(({ slice }) => slice).sort()).toEqual(['city=Bern', 'city=Uster']);
  expect(sum(totals.map(({ good }) => good))).toBe(Object.values(expected.labelled).reduce((total, [, right]) => total + right, 0));
});

it('weighs records by how many predictions they stand for, in windows, slices and rows alike', async () => {
  const deploymentId = 'dep_weighed';
  const rows = Array.from({ length: 300 }, (_, at) =>
    row(deploymentId, {
      atMs: start + at * 10_000,
      slices: { city: at < 100 ? 'Bern' : 'Uster' },
      probability: at < 100 ? 1 : Math.fround(0.1),
      predicted: at % 2 === 0 ? 'yes' : 'no',
    }),
  );
  await insert(rows);
  // Right in Bern alone; and what was said first is taken back.
  const other = (predicted: string | null) => (predicted === 'yes' ? 'no' : 'yes');
  const labelled = (wrongFirst: boolean) =>
    rows.map(({ id, predicted }, at) => label(id, { label: at < 100 !== wrongFirst ? (predicted ?? '') : other(predicted) }));
  await labels.record(owner(deploymentId), labelled(true));
  await labels.record(owner(deploymentId), labelled(false));
  const found = await whole(deploymentId, 3_600);
  expect(found.predicted).toBeCloseTo(2_100, 3);
  expect(found.labelled).toBeCloseTo(2_100, 3);
  near(found.counts, await recounted(deploymentId, rows));
  const frame = { fromMs: start, toMs: start + hour, stepSeconds: 3_600 };
  const { total, slices } = await new QualitySeriesStore(database.pool).series({ deploymentId, frame, nowMs: start + day, task: binary });
  expect(total[0]?.predicted).toBeCloseTo(2_100, 3);
  expect(total[0]?.accuracy?.value).toBeCloseTo(100 / 2_100, 6);
  expect(total[0]?.accuracy?.n).toBeCloseTo(2_100 ** 2 / (100 + 20_000), 2);
  expect(slices.map(({ slice, judgement }) => [slice, Math.round(judgement.n)]).sort()).toEqual([
    ['city=Bern', 100],
    ['city=Uster', 200],
  ]);
});

it('counts what was stored before windows were kept once, by days, and goes on where it was', async () => {
  const deploymentId = 'dep_before';
  const before = new PredictionStore(database.pool);
  const rows = Array.from({ length: 4_300 }, (_, at) =>
    row(deploymentId, { atMs: start + at * 1000 - (at % 2) * 2 * day, predicted: at % 3 === 0 ? 'no' : 'yes', probability: at % 5 === 0 ? 0.5 : 1 }),
  );
  await before.insert(rows, new Map([[deploymentId, 'prj_default']]));
  await labels.record(
    owner(deploymentId),
    rows.slice(0, 600).map(({ id }) => label(id)),
  );
  await labels.record(
    owner(deploymentId),
    rows.slice(0, 300).map(({ id }) => label(id, { source: 'laboratory', label: 'no' })),
  );
  // As an installation is when it is updated: predictions and labels, and nothing counted of them.
  await database.pool.query('update telemetry.predictions set before_quality = true where deployment_id = $1', [deploymentId]);
  for (const table of ['quality_windows', 'labelled_predictions', 'label_arrivals', 'worst_samples'])
    await database.pool.query(`delete from telemetry.${table} where deployment_id = $1`, [deploymentId]);
  await database.pool.query(
    `insert into telemetry.quality_backfill (day, part, after_at) select d, part, d::timestamp at time zone 'UTC'
     from unnest(array[to_timestamp($1 / 1000.0)::date, to_timestamp($2 / 1000.0)::date]) d cross join unnest(array['predictions', 'labels']) part on conflict do nothing`,
    [start, start - 2 * day],
  );
  // Meanwhile it goes on: a new prediction, and another label for an old one.
  const late = row(deploymentId, { atMs: start + 5_000_000 });
  await insert([late]);
  const [first] = rows;
  await labels.record(owner(deploymentId), [label(first?.id ?? '', { label: 'yes', source: 'ward' }), label(late.id)]);
  const backfill = () => new QualityBackfillStore(database.pool, async (_, versions) => new Map(versions.map((version) => [version, binary])));
  const steps: (number | undefined)[] = [];
  for (let at = 0; at < 20 && (steps.length === 0 || steps.at(-1) !== undefined); at += 1) {
    const both = await Promise.all([backfill().step(), backfill().step()]);
    steps.push(...both);
  }
  expect(steps.at(-1)).toBeUndefined();
  expect(sum(steps.map((rows) => rows ?? 0))).toBe(4_300 + 599);
  const found = await whole(deploymentId, 3_600);
  const all = [...rows, late];
  expect(found.predicted).toBe(sum(all.map(({ probability }) => 1 / probability)));
  expect(found.labelled).toBe(sum([...rows.slice(0, 600), late].map(({ probability }) => 1 / probability)));
  near(found.counts, await recounted(deploymentId, all));
  // The newest label counts, whatever its source.
  const stored = await new LabelledPredictionStore(database.pool).between({ deploymentId, fromMs: 0, toMs: start + 9 * day, limit: 10_000 });
  expect(stored.filter((one) => one.label === 'no')).toHaveLength(299);
});

it('stays right when many label the same predictions at a time', async () => {
  const deploymentId = 'dep_parallel';
  const rows = Array.from({ length: 60 }, (_, at) => row(deploymentId, { atMs: start + at * 1000 }));
  await insert(rows);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, at) => {
      const given = rows.map(({ id }) => label(id, { label: at % 2 === 0 ? 'yes' : 'no' }));
      return labels.record(owner(deploymentId), at % 3 === 0 ? given : given.reverse());
    }),
  );
  expect(answers.flat().filter((result) => result === 'matched')).toHaveLength(60);
  near((await whole(deploymentId, 86_400)).counts, await recounted(deploymentId, rows));
});

it('counts a label that came before its prediction, once it is joined', async () => {
  const early = row('dep_early', { joinKey: 'order-1' });
  const give = { ...label(''), predictionId: undefined, joinKey: 'order-1', label: 'no' };
  expect(await labels.record(owner('dep_early'), [give])).toEqual(['unmatched']);
  await insert([early]);
  expect(await whole('dep_early', 300)).toMatchObject({ predicted: 1, labelled: 0 });
  expect((await labels.resolveParked()).resolved).toBe(1);
  expect(await whole('dep_early', 300)).toMatchObject({ predicted: 1, labelled: 1, counts: { cells: { '=no': { '=yes': 1 } } } });
});

it('takes a join key for the newest prediction from before the label was observed', async () => {
  const [may, june] = [
    row('dep_key', { atMs: start, joinKey: 'customer-1' }),
    row('dep_key', { atMs: start + hour, joinKey: 'customer-1', predicted: 'no' }),
  ];
  await insert([may, june]);
  const give = (observedAt: Date | null, name: string) =>
    labels.record(owner('dep_key'), [{ ...label(''), predictionId: undefined, joinKey: 'customer-1', observedAt, label: name }]);
  expect(await give(new Date(start + 1000), 'yes')).toEqual(['matched']);
  expect(await give(null, 'no')).toEqual(['matched']);
  expect(await give(new Date(start - 1000), 'no')).toEqual(['unmatched']);
  expect((await whole('dep_key', 86_400)).counts.cells).toEqual({ '=yes': { '=yes': 1 }, '=no': { '=no': 1 } });
});

it('counts so many values of a slice by themselves, and the others together', async () => {
  const rows = Array.from({ length: sliceValuesMax + 7 }, (_, at) => row('dep_slices', { atMs: start + at, slices: { user: `u${at}` } }));
  await insert(rows.slice(0, 30));
  await insert(rows.slice(30));
  const found = await windows.slices({ deploymentId: 'dep_slices', seconds: 86_400, fromMs: start - day, toMs: start + day, limit: 100 });
  expect(found).toHaveLength(sliceValuesMax + 1);
  expect(found.find(({ slice }) => slice === 'user=…other')).toMatchObject({ predicted: 7 });
  await labels.record(
    owner('dep_slices'),
    rows.map(({ id }) => label(id)),
  );
  const labelled = await windows.slices({ deploymentId: 'dep_slices', seconds: 3_600, fromMs: start - day, toMs: start + day, limit: 100 });
  expect(labelled.every((one) => one.labelled === one.predicted)).toBe(true);
});

it('keeps the worst of each hour, and not those that a correction made right', async () => {
  const rows = Array.from({ length: worstKept + 50 }, (_, at) => row('dep_worst', { atMs: start + at * 100, score: 0.5 + at / 1000 }));
  await insert(rows);
  await labels.record(
    owner('dep_worst'),
    rows.map(({ id }) => label(id, { label: 'no' })),
  );
  const worst = () => new WorstSampleStore(database.pool).worst({ deploymentId: 'dep_worst', fromMs: start, toMs: start + hour, limit: 1_000 });
  const kept = await worst();
  expect(kept).toHaveLength(worstKept);
  expect(kept[0]).toMatchObject({ id: rows.at(-1)?.id, error: 0.5 + (worstKept + 49) / 1000, label: 'no', predicted: 'yes' });
  await labels.record(owner('dep_worst'), [label(rows.at(-1)?.id ?? '', { label: 'yes' })]);
  expect((await worst())[0]?.id).toBe(rows.at(-2)?.id);
});

it('tells how late labels come', async () => {
  const rows = Array.from({ length: 100 }, (_, at) => row('dep_late', { atMs: start + at * 1000 }));
  await insert(rows);
  const give = (from: number, to: number, atMs: number) =>
    labels.record(
      owner('dep_late'),
      rows.slice(from, to).map(({ id }) => label(id)),
      new Date(atMs),
    );
  await give(0, 30, start + 130_000);
  await give(30, 50, start + 5 * hour);
  const found = await windows.arrivals('dep_late', start + 2 * day);
  const byAge = found.reduce<number[]>((total, { arrivals }) => arrivals.map((count, at) => count + (total[at] ?? 0)), []);
  expect(byAge.slice(0, 6)).toEqual([0, 30, 0, 0, 0, 20]);
  expect(sum(found.map(({ predicted }) => predicted))).toBe(100);
});

it('measures the same from counts as from rows, within the bounds it tells', async () => {
  const deploymentId = 'dep_same';
  const random = seeded(11);
  const rows = Array.from({ length: 600 }, (_, at) => {
    const score = random();
    return row(deploymentId, { atMs: start + at * 1000, score, predicted: score >= 0.5 ? 'yes' : 'no' });
  });
  await insert(rows);
  await labels.record(
    owner(deploymentId),
    rows.map(({ id, score }) => label(id, { label: random() < (score ?? 0) ? 'yes' : 'no' })),
  );
  const stored = await new LabelledPredictionStore(database.pool).between({ deploymentId, fromMs: start, toMs: start + hour, limit: 1_000 });
  const exact = measureWindow(countRows(stored), binary, scoredRows(stored));
  const counted = measureWindow((await whole(deploymentId, 3_600)).counts, binary);
  for (const [name, { value, bound }] of Object.entries(counted.metrics))
    expect(`${name} ${Math.abs((value ?? 0) - (exact.metrics[name]?.value ?? 0)) <= bound + 1e-9 || name === 'prAuc'}`).toBe(`${name} true`);
  const frame = { fromMs: start, toMs: start + hour, stepSeconds: 600 };
  const series = await new QualitySeriesStore(database.pool).series({ deploymentId, frame, nowMs: start + hour, task: binary });
  expect(series).toMatchObject({ measuredFrom: 'rows', total: [{ predicted: 600, labelled: 600 }, {}, {}, {}, {}, {}] });
  expect(series.bias?.judgement.verdict).toBe('ok');
});

it('judges what it is asked for by what is usual, also in the hour that is running', async () => {
  const deploymentId = 'dep_asked';
  const rows = Array.from({ length: 800 }, (_, at) => row(deploymentId, { atMs: start + at * 1000 }));
  await insert(rows);
  // Every tenth is wrong at first, then every fourth.
  await labels.record(
    owner(deploymentId),
    rows.map(({ id }, at) => label(id, { label: at % (at < 400 ? 10 : 4) === 0 ? 'no' : 'yes' })),
  );
  const usual = { value: 0.9, sd: 0, rows: 5_000 };
  const frame = { fromMs: start, toMs: start + 900_000, stepSeconds: 400 };
  const baselines = new Map([[1, { source: 'reference' as const, metrics: { accuracy: usual } }]]);
  const series = await new QualitySeriesStore(database.pool).series({
    deploymentId,
    frame: { ...frame, fromMs: Math.floor(start / 400_000) * 400_000 },
    nowMs: start + 800_000,
    task: binary,
    baselines,
  });
  const verdicts = series.total.map(({ accuracy }) => accuracy?.verdict);
  expect(verdicts.at(-1)).toBe('alarm');
  expect(verdicts[0]).not.toBe('alarm');
  expect(series.versions[0]?.accuracy).toMatchObject({
    verdict: 'alarm',
    threshold: expect.any(Number),
    reason: expect.stringContaining('the reference has 0.9'),
  });
});

it('gives up fine windows after two weeks, and all of them at last', async () => {
  const old = row('dep_old', { atMs: Date.now() - 20 * day });
  await insert([old]);
  expect((await whole('dep_old', 300)).windows).toBe(0);
  expect((await whole('dep_old', 3_600)).windows).toBe(1);
  await insert([row('dep_old')]);
  await trimQualityWindows(database.pool, 400, Date.now() + 15 * day);
  expect([(await whole('dep_old', 300)).windows, (await whole('dep_old', 86_400)).windows]).toEqual([0, 2]);
  await trimQualityWindows(database.pool, 30, Date.now() + 60 * day);
  expect((await whole('dep_old', 86_400)).windows).toBe(0);
});

function near(one: unknown, other: unknown, path = ''): void {
  if (typeof one === 'number' && typeof other === 'number') {
    if (Math.abs(one - other) > 1e-8 * Math.max(1, Math.abs(one))) throw new Error(`${path}: ${one} against ${other}`);
    return;
  }
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) {
    expect([path, one]).toEqual([path, other]);
    return;
  }
  expect([path, Object.keys(one).sort()]).toEqual([path, Object.keys(other).sort()]);
  for (const key of Object.keys(one)) near(Reflect.get(one, key), Reflect.get(other, key), `${path}.${key}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
