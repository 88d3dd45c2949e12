import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { ulid } from 'ulid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LabelStore } from './label.store.js';
import type { NewLabel } from './label-target.store.js';
import { PredictionStore } from './prediction.store.js';
import type { PredictionRow } from './spool-line.js';

let database: TestDatabase;
let predictions: PredictionStore;
let labels: LabelStore;
beforeAll(async () => {
  database = await testDatabase({ max: 10 });
  predictions = new PredictionStore(database.pool);
  labels = new LabelStore(database.pool, 30 * 86_400);
});
afterAll(() => database.close());

const dayMs = 86_400_000;
const projects = new Map([
  ['dep_1', 'prj_default'],
  ['dep_2', 'prj_other'],
]);
const owner = { projectId: 'prj_default', deploymentId: 'dep_1' };
const stranger = { projectId: 'prj_other', deploymentId: 'dep_2' };

function row(over: Partial<PredictionRow> = {}): PredictionRow {
  const atMs = over.atMs ?? Date.now();
  return {
    atMs,
    id: `prd_${ulid(atMs)}`,
    row: 0,
    deploymentId: 'dep_1',
    revisionId: 'rev_1',
    versionId: 'ver_1',
    versionNumber: 1,
    clientId: null,
    predicted: 'benign',
    predictedNumber: null,
    score: 0.2,
    queueMicros: null,
    computeMicros: 10,
    rows: 1,
    probability: 1,
    slices: null,
    joinKey: null,
    outputs: null,
    inputs: null,
    ...over,
  };
}
const label = (over: Partial<NewLabel>): NewLabel => ({ label: 'benign', labelNumber: null, source: '', observedAt: null, ...over });
async function stored(...rows: PredictionRow[]): Promise<PredictionRow> {
  await predictions.insert(rows, projects);
  const [first] = rows;
  if (first === undefined) throw new Error('no row');
  return first;
}
async function labelRows(id: string) {
  const { rows } = await database.pool.query(
    'select label, "row", source, revisions, history, project_id from telemetry.labels where prediction_id = $1 order by "row"',
    [id],
  );
  return rows;
}

it('stores each prediction row once, however often it is shipped', async () => {
  const rows = [row(), row(), row({ atMs: Date.now() - 12 * dayMs })];
  expect(await predictions.insert(rows, projects)).toBe(3);
  expect(await predictions.insert(rows, projects)).toBe(0);
  expect(await predictions.find('prj_default', rows[2]?.id ?? '')).toMatchObject([{ atMs: rows[2]?.atMs, predicted: 'benign', label: null }]);
});

it('leaves out rows of deployments that are not known any more', async () => {
  expect(await predictions.insert([row({ deploymentId: 'dep_gone' })], projects)).toBe(0);
});

it('does not find a prediction of another project, nor one that is none', async () => {
  const foreign = await stored(row({ deploymentId: 'dep_2' }));
  expect(await predictions.find('prj_default', foreign.id)).toEqual([]);
  expect(await predictions.find('prj_other', foreign.id)).toHaveLength(1);
  expect(await predictions.find('prj_default', 'prd_nonsense')).toEqual([]);
});

it('finds one row of a batch by its number', async () => {
  const first = row({ rows: 3 });
  await stored(first, { ...first, row: 1, predicted: 'malignant' }, { ...first, row: 2 });
  expect(await predictions.find('prj_default', first.id)).toHaveLength(3);
  expect(await predictions.find('prj_default', `${first.id}#1`)).toMatchObject([{ row: 1, predicted: 'malignant' }]);
  expect(await predictions.find('prj_default', `${first.id}#3`)).toEqual([]);
});

it('answers matched, duplicate and revised, and keeps what was there before', async () => {
  const { id } = await stored(row());
  const give = (value: string) => labels.record(owner, [label({ predictionId: id, label: value })]);
  expect(await give('malignant')).toEqual(['matched']);
  expect(await give('malignant')).toEqual(['duplicate']);
  expect(await give('benign')).toEqual(['revised']);
  expect(await labelRows(id)).toMatchObject([{ label: 'benign', revisions: 1, history: [{ label: 'malignant' }] }]);
  expect(await predictions.find('prj_default', id)).toMatchObject([{ label: 'benign' }]);
});

it('answers each of several labels for one prediction in one request, in order', async () => {
  const { id } = await stored(row());
  const values = ['a', 'a', 'b', 'a'].map((value) => label({ predictionId: id, label: value }));
  expect(await labels.record(owner, values)).toEqual(['matched', 'duplicate', 'revised', 'revised']);
  const many = Array.from({ length: 200 }, (_, at) => label({ predictionId: id, label: String(at) }));
  await expect(labels.record(owner, many)).rejects.toThrow(/at most 100 labels for one prediction/);
});

it('keeps one label per source', async () => {
  const { id } = await stored(row());
  const given = ['doctor', 'laboratory'].map((source) => label({ predictionId: id, source }));
  expect(await labels.record(owner, given)).toEqual(['matched', 'matched']);
  expect(await labelRows(id)).toHaveLength(2);
});

