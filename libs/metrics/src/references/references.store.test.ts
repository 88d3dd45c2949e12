import type { ReferenceBody } from '@slipway/contracts';
import { newId, type Transaction } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ActiveReferenceStore, type ReferencedVersion, ReferenceStore } from './reference.store.js';
import { ReferenceRunStore } from './reference-run.store.js';

let database: TestDatabase;
let store: ReferenceStore;
let runs: ReferenceRunStore;
let active: ActiveReferenceStore;
beforeAll(async () => {
  database = await testDatabase();
  store = new ReferenceStore(database.db);
  runs = new ReferenceRunStore(database.db);
  active = new ActiveReferenceStore(database.db);
});
afterAll(() => database.close());

let of: ReferencedVersion;
const by = () => ({ projectId: of.projectId, actor: 'key:test', requestId: 'req_1' });
beforeEach(async () => {
  of = await newVersion(1);
});

const digest = 'cd'.repeat(32);
const input = { shown: { kind: 'file' as const, name: 'rows.csv', digest }, file: { format: 'csv' as const, idColumns: [], header: true } };
const create = () => database.db.$transaction((tx: Transaction) => store.create(tx, by(), of, input));

describe('a reference made of rows', () => {
  it('is made under a claim, becomes the active one, and is told as an event', async () => {
    const made = await create();
    expect(made).toMatchObject({ status: 'BUILDING', source: 'uploaded', active: false, rows: null, origin: input.shown });
    await expect(create()).rejects.toMatchObject({ code: 'REFERENCE_UNFINISHED' });
    const claim = await runs.claim(made.id);
    if (typeof claim === 'string') throw new Error(claim);
    expect(claim).toMatchObject({ attempt: 1, input: { digest, file: input.file }, version: { versionId: of.versionId, model: of.model } });
    expect(await runs.claim(made.id)).toBe('held');
    expect(await runs.renew(claim)).toBe(true);
    expect(await active.activeReference(of.versionId)).toBeUndefined();
    expect(await runs.complete({ ...claim, attempt: 2 }, body(10))).toBe(false);
    expect(await runs.complete(claim, body(10))).toBe(true);
    expect(await runs.claim(made.id)).toBe('over');
    expect(await active.activeReference(of.versionId)).toMatchObject({ id: made.id, source: 'uploaded', body: { rows: 10 } });
    const shown = await store.getActive(of);
    expect(shown).toMatchObject({
      id: made.id,
      active: true,
      rows: 10,
      layout: 'layout',
      columns: [{ name: 'x', counts: { n: 10 }, importance: 1 }],
    });
    expect(await eventsOf(made.id)).toEqual(['reference.created', 'reference.ready']);
  });

  it('never changes once it is ready', async () => {
    const made = await ready(10);
    const changed = database.db.referenceProfile.updateMany({ where: { id: made }, data: { body: { rows: 11 } } });
    await expect(changed).rejects.toThrow('does not change any more');
  });

  it('gives way to a newer one, comes back when that is deleted, and is unchanged by one that failed', async () => {
    const first = await ready(10);
    const second = await ready(20);
    expect((await active.activeDigests([of.versionId])).get(of.versionId)?.id).toBe(second);
    const third = await create();
    const claim = await runs.claim(third.id);
    if (typeof claim === 'string') throw new Error(claim);
    expect(await runs.fail(claim, 'no rows')).toBe(true);
    expect(await store.get(of, third.id)).toMatchObject({ status: 'FAILED', reason: 'no rows', columns: [] });
    expect((await store.getActive(of)).id).toBe(second);
    await store.remove(by(), of, second);
    expect((await store.getActive(of)).id).toBe(first);
    expect((await store.list(of, { limit: 1 })).items.map(({ id }) => id)).toEqual([third.id]);
    await expect(store.get(of, second)).rejects.toMatchObject({ code: 'REFERENCE_NOT_FOUND' });
    await expect(store.get({ ...of, versionId: 'ver_other' }, first)).rejects.toMatchObject({ code: 'REFERENCE_NOT_FOUND' });
  });

  it('is kept as one of the newest twenty of its version', async () => {
    const first = await ready(1);
    for (let rows = 2; rows <= 21; rows += 1) await ready(rows);
    const { items } = await store.list(of, { limit: 50 });
    expect(items).toHaveLength(20);
    expect(items.map(({ id }) => id)).not.toContain(first);
    expect(items[0]).toMatchObject({ active: true, rows: 21 });
  });

  it('whose message was lost is sent again', async () => {
    const made = await create();
    await database.db.outboxMessage.deleteMany({ where: { jobId: `reference.${made.id}` } });
    await runs.requeueLost(10);
    expect(await database.db.outboxMessage.count({ where: { jobId: `reference.${made.id}` } })).toBe(1);
    await runs.requeueLost(10);
    expect(await database.db.outboxMessage.count({ where: { jobId: `reference.${made.id}` } })).toBe(1);
  });
});

