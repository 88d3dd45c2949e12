import { SlipwayError } from '@slipway/contracts';
import type { ChangeBy } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addVersion, deployVersion, newProject } from '../testing/registry-fixture.js';
import { ModelStore } from './model.store.js';

let database: TestDatabase;
let models: ModelStore;
let by: ChangeBy;
beforeAll(async () => {
  database = await testDatabase();
  models = new ModelStore(database.db);
});
afterAll(() => database.close());
beforeEach(async () => {
  by = await newProject(database.db);
});

const create = (name: string, who = by) => models.create(who, { name, description: '', tags: {} });
const eventsOf = (who = by) => database.db.event.findMany({ where: { projectId: who.projectId }, orderBy: { sequence: 'asc' } });

it('keeps what was created and tells who did it', async () => {
  const view = await models.create(by, { name: 'Fraud', description: 'card fraud', tags: { team: 'risk' } });
  expect(view).toMatchObject({ name: 'Fraud', description: 'card fraud', tags: { team: 'risk' }, versionCount: 0, latestVersion: null, aliases: [] });
  expect(await models.get(by.projectId, 'fraud')).toEqual(view);
  expect(await eventsOf()).toMatchObject([{ action: 'model.created', actor: 'key:test', subjectName: 'Fraud', requestId: 'req_test' }]);
});

it('takes names that differ only in case for the same, and says which is there', async () => {
  await create('Fraud');
  const refusal = await create('fRAUD').catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'MODEL_NAME_TAKEN', status: 409 });
  expect(String(refusal)).toContain('"fRAUD" is taken by the model "Fraud"');
  await create('fraud', await newProject(database.db));
  expect(await eventsOf()).toHaveLength(1);
});

it('lets one of twenty at a time have a name', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => create(at % 2 === 0 ? 'same' : 'SAME')));
  expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  for (const one of outcomes) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'MODEL_NAME_TAKEN' });
});

it('does not show a model of another project, nor look up what cannot be a name', async () => {
  await create('secret', await newProject(database.db));
  for (const name of ['secret', 'no\0pe', '..', '%', 'x'.repeat(10_000), '']) {
    await expect(models.get(by.projectId, name)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  }
});

it('pages through all models once, in order of names, whatever the page size', async () => {
  const names = Array.from({ length: 23 }, (_, at) => `model-${String(at).padStart(2, '0')}`);
  for (const name of [...names].reverse()) await create(name);
  for (const limit of [1, 7, 23, 50]) {
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await models.list(by.projectId, { limit, cursor });
      seen.push(...page.items.map((item) => item.name));
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(names);
  }
});

it('refuses a cursor of another project', async () => {
  await create('a');
  await create('b');
  const { nextCursor } = await models.list(by.projectId, { limit: 1 });
  const other = await newProject(database.db);
  await expect(models.list(other.projectId, { limit: 1, cursor: nextCursor })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
});

it('counts versions and names the latest, also in lists', async () => {
  await create('counted');
  await create('empty');
  await addVersion(database.db, by, 'counted');
  await addVersion(database.db, by, 'counted');
  expect((await models.list(by.projectId, { limit: 10 })).items).toMatchObject([
    { name: 'counted', versionCount: 2, latestVersion: 2 },
    { name: 'empty', versionCount: 0, latestVersion: null },
  ]);
});

it('changes only what was given and tells before and after', async () => {
  await models.create(by, { name: 'm', description: 'old', tags: { a: '1' } });
  expect(await models.change(by, 'M', { description: 'new' })).toMatchObject({ description: 'new', tags: { a: '1' } });
  expect(await models.change(by, 'm', { tags: { b: '2' } })).toMatchObject({ description: 'new', tags: { b: '2' } });
  const [, first] = await eventsOf();
  expect(first).toMatchObject({ action: 'model.changed', before: { description: 'old' }, after: { description: 'new' } });
});

it('deletes a model with its versions and aliases and gives the digests back', async () => {
  await create('gone');
  const version = await addVersion(database.db, by, 'gone', { digest: '11'.repeat(32) });
  await addVersion(database.db, by, 'gone', { digest: '11'.repeat(32) });
  await addVersion(database.db, by, 'gone', { digest: '22'.repeat(32) });
  const row = await database.db.version.findUniqueOrThrow({ where: { id: version.id } });
  await database.db.alias.create({ data: { modelId: row.modelId, name: 'champion', versionId: row.id, updatedBy: 'x' } });
  expect([...(await models.remove(by, 'gone'))].sort()).toEqual(['11'.repeat(32), '22'.repeat(32)]);
  await expect(models.get(by.projectId, 'gone')).rejects.toBeInstanceOf(SlipwayError);
  expect(await database.db.version.count({ where: { modelId: row.modelId } })).toBe(0);
  expect((await eventsOf()).at(-1)).toMatchObject({ action: 'model.deleted', before: { name: 'gone', versionCount: 3 } });
});

it('refuses to delete a model while deployments refer to it, naming them', async () => {
  await create('used');
  const version = await addVersion(database.db, by, 'used');
  await deployVersion(database.db, by, version.id, 'checkout');
  const refusal = await models.remove(by, 'used').catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'MODEL_IN_USE', status: 409 });
  expect(String(refusal)).toContain('checkout');
  await database.db.deployment.updateMany({ where: { name: 'checkout' }, data: { deletedAt: new Date() } });
  await expect(models.remove(by, 'used')).rejects.toThrow(/checkout \(deleted; its history refers to the model\)/);
  expect(await models.get(by.projectId, 'used')).toMatchObject({ versionCount: 1 });
});

