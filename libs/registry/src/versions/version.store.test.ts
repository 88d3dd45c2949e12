import type { ChangeBy } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AliasStore } from '../aliases/alias.store.js';
import { ModelStore } from '../models/model.store.js';
import { addVersion, deployVersion, footprint, newProject, signature } from '../testing/registry-fixture.js';
import { findVersion, parseVersionNumber } from './find-version.store.js';
import { ValidationStore } from './validation.store.js';
import { VersionStore } from './version.store.js';

let database: TestDatabase;
let versions: VersionStore;
let validation: ValidationStore;
let by: ChangeBy;
beforeAll(async () => {
  database = await testDatabase({ max: 10 });
  versions = new VersionStore(database.db);
  validation = new ValidationStore(database.db);
});
afterAll(() => database.close());
beforeEach(async () => {
  by = await newProject(database.db);
  await new ModelStore(database.db).create(by, { name: 'fraud', description: '', tags: {} });
});

const add = (change = {}) => addVersion(database.db, by, 'fraud', change);
const task = { kind: 'binary' as const, predictionOutput: 'label', scoreOutput: 'scores', classes: [0, 1], rowAxis: 0 };
async function addReady() {
  const version = await add();
  await validation.markReady(version.id, { signature, task, footprint, notes: [] });
  return version;
}

it('writes the version, its event and its job together', async () => {
  const view = await add({ description: 'first', tags: { a: 'b' }, provenance: { gitCommit: 'abc' } });
  expect(view).toMatchObject({
    model: 'fraud',
    version: 1,
    status: 'VALIDATING',
    description: 'first',
    sizeBytes: 1_234,
    signature: null,
    task: null,
    reasons: [],
  });
  expect(await versions.get(by.projectId, 'Fraud', 1)).toEqual(view);
  expect(await database.db.outboxMessage.findFirst({ where: { jobId: `validate.${view.id}` } })).toMatchObject({
    queue: 'validation',
    payload: { versionId: view.id },
  });
  expect(await database.db.event.findFirst({ where: { subjectId: view.id } })).toMatchObject({ action: 'version.created', subjectName: 'fraud/1' });
});

it('leaves nothing when the transaction fails after it, not even a used number', async () => {
  const failing = database.db.$transaction(async (tx) => {
    const model = await tx.model.findFirstOrThrow({ where: { projectId: by.projectId } });
    await versions.create(tx, by, model, {
      digest: 'cd'.repeat(32),
      sizeBytes: 1,
      fileName: undefined,
      description: '',
      tags: {},
      provenance: {},
      task: undefined,
      metadata: { irVersion: 1, producer: null, producerVersion: null, opsets: {}, docString: null, properties: {}, nodeCount: 0, operators: {} },
    });
    throw new Error('the disk went away');
  });
  await expect(failing).rejects.toThrow('the disk went away');
  expect(await database.db.version.count({ where: { model: { projectId: by.projectId } } })).toBe(0);
  expect(await database.db.outboxMessage.count({ where: { jobId: { startsWith: 'validate.' }, payload: { path: ['digest'], equals: 'cd' } } })).toBe(
    0,
  );
  expect((await add()).version).toBe(1);
});

it('numbers parallel uploads 1, 2, 3 … without gaps or doubles', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('m-a', 'm-b', 'm-c'), { minLength: 1, maxLength: 24 }), async (uploads) => {
      const who = await newProject(database.db);
      for (const name of ['m-a', 'm-b', 'm-c']) await new ModelStore(database.db).create(who, { name, description: '', tags: {} });
      const made = await Promise.all(uploads.map((name) => addVersion(database.db, who, name)));
      for (const name of new Set(uploads)) {
        const numbers = made.filter((one) => one.model === name).map((one) => one.version);
        expect(numbers.sort((a, b) => a - b)).toEqual(Array.from(numbers, (_, at) => at + 1));
      }
    }),
    { numRuns: 12 },
  );
});

it('never gives the number of a deleted version again', async () => {
  await add();
  await versions.remove(by, 'fraud', 1);
  expect((await add()).version).toBe(2);
});

it('lists the newest first and pages through all', async () => {
  for (let at = 0; at < 5; at += 1) await add();
  const first = await versions.list(by.projectId, 'fraud', { limit: 3 });
  expect(first.items.map((item) => item.version)).toEqual([5, 4, 3]);
  const second = await versions.list(by.projectId, 'fraud', { limit: 3, cursor: first.nextCursor });
  expect(second.items.map((item) => item.version)).toEqual([2, 1]);
  expect(second.nextCursor).toBeUndefined();
});

