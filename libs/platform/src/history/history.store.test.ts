import { SlipwayError } from '@slipway/contracts';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Transaction } from '../database/database.js';
import { recordEvent } from '../events/record-event.js';
import { newId } from '../ids/ids.js';
import { type TestDatabase, testDatabase } from '../testing/test-database.js';
import { HistoryStore } from './history.store.js';
import { entryOf, rowsOfKind } from './history-state.js';

let database: TestDatabase;
let history: HistoryStore;
let projectId: string;
beforeAll(async () => {
  database = await testDatabase();
  history = new HistoryStore(database.pool);
});
afterAll(() => database.close());
beforeEach(async () => {
  projectId = newId('prj');
  await database.db.project.create({ data: { id: projectId, name: projectId } });
});

const now = { position: Number.MAX_SAFE_INTEGER };
const newModel = (tx: Transaction, name: string) => tx.model.create({ data: { id: newId('mdl'), projectId, name, nameFolded: name.toLowerCase() } });
const tell = (tx: Transaction, model: { id: string; name: string }, action: string) =>
  recordEvent(tx, { projectId, actor: 'key:test', action, subject: { kind: 'model', id: model.id, name: model.name } });
const sequenceOf = async (action: string) => Number((await database.db.event.findFirstOrThrow({ where: { projectId, action } })).sequence);

/** A model made by one event and renamed by the next. */
async function twoEvents(): Promise<{ id: string }> {
  const model = await database.db.$transaction(async (tx) => {
    const created = await newModel(tx, 'fraud');
    await tell(tx, created, 'model.created');
    return created;
  });
  await database.db.$transaction(async (tx) => {
    const changed = await tx.model.update({ where: { id: model.id }, data: { description: 'new' } });
    await tell(tx, changed, 'model.changed');
  });
  return model;
}

it('ties each change to the event of its transaction and shows the state after each', async () => {
  const { id } = await twoEvents();
  const [created, changed] = [await sequenceOf('model.created'), await sequenceOf('model.changed')];
  expect(await history.changesOfRows(projectId, 'model', [id])).toMatchObject([
    { event: created, position: created, after: { name: 'fraud', description: '' } },
    { event: changed, position: changed, after: { description: 'new' } },
  ]);
  const descriptionAt = async (position: number) => entryOf((await history.stateAt(projectId, { position })).state, 'model', id)?.row['description'];
  expect([await descriptionAt(created - 1), await descriptionAt(created), await descriptionAt(changed)]).toEqual([undefined, '', 'new']);
});

it('finds the state at a time', async () => {
  const { id } = await twoEvents();
  const [first, second] = await history.changesOfRows(projectId, 'model', [id]);
  const at = (time: Date | undefined, plusMs = 0) => history.stateAt(projectId, { at: new Date((time?.getTime() ?? 0) + plusMs) });
  expect(entryOf((await at(second?.at)).state, 'model', id)?.row['description']).toBe('new');
  expect((await at(first?.at, -1)).state.size).toBe(0);
});

it('says that nothing is known of the time before it began', async () => {
  const error = await history.stateAt(projectId, { at: new Date(0) }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SlipwayError);
  expect(error).toMatchObject({ code: 'HISTORY_UNAVAILABLE', status: 404 });
});

it('shares out the changes of a transaction with several events, those after the last one included', async () => {
  await database.db.$transaction(async (tx) => {
    const one = await newModel(tx, 'one');
    await tell(tx, one, 'model.one');
    const two = await newModel(tx, 'two');
    await tell(tx, two, 'model.two');
    await newModel(tx, 'three');
  });
  const { state } = await history.stateAt(projectId, now);
  const [one, two] = [await sequenceOf('model.one'), await sequenceOf('model.two')];
  const changes = await history.changesOfRows(
    projectId,
    'model',
    rowsOfKind(state, 'model').map((entry) => entry.id),
  );
  expect(changes.map((change) => [change.after?.['name'], change.event])).toEqual([
    ['one', one],
    ['two', two],
    ['three', two],
  ]);
});

it('keeps a change that no event tells of, and says so', async () => {
  const { id } = await twoEvents();
  await database.db.model.update({ where: { id }, data: { description: 'by hand' } });
  const last = (await history.changesOfRows(projectId, 'model', [id])).at(-1);
  expect(last).toMatchObject({ event: null, after: { description: 'by hand' } });
  expect(last?.position).toBeGreaterThanOrEqual(await sequenceOf('model.changed'));
});

it('keeps nothing of a transaction that is undone, and of columns that are left out', async () => {
  const { id } = await twoEvents();
  const failing = database.db.$transaction(async (tx) => {
    await tx.model.update({ where: { id }, data: { description: 'never' } });
    throw new Error('undone');
  });
  await expect(failing).rejects.toThrow('undone');
  await database.db.model.update({ where: { id }, data: { nextVersion: 7 } });
  expect(await history.changesOfRows(projectId, 'model', [id])).toHaveLength(2);
  const secret = { id: newId('key'), projectId, name: 'k', hash: projectId, hint: 'slip', scopes: ['view'], createdBy: 'key:test' };
  await database.db.apiKey.create({ data: secret });
  const row = await history.lastForm(projectId, 'key', secret.id);
  expect(row).toMatchObject({ name: 'k', scopes: ['view'] });
  expect(row).not.toHaveProperty('hash');
});

it('keeps the rows of what was removed, in the project they were in', async () => {
  const { id } = await twoEvents();
  await database.db.$transaction(async (tx) => {
    await tx.version.create({
      data: { id: `ver_${id}`, modelId: id, number: 1, status: 'READY', digest: 'd', sizeBytes: 1n, createdBy: 'key:test' },
    });
    await tx.version.delete({ where: { id: `ver_${id}` } });
    await tx.model.delete({ where: { id } });
    await tell(tx, { id, name: 'fraud' }, 'model.deleted');
  });
  expect((await history.stateAt(projectId, now)).state.size).toBe(0);
  expect(await history.lastForm(projectId, 'version', `ver_${id}`)).toMatchObject({ digest: 'd' });
  expect(await history.idsNamed(projectId, 'model', 'FRAUD')).toEqual([id]);
});

it('gives the same state from a snapshot as from the changes alone', async () => {
  await twoEvents();
  expect(await history.takeSnapshot(projectId)).toBe(true);
  await database.db.$transaction(async (tx) => tell(tx, await newModel(tx, 'later'), 'model.later'));
  const [recorded] = await history.snapshots(projectId);
  const snapshot = await history.snapshot(projectId, recorded?.sequence ?? -1);
  expect(snapshot?.state).toEqual((await history.stateAt(projectId, { position: await sequenceOf('model.changed') })).state);
  const names = rowsOfKind((await history.stateAt(projectId, now)).state, 'model').map((entry) => entry.row['name']);
  expect(names.sort()).toEqual(['fraud', 'later']);
});

it('gives way to a writer instead of making it wait', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let wrote: () => void = () => undefined;
  const written = new Promise<void>((resolve) => {
    wrote = resolve;
  });
  const writer = database.db.$transaction(async (tx) => {
    await newModel(tx, 'slow');
    wrote();
    await held;
  });
  await written;
  expect(await history.takeSnapshot(projectId)).toBe(false);
  release();
  await writer;
  expect(await history.takeSnapshot(projectId)).toBe(true);
});