describe('a reference learned from traffic', () => {
  it('leaves the one before active until it is ready, and begins anew when it is asked to', async () => {
    const before = await ready(10);
    const wish = { rowsWanted: 500, now: new Date('2026-01-02T00:00:00Z') };
    const first = await store.learn(by(), of, wish);
    const again = await store.learn(by(), of, { ...wish, now: new Date('2026-01-03T00:00:00Z'), reason: 'season' });
    expect(again.origin).toEqual({ kind: 'traffic', since: '2026-01-03T00:00:00.000Z', rowsWanted: 500 });
    await expect(store.get(of, first.id)).rejects.toMatchObject({ code: 'REFERENCE_NOT_FOUND' });
    const learning = (await runs.learning()).filter(({ versionId }) => versionId === of.versionId);
    expect(learning).toMatchObject([{ id: again.id, sinceMs: Date.parse('2026-01-03T00:00:00Z'), rowsWanted: 500, rows: 0 }]);
    expect(await runs.claim(again.id)).toBe('over');
    await runs.noteLearned(again.id, 123);
    expect(await store.get(of, again.id)).toMatchObject({ rows: 123, status: 'BUILDING' });
    expect((await store.getActive(of)).id).toBe(before);
    expect(await runs.completeLearning(again.id, body(500))).toBe(true);
    expect(await store.getActive(of)).toMatchObject({ id: again.id, source: 'learned', rows: 500, labelled: false });
    expect(await eventsOf(again.id)).toEqual(['reference.learning-restarted', 'reference.ready']);
  });

  it('begins by itself only where there is none', async () => {
    expect(await runs.beginLearning(of, new Date(), 1_000)).toBe(true);
    expect(await runs.beginLearning(of, new Date(), 1_000)).toBe(false);
    const other = await newVersion(2);
    of = other;
    await ready(10);
    expect(await runs.beginLearning(other, new Date(), 1_000)).toBe(false);
  });
});

it('is inherited by a later version, with the same digest', async () => {
  const older = of;
  await expect(store.inherit(by(), await newVersion(2), older)).rejects.toMatchObject({ code: 'REFERENCE_NOT_FOUND' });
  const id = await ready(10);
  const newer = await newVersion(2);
  const inherited = await store.inherit(by(), newer, older);
  expect(inherited).toMatchObject({
    source: 'inherited',
    status: 'READY',
    active: true,
    version: 2,
    origin: { kind: 'version', version: 1, reference: id },
  });
  expect((await active.activeReference(newer.versionId))?.digest).toBe((await active.activeReference(older.versionId))?.digest);
});

it('does not cover days where it was taken over from one that was learned, through any number of versions', async () => {
  const learning = await store.learn(by(), of, { rowsWanted: 500, now: new Date() });
  expect(await runs.completeLearning(learning.id, body(500))).toBe(true);
  let older = of;
  for (const number of [2, 3]) {
    const newer = await newVersion(number);
    await store.inherit(by(), newer, older);
    expect(await active.activeReference(newer.versionId)).toMatchObject({ source: 'inherited', coversDays: false });
    older = newer;
  }
  of = older;
  await ready(10);
  const last = await newVersion(4);
  await store.inherit(by(), last, older);
  expect(await active.activeReference(last.versionId)).toMatchObject({ source: 'inherited', coversDays: true });
});

it('begins from an automatic labelled set for versions that have none', async () => {
  const dataset = await database.db.dataset.create({
    data: {
      ...{ id: newId('dst'), projectId: of.projectId, modelId: of.modelId, name: 'gold', nameFolded: 'gold', digest, sizeBytes: 1n, format: 'csv' },
      ...{ options: { labelColumn: 'y', idColumn: 'id', header: true }, labels: {}, createdBy: 'key:test', createdAt: new Date(Date.now() - 60_000) },
    },
  });
  await runs.beginAutomatic();
  const { items } = await store.list(of, { limit: 10 });
  expect(items).toMatchObject([{ status: 'BUILDING', origin: { kind: 'dataset', name: dataset.name }, createdBy: 'system:worker' }]);
  const claim = await runs.claim(items[0]?.id ?? '');
  expect(claim).toMatchObject({ input: { file: { labelColumn: 'y', idColumns: ['id'] } } });
  await runs.beginAutomatic();
  expect((await store.list(of, { limit: 10 })).items).toHaveLength(1);
});

async function ready(rows: number): Promise<string> {
  const made = await create();
  const claim = await runs.claim(made.id);
  if (typeof claim === 'string') throw new Error(claim);
  expect(await runs.complete(claim, body(rows))).toBe(true);
  return made.id;
}

async function newVersion(number: number): Promise<ReferencedVersion> {
  const { db: prisma } = database;
  const projectId = newId('prj');
  const modelId = newId('mdl');
  const versionId = newId('ver');
  await prisma.project.create({ data: { id: projectId, name: projectId } });
  await prisma.model.create({ data: { id: modelId, projectId, name: 'm', nameFolded: 'm' } });
  await prisma.version.create({
    data: { id: versionId, modelId, number, status: 'READY', digest: 'ab'.repeat(32), sizeBytes: 1n, createdBy: 'key:test' },
  });
  return { projectId, modelId, model: 'm', versionId, version: number };
}

async function eventsOf(id: string): Promise<string[]> {
  const rows = await database.db.event.findMany({ where: { subjectId: id }, orderBy: { sequence: 'asc' } });
  return rows.map(({ action }) => action);
}

function body(rows: number): ReferenceBody {
  const layout = {
    id: 'layout',
    columns: [{ name: 'x', side: 'input' as const, tensor: 'x', index: null, kind: 'numeric' as const, edges: [0, 1] }],
  };
  const counts = { n: rows, missing: 0, infinite: 0, zeros: 0, min: 0, max: 1, mean: 0.5, m2: 1, bins: [0, rows, 0] };
  return {
    rows,
    layout,
    profile: { layout: 'layout', rows, columns: [counts] },
    columns: [{ quantiles: null, sd: 0.1, distinct: 2, importance: 1 }],
    labelled: null,
    noise: null,
  };
}