it.each([0, -1, 1.5, 2, 2 ** 31, 2 ** 53, Number.NaN])('says that there is no version %d', async (number) => {
  await add();
  await expect(versions.get(by.projectId, 'fraud', number)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
});

it.each(['0', '01', '-1', '1.0', '1e3', ' 1', '٣', '99999999999', '1;x', ''])('does not read %j as a number', (text) => {
  expect(() => parseVersionNumber('fraud', text)).toThrow(expect.objectContaining({ code: 'VERSION_NOT_FOUND' }));
});

it('changes a task that fits the signature and refuses one that does not', async () => {
  const ready = await addReady();
  const changed = await versions.change(by, 'fraud', 1, { task: { ...task, positiveClass: 1 }, description: 'better' });
  expect(changed).toMatchObject({ task: { positiveClass: 1 }, description: 'better', digest: ready.digest });
  const refusal = await versions
    .change(by, 'fraud', 1, { task: { ...task, scoreOutput: 'nope' }, description: 'lost' })
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'TASK_REFUSED', status: 422 });
  expect(String(refusal)).toContain('no output "nope"; it has "label", "scores"');
  expect(await versions.get(by.projectId, 'fraud', 1)).toEqual(changed);
});

it('takes no task before the signature is known', async () => {
  await add();
  await expect(versions.change(by, 'fraud', 1, { task })).rejects.toMatchObject({ code: 'VERSION_NOT_READY' });
  expect(await versions.change(by, 'fraud', 1, { tags: { stage: 'test' } })).toMatchObject({ tags: { stage: 'test' }, status: 'VALIDATING' });
});

it('refuses to delete what an alias or a deployment refers to, naming them', async () => {
  const version = await addReady();
  const row = await database.db.version.findUniqueOrThrow({ where: { id: version.id } });
  await database.db.alias.create({ data: { modelId: row.modelId, name: 'champion', versionId: row.id, updatedBy: 'x' } });
  await deployVersion(database.db, by, version.id, `checkout-${by.projectId}`);
  const refusal = await versions.remove(by, 'fraud', 1).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'VERSION_IN_USE', status: 409 });
  expect(String(refusal)).toContain(`alias champion, deployment checkout-${by.projectId} revision 1`);
});

it('finds the version of an alias, whatever its case', async () => {
  const version = await addReady();
  const row = await database.db.version.findUniqueOrThrow({ where: { id: version.id } });
  await database.db.alias.create({ data: { modelId: row.modelId, name: 'Champion', versionId: row.id, updatedBy: 'x' } });
  expect((await findVersion(database.db, by.projectId, 'fraud', { alias: 'champion' })).row.id).toBe(version.id);
  await expect(findVersion(database.db, by.projectId, 'fraud', { alias: 'challenger' })).rejects.toMatchObject({ code: 'ALIAS_NOT_FOUND' });
});

it('writes one outcome of a validation that runs twice', async () => {
  const version = await add();
  const facts = { signature, task, footprint, notes: ['a note'] };
  const outcomes = await Promise.all([
    validation.markReady(version.id, facts),
    validation.markRejected(version.id, ['no']),
    validation.markReady(version.id, facts),
  ]);
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  const events = await database.db.event.findMany({ where: { subjectId: version.id, action: { in: ['version.validated', 'version.rejected'] } } });
  expect(events).toHaveLength(1);
  expect(events[0]?.actor).toBe('system:worker');
  expect(await validation.find(version.id)).toBeUndefined();
});

it('keeps what people write while the validation runs', async () => {
  const version = await add();
  const waiting = await validation.find(version.id);
  expect(waiting).toMatchObject({ digest: version.digest, modelName: 'fraud', task: undefined });
  await versions.change(by, 'fraud', 1, { description: 'written meanwhile' });
  expect(await validation.markReady(version.id, { signature, task: undefined, footprint, notes: [] })).toBe(true);
  expect(await versions.get(by.projectId, 'fraud', 1)).toMatchObject({ status: 'READY', description: 'written meanwhile', signature, footprint });
});

it('marks nothing of a version that was deleted meanwhile', async () => {
  const version = await add();
  await versions.remove(by, 'fraud', 1);
  expect(await validation.find(version.id)).toBeUndefined();
  expect(await validation.markRejected(version.id, ['no'])).toBe(false);
});

it('publishes a lost job again, once, and leaves young and finished versions alone', async () => {
  const [lost, young, ready] = [await add(), await add(), await addReady()];
  const longAgo = new Date(Date.now() - 60_000);
  await database.db.version.updateMany({ where: { id: { in: [lost.id, ready.id] } }, data: { createdAt: longAgo } });
  await database.db.outboxMessage.updateMany({ data: { createdAt: longAgo, publishedAt: longAgo } });
  expect(await validation.requeueWaiting(30)).toBe(1);
  expect(await validation.requeueWaiting(30)).toBe(0);
  const again = await database.db.outboxMessage.findMany({ where: { publishedAt: null } });
  expect(again.map((row) => row.jobId)).toEqual([`validate.${lost.id}`]);
  expect(young.status).toBe('VALIDATING');
});

