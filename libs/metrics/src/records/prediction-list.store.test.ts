import { PredictionListQuery } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { ulid } from 'ulid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LabelStore } from './label.store.js';
import { PredictionStore } from './prediction.store.js';
import type { PredictionRow } from './spool-line.js';

let database: TestDatabase;
let predictions: PredictionStore;
beforeAll(async () => {
  database = await testDatabase({ max: 10 });
  predictions = new PredictionStore(database.pool);
});
afterAll(() => database.close());

const projects = (deploymentId: string) => new Map([[deploymentId, 'prj_default']]);
function row(deploymentId: string, over: Partial<PredictionRow> = {}): PredictionRow {
  const atMs = over.atMs ?? Date.now();
  return {
    atMs,
    id: `prd_${ulid(atMs)}`,
    row: 0,
    deploymentId,
    revisionId: 'rev_1',
    versionId: 'ver_1',
    versionNumber: 1,
    clientId: null,
    predicted: 'a',
    predictedNumber: null,
    score: 0.5,
    queueMicros: 12,
    computeMicros: 34,
    rows: 1,
    probability: 1,
    slices: null,
    joinKey: null,
    outputs: null,
    inputs: null,
    ...over,
  };
}

async function walk(deploymentId: string, query: Record<string, unknown>): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = await predictions.list(
      deploymentId,
      PredictionListQuery.parse({ ...query, ...(cursor === undefined ? {} : { cursor }) }),
      Date.now(),
    );
    ids.push(...page.items.map((item) => `${item.id}#${item.row}`));
    cursor = page.nextCursor;
    if (cursor === undefined) return { ids, pages };
  }
}

it('keeps all that a record says', async () => {
  const full = row('dep_full', {
    probability: Math.fround(0.3),
    slices: { region: 'north', 'x=y': 'a=b' },
    joinKey: 'order-7',
    outputs: { scores: [0.25, 0.75, null], others: { leaf: [1, 'b', true] } },
    inputs: Buffer.from([0, 1, 255]),
  });
  await predictions.insert([full], projects('dep_full'));
  const { rows: _, ...kept } = full;
  expect(await predictions.find('prj_default', full.id)).toEqual([
    { ...kept, projectId: 'prj_default', label: null, labelNumber: null, labelledAt: null },
  ]);
});

it('tells of each row once, in the transaction that stores it, also where some are there already or come twice', async () => {
  const told: string[] = [];
  const counting = new PredictionStore(database.pool, async (client, rows) => {
    const { rows: seen } = await client.query('select count(*)::integer as n from telemetry.predictions where id = any($1)', [
      rows.map(({ id }) => id),
    ]);
    expect(seen[0].n).toBe(rows.length);
    told.push(...rows.map(({ id }) => id));
  });
  const [first, second, third] = [row('dep_told'), row('dep_told'), row('dep_told', { atMs: Date.now() - 40 * 86_400_000 })];
  await counting.insert([first, second], projects('dep_told'));
  await counting.insert([first, third, third, second], projects('dep_told'));
  expect(told).toEqual([first.id, second.id, third.id]);
});

it('stores nothing when what is told of it cannot be kept', async () => {
  const one = row('dep_torn');
  const failing = new PredictionStore(database.pool, () => Promise.reject(new Error('no')));
  await expect(failing.insert([one], projects('dep_torn'))).rejects.toThrow('no');
  expect(await predictions.find('prj_default', one.id)).toEqual([]);
});

it('pages through records newest first, each once, across days and within a millisecond', async () => {
  const atMs = Date.now() - 1000;
  const rows = [...Array.from({ length: 7 }, () => row('dep_list', { atMs })), row('dep_list', { atMs: atMs - 3 * 86_400_000 })];
  const batch = row('dep_list', { atMs: atMs - 5, rows: 2 });
  rows.push(batch, { ...batch, row: 1 });
  await predictions.insert(rows, projects('dep_list'));
  const expected = rows
    .map(({ id, row: at }) => `${id}#${at}`)
    .sort()
    .reverse();
  for (const limit of [1, 3, 10, 50]) expect((await walk('dep_list', { limit })).ids).toEqual(expected);
  expect((await walk('dep_other', { limit: 5 })).ids).toEqual([]);
});

it.each<{ name: string; query: Record<string, unknown>; expected: readonly number[] }>([
  { name: 'a version', query: { version: 2 }, expected: [1] },
  { name: 'a slice', query: { slice: 'region=north' }, expected: [2] },
  { name: 'labels', query: { label: 'any' }, expected: [3, 0] },
  { name: 'no labels', query: { label: 'none' }, expected: [2, 1] },
  { name: 'labels that were not predicted', query: { label: 'wrong' }, expected: [3] },
  { name: 'a range of times', query: { from: '2026-03-01T00:00:01.000Z', to: '2026-03-01T00:00:03.000Z' }, expected: [2, 1] },
])('lists by $name', async ({ name, query, expected }) => {
  const deploymentId = `dep_by ${name}`;
  const start = Date.parse('2026-03-01T00:00:00.000Z');
  const rows = [{}, { versionNumber: 2 }, { slices: { region: 'north' } }, {}].map((over, at) =>
    row(deploymentId, { atMs: start + at * 1000, ...over }),
  );
  await predictions.insert(rows, projects(deploymentId));
  const labels = new LabelStore(database.pool, 3650 * 86_400);
  const given = [0, 3].map((at) => ({ predictionId: rows[at]?.id, label: at === 0 ? 'a' : 'b', labelNumber: null, source: '', observedAt: null }));
  await labels.record({ projectId: 'prj_default', deploymentId }, given);
  const { ids } = await walk(deploymentId, { limit: 10, ...query });
  expect(ids).toEqual(expected.map((at) => `${rows[at]?.id}#0`));
});

it('gives thin pages, but all of them, where a filter finds little', async () => {
  const start = Date.now() - 60_000;
  const rows = Array.from({ length: 11_000 }, (_, at) => row('dep_thin', { atMs: start + at, versionNumber: at === 10 || at === 10_500 ? 9 : 1 }));
  await predictions.insert(rows, projects('dep_thin'));
  const { ids, pages } = await walk('dep_thin', { limit: 20, version: 9 });
  expect(ids).toEqual([`${rows[10_500]?.id}#0`, `${rows[10]?.id}#0`]);
  expect(pages).toBe(3);
});

it('refuses a cursor of another list', async () => {
  const rows = [row('dep_cursor'), row('dep_cursor')];
  await predictions.insert(rows, projects('dep_cursor'));
  const query = PredictionListQuery.parse({ limit: 1 });
  const { nextCursor } = await predictions.list('dep_cursor', query, Date.now());
  await expect(predictions.list('dep_cursor', { ...query, version: 1, cursor: nextCursor }, Date.now())).rejects.toMatchObject({
    code: 'CURSOR_INVALID',
  });
});
