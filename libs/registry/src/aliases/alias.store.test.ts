import type { ChangeBy } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ModelStore } from '../models/model.store.js';
import { addVersion, newProject } from '../testing/registry-fixture.js';
import { ValidationStore } from '../versions/validation.store.js';
import { AliasStore } from './alias.store.js';

let database: TestDatabase;
let aliases: AliasStore;
let by: ChangeBy;
beforeAll(async () => {
  database = await testDatabase();
  aliases = new AliasStore(database.db);
});
afterAll(() => database.close());
beforeEach(async () => {
  by = await newProject(database.db);
  await new ModelStore(database.db).create(by, { name: 'fraud', description: '', tags: {} });
  await addVersion(database.db, by, 'fraud');
  await addVersion(database.db, by, 'fraud');
});

const moves = () => database.db.event.findMany({ where: { projectId: by.projectId, subjectKind: 'alias' }, orderBy: { sequence: 'asc' } });

it('makes an alias, moves it, removes it, and tells each with before and after', async () => {
  expect(await aliases.set(by, 'fraud', 'champion', { version: 1 })).toMatchObject({ name: 'champion', version: 1, updatedBy: 'key:test' });
  expect(await aliases.set(by, 'fraud', 'champion', { version: 2, reason: 'better F1' })).toMatchObject({ version: 2 });
  expect(await aliases.list(by.projectId, 'fraud')).toMatchObject([{ name: 'champion', version: 2 }]);
  await aliases.remove(by, 'fraud', 'champion');
  expect(await aliases.list(by.projectId, 'fraud')).toEqual([]);
  expect(await moves()).toMatchObject([
    { action: 'alias.set', subjectName: 'fraud/champion', before: null, after: { version: 1 } },
    { action: 'alias.set', reason: 'better F1', before: { version: 1 }, after: { version: 2 } },
    { action: 'alias.removed', before: { version: 2 } },
  ]);
});

it('moves the alias that is there when only the case differs', async () => {
  await aliases.set(by, 'fraud', 'Champion', { version: 1 });
  expect(await aliases.set(by, 'fraud', 'cHAMPION', { version: 2 })).toMatchObject({ name: 'Champion', version: 2 });
  await aliases.remove(by, 'fraud', 'champion');
  expect(await aliases.list(by.projectId, 'fraud')).toEqual([]);
});

it('chains the history of an alias that many move at a time', async () => {
  await Promise.all(Array.from({ length: 12 }, (_, at) => aliases.set(by, 'fraud', 'champion', { version: (at % 2) + 1 })));
  const events = await moves();
  expect(events).toHaveLength(12);
  for (let at = 1; at < events.length; at += 1) expect(events[at]?.before).toEqual(events[at - 1]?.after);
});

it('points to no version that is absent, rejected or of another model', async () => {
  await expect(aliases.set(by, 'fraud', 'a', { version: 3 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
  const rejected = await addVersion(database.db, by, 'fraud');
  await new ValidationStore(database.db).markRejected(rejected.id, ['no']);
  await expect(aliases.set(by, 'fraud', 'a', { version: 3 })).rejects.toMatchObject({ code: 'VERSION_NOT_READY' });
  expect(await moves()).toEqual([]);
});

it.each(['', '..', 'a/b', 'a\0b', 'stats', '__proto__', 'x'.repeat(129)])('refuses the name %j', async (name) => {
  await expect(aliases.set(by, 'fraud', name, { version: 1 })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  await expect(aliases.remove(by, 'fraud', name)).rejects.toMatchObject({ code: 'ALIAS_NOT_FOUND' });
});

it('keeps at most 200 aliases of a model', async () => {
  const { id: modelId } = await database.db.model.findFirstOrThrow({ where: { projectId: by.projectId } });
  const { id: versionId } = await database.db.version.findFirstOrThrow({ where: { modelId } });
  await database.db.alias.createMany({ data: Array.from({ length: 200 }, (_, at) => ({ modelId, name: `a${at}`, versionId, updatedBy: 'x' })) });
  await expect(aliases.set(by, 'fraud', 'one-more', { version: 1 })).rejects.toMatchObject({ code: 'ALIAS_REFUSED', status: 422 });
  expect(await aliases.set(by, 'fraud', 'a7', { version: 2 })).toMatchObject({ version: 2 });
});