it('keeps a model card out of lists, and changes it with an event', async () => {
  const version = await add({ card: '# Fraud\n\nFinds fraud.' });
  expect(await versions.get(by.projectId, 'fraud', 1)).toMatchObject({ card: '# Fraud\n\nFinds fraud.' });
  expect((await versions.list(by.projectId, 'fraud', { limit: 10 })).items[0]).not.toHaveProperty('card');
  expect(await versions.change(by, 'fraud', 1, { card: '# New' })).toMatchObject({ card: '# New' });
  const [event] = await database.db.event.findMany({ where: { subjectId: version.id, action: 'version.changed' } });
  expect(event).toMatchObject({ before: { card: '# Fraud\n\nFinds fraud.' }, after: { card: '# New' } });
});

it('takes a version of the model for an origin, and nothing else', async () => {
  await add();
  expect(await add({ provenance: { derivedFrom: 1, framework: 'torch', anything: { nested: 1 } } })).toMatchObject({
    provenance: { derivedFrom: 1, framework: 'torch', anything: { nested: 1 } },
  });
  for (const derivedFrom of [3, 99]) {
    await expect(add({ provenance: { derivedFrom } })).rejects.toMatchObject({ code: 'REQUEST_INVALID', message: /version of "fraud".*given/ });
  }
  expect((await add()).version).toBe(3);
});

it('reads provenance from before its fields meant something', async () => {
  await add({ provenance: { derivedFrom: 'the old one', gitCommit: 12 } });
  expect((await versions.get(by.projectId, 'fraud', 1)).provenance).toMatchObject({ derivedFrom: undefined, gitCommit: 12 });
});

describe('the archive', () => {
  it('hides a version from lists, keeps everything, and gives it back', async () => {
    const version = await addReady();
    await addReady();
    const archived = await versions.archive(by, 'fraud', 1, 'superseded');
    expect(archived).toMatchObject({ status: 'READY', archivedBy: by.actor, archivedAt: expect.any(String), signature });
    expect((await versions.list(by.projectId, 'fraud', { limit: 10 })).items.map((one) => one.version)).toEqual([2]);
    expect((await versions.list(by.projectId, 'fraud', { limit: 10, archived: true })).items.map((one) => one.version)).toEqual([2, 1]);
    expect(await versions.archive(by, 'fraud', 1)).toEqual(archived);
    expect(await versions.unarchive(by, 'fraud', 1)).toMatchObject({ archivedAt: null, archivedBy: null });
    const events = await database.db.event.findMany({ where: { subjectId: version.id, action: { contains: 'archived' } }, orderBy: { at: 'asc' } });
    expect(events.map(({ action, reason }) => [action, reason])).toEqual([
      ['version.archived', 'superseded'],
      ['version.unarchived', null],
    ]);
  });

  it('takes no version that an alias or a deployment needs, and lets no alias point into it', async () => {
    const version = await addReady();
    await addReady();
    const aliases = new AliasStore(database.db);
    await aliases.set(by, 'fraud', 'champion', { version: 1 });
    await expect(versions.archive(by, 'fraud', 1)).rejects.toMatchObject({ code: 'VERSION_IN_USE', message: /archived .* alias champion/ });
    await aliases.set(by, 'fraud', 'champion', { version: 2 });
    const name = `checkout-${by.projectId}`;
    await deployVersion(database.db, by, version.id, name);
    const revision = await database.db.revision.findFirstOrThrow({ where: { versionId: version.id } });
    await database.db.deployment.update({ where: { id: revision.deploymentId }, data: { desiredRevisionId: revision.id } });
    await expect(versions.archive(by, 'fraud', 1)).rejects.toMatchObject({
      code: 'VERSION_IN_USE',
      message: new RegExp(`deployment ${name} revision 1`),
    });
    await database.db.deployment.update({ where: { id: revision.deploymentId }, data: { desiredRevisionId: null } });
    await versions.archive(by, 'fraud', 1);
    await expect(aliases.set(by, 'fraud', 'champion', { version: 1 })).rejects.toMatchObject({ code: 'VERSION_ARCHIVED', status: 409 });
  });

  it('waits for the validation', async () => {
    await add();
    await expect(versions.archive(by, 'fraud', 1)).rejects.toMatchObject({ code: 'VERSION_NOT_READY' });
  });

  it('lets one of two at a time win: the alias or the archive', async () => {
    const aliases = new AliasStore(database.db);
    for (let round = 1; round <= 5; round += 1) {
      await addReady();
      const [aliased, archived] = await Promise.allSettled([
        aliases.set(by, 'fraud', `name-${round}`, { version: round }),
        versions.archive(by, 'fraud', round),
      ]);
      expect([aliased.status, archived.status].sort()).toEqual(['fulfilled', 'rejected']);
    }
  });
});