describe('a list', () => {
  beforeEach(async () => {
    await models.create(by, { name: 'beta_1', description: 'Cards at 100%', tags: { team: 'risk' } });
    await models.create(by, { name: 'Alpha', description: '', tags: { team: 'ops', stage: 'live' } });
    await models.create(by, { name: 'gamma', description: 'cards', tags: {} });
  });

  it.each([
    { name: 'by name', query: {}, names: ['Alpha', 'beta_1', 'gamma'] },
    { name: 'by name downwards', query: { sort: '-name' as const }, names: ['gamma', 'beta_1', 'Alpha'] },
    { name: 'by time', query: { sort: 'createdAt' as const }, names: ['beta_1', 'Alpha', 'gamma'] },
    { name: 'by time, newest first', query: { sort: '-createdAt' as const }, names: ['gamma', 'Alpha', 'beta_1'] },
    { name: 'with a tag', query: { tag: 'team' }, names: ['Alpha', 'beta_1'] },
    { name: 'with a value of a tag', query: { tag: 'team:risk' }, names: ['beta_1'] },
    { name: 'with a part of the name', query: { search: 'ALPH' }, names: ['Alpha'] },
    { name: 'with a part of the description', query: { search: 'cards' }, names: ['beta_1', 'gamma'] },
    { name: 'taking wildcards as they are', query: { search: 'a_1' }, names: ['beta_1'] },
    { name: 'taking a percent sign as it is', query: { search: '0%' }, names: ['beta_1'] },
    { name: 'with nothing in it', query: { search: '\\' }, names: [] },
  ])('is shown $name, whatever the page size', async ({ query, names }) => {
    for (const limit of [1, 2, 10]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await models.list(by.projectId, { ...query, limit, cursor });
        seen.push(...page.items.map((one) => one.name));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(names);
    }
  });

  it('pages through models of the same moment', async () => {
    await database.db.model.updateMany({ where: { projectId: by.projectId }, data: { createdAt: new Date(0) } });
    const first = await models.list(by.projectId, { limit: 2, sort: 'createdAt' });
    const second = await models.list(by.projectId, { limit: 2, sort: 'createdAt', cursor: first.nextCursor });
    expect(new Set([...first.items, ...second.items].map((one) => one.name)).size).toBe(3);
    await expect(models.list(by.projectId, { limit: 2, sort: '-createdAt', cursor: first.nextCursor })).rejects.toMatchObject({
      code: 'CURSOR_INVALID',
    });
  });
});