it('takes the number of a row for a batch, and a bare id only for a one-row request', async () => {
  const first = row({ rows: 2 });
  await stored(first, { ...first, row: 1 });
  const results = await labels.record(
    owner,
    [`${first.id}#1`, first.id, `${first.id}#2`].map((predictionId) => label({ predictionId })),
  );
  expect(results).toEqual(['matched', 'unmatched', 'unmatched']);
  expect(await labelRows(first.id)).toMatchObject([{ row: 1 }]);
});

it('makes one row of 100 labels given at a time', async () => {
  const { id } = await stored(row());
  const results = await Promise.all(Array.from({ length: 100 }, () => labels.record(owner, [label({ predictionId: id })])));
  expect(results.flat().filter((result) => result === 'matched')).toHaveLength(1);
  expect(results.flat().filter((result) => result === 'duplicate')).toHaveLength(99);
  expect(await labelRows(id)).toHaveLength(1);
});

it('survives parallel batches that name the same predictions in opposite orders', async () => {
  const rows = Array.from({ length: 200 }, () => row());
  await predictions.insert(rows, projects);
  const given = rows.map(({ id }, at) => label({ predictionId: id, label: `x${at}` }));
  const results = await Promise.all([0, 1, 2, 3, 4, 5].map((at) => labels.record(owner, at % 2 === 0 ? given : [...given].reverse())));
  expect(results.flat().filter((result) => result === 'matched')).toHaveLength(200);
});

it('treats a prediction of another project like an unknown one, and never writes to it', async () => {
  const { id } = await stored(row());
  const unknown = `prd_${ulid()}`;
  expect(await labels.record(stranger, [label({ predictionId: id }), label({ predictionId: unknown })])).toEqual(['unmatched', 'unmatched']);
  await labels.resolveParked();
  expect(await labelRows(id)).toEqual([]);
  expect(await labels.record(owner, [label({ predictionId: id })])).toEqual(['matched']);
  expect(await labelRows(id)).toMatchObject([{ project_id: 'prj_default' }]);
});

it('parks a label whose prediction has not arrived and joins it when it has', async () => {
  const late = row({ clientId: 'order-1' });
  const given = [label({ predictionId: late.id }), label({ clientId: 'order-1', source: 'shop' }), label({ clientId: 'order-2' })];
  expect(await labels.record(owner, given)).toEqual(['unmatched', 'unmatched', 'unmatched']);
  expect((await labels.resolveParked()).resolved).toBe(0);
  await stored(late);
  expect((await labels.resolveParked()).resolved).toBe(2);
  expect((await labelRows(late.id)).map(({ source }) => source).sort()).toEqual(['', 'shop']);
  expect((await labels.resolveParked()).resolved).toBe(0);
});

it('matches a caller’s own id, the newest prediction of several', async () => {
  const older = row({ clientId: 'again', atMs: Date.now() - 5_000 });
  const newer = row({ clientId: 'again' });
  await stored(older, newer);
  expect(await labels.record(owner, [label({ clientId: 'again' })])).toEqual(['matched']);
  expect(await labelRows(newer.id)).toHaveLength(1);
  expect(await labels.record(stranger, [label({ clientId: 'again' })])).toEqual(['unmatched']);
});

it('does not confuse a caller’s own id with a prediction id that reads alike', async () => {
  const late = row();
  expect(await labels.record(owner, [label({ clientId: late.id })])).toEqual(['unmatched']);
  await stored(late);
  await labels.resolveParked();
  expect(await labelRows(late.id)).toEqual([]);
});

it('answers late for a prediction of before the lateness window, and takes one of some days ago', async () => {
  const old = await stored(row({ atMs: Date.now() - 20 * dayMs }));
  expect(await labels.record(owner, [label({ predictionId: old.id })])).toEqual(['matched']);
  const strict = new LabelStore(database.pool, 7 * 86_400);
  expect(await strict.record(owner, [label({ predictionId: old.id, label: 'other' })])).toEqual(['late']);
  expect(await labelRows(old.id)).toMatchObject([{ label: 'benign' }]);
});

it('does not park what can never arrive, and gives up what waited for the whole window', async () => {
  const count = async () => Number((await database.pool.query('select count(*) as n from telemetry.parked_labels')).rows[0].n);
  const before = await count();
  const never = ['nonsense', `prd_${ulid(Date.now() + 3_600_000)}`].map((predictionId) => label({ predictionId }));
  expect(await labels.record(owner, never)).toEqual(['unmatched', 'unmatched']);
  expect(await count()).toBe(before);
  await labels.record(owner, [label({ clientId: 'never-comes' })]);
  const later = await labels.resolveParked(new Date(Date.now() + 31 * dayMs));
  expect(later.expired).toBeGreaterThan(0);
  expect(await count()).toBe(0);
});

it('walks through all parked labels in stretches', async () => {
  const rows = Array.from({ length: 30 }, (_, at) => row({ clientId: `walk-${at}` }));
  await labels.record(
    owner,
    rows.map((one) => label({ clientId: one.clientId ?? '' })),
  );
  await predictions.insert(rows, projects);
  // The newest ones that never match must not keep the others from their turn.
  await labels.record(
    owner,
    Array.from({ length: 20 }, (_, at) => label({ clientId: `zz-${at}` })),
  );
  let resolved = 0;
  for (let run = 0; run < 20; run += 1) resolved += (await labels.resolveParked(new Date(), 5)).resolved;
  expect(resolved).toBe(30);
});