it.each([
  { field: 'digest', data: { digest: 'cd'.repeat(32) } },
  { field: 'signature', data: { signature: {} } },
  { field: 'size', data: { sizeBytes: 1n } },
  { field: 'provenance', data: { provenance: {} } },
  { field: 'number', data: { number: 77 } },
])('lets nobody change the $field of a READY version, not even past the store', async ({ data }) => {
  const version = await add({ provenance: { gitCommit: 'abc' } });
  await validation.markReady(version.id, { signature, task, footprint, notes: [] });
  await expect(database.db.version.update({ where: { id: version.id }, data })).rejects.toThrow(/never change/);
});

it('names whatever else in the database refers to a version that is to be deleted', async () => {
  const version = await addReady();
  await database.db
    .$executeRaw`create table "TrialReport" ("id" int primary key, "versionId" text not null references "Version"("id") on delete cascade)`;
  try {
    await database.db.$executeRaw`insert into "TrialReport" values (1, ${version.id}), (2, ${version.id})`;
    await expect(versions.remove(by, 'fraud', 1)).rejects.toMatchObject({
      code: 'VERSION_IN_USE',
      message: /trial report \(2\); archive it instead/,
    });
    await expect(new ModelStore(database.db).remove(by, 'fraud')).rejects.toMatchObject({ code: 'MODEL_IN_USE', message: /trial report \(2\)/ });
  } finally {
    await database.db.$executeRaw`drop table "TrialReport"`;
  }
  expect(await versions.remove(by, 'fraud', 1)).toEqual([version.digest]);
});

it('lists its files, the model first, and gives all digests back when it is deleted', async () => {
  const file = (name: string, digit: string) => ({ name, digest: digit.repeat(64), sizeBytes: 10 });
  await add({ digest: 'f'.repeat(64), sizeBytes: 30, files: [file('a.bin', '1'), file('model.onnx', '2'), file('z.bin', '3')] });
  expect((await versions.files(by.projectId, 'fraud', 1)).map((one) => one.name)).toEqual(['model.onnx', 'a.bin', 'z.bin']);
  await add({ digest: 'e'.repeat(64), sizeBytes: 7 });
  expect(await versions.files(by.projectId, 'fraud', 2)).toEqual([{ name: 'model.onnx', digest: 'e'.repeat(64), sizeBytes: 7 }]);
  expect([...(await versions.remove(by, 'fraud', 1))].sort()).toEqual(['1', '2', '3', 'f'].map((digit) => digit.repeat(64)));
  expect(await database.db.versionFile.count({ where: { digest: '1'.repeat(64) } })).toBe(0);
});

describe('a list', () => {
  beforeEach(async () => {
    await add({ description: 'first 100%', fileName: 'fraud_a.onnx', tags: { stage: 'test' } });
    await addReady();
    await add({ description: 'Third', tags: { stage: 'live', team: 'risk' } });
  });

  it.each([
    { name: 'all, newest first', query: {}, numbers: [3, 2, 1] },
    { name: 'upwards', query: { sort: 'version' as const }, numbers: [1, 2, 3] },
    { name: 'by time', query: { sort: 'createdAt' as const }, numbers: [1, 2, 3] },
    { name: 'by time, newest first', query: { sort: '-createdAt' as const }, numbers: [3, 2, 1] },
    { name: 'by status', query: { status: 'READY' as const }, numbers: [2] },
    { name: 'by a tag', query: { tag: 'stage' }, numbers: [3, 1] },
    { name: 'by a value of a tag', query: { tag: 'stage:live' }, numbers: [3] },
    { name: 'by a part of the description', query: { search: 'tHIRD' }, numbers: [3] },
    { name: 'by a part of the file name', query: { search: 'D_a' }, numbers: [1] },
    { name: 'taking wildcards as they are', query: { search: '0%' }, numbers: [1] },
    { name: 'by what no version has', query: { search: 'nothing', tag: 'stage' }, numbers: [] },
  ])('shows $name', async ({ query, numbers }) => {
    for (const limit of [1, 2, 10]) {
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await versions.list(by.projectId, 'fraud', { ...query, limit, cursor });
        seen.push(...page.items.map((one) => one.version));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(numbers);
    }
  });

  it('refuses the cursor of another order or filter', async () => {
    const { nextCursor } = await versions.list(by.projectId, 'fraud', { limit: 1 });
    for (const other of [{ sort: 'version' as const }, { tag: 'stage' }, { archived: true }]) {
      await expect(versions.list(by.projectId, 'fraud', { limit: 1, cursor: nextCursor, ...other })).rejects.toMatchObject({
        code: 'CURSOR_INVALID',
      });
    }
  });
});
