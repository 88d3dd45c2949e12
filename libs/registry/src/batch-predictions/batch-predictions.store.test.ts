import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { limits } from '@slipway/contracts';
import type { ChangeBy } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { collectArtefact, collectArtefacts } from '../artefacts/artefact-reference.store.js';
import type { StagedArtefact } from '../artefacts/artefact-store.js';
import { FileArtefactStore } from '../artefacts/file-artefact-store.js';
import { newProject } from '../testing/registry-fixture.js';
import { BatchPredictionStore } from './batch-prediction.store.js';
import { type BatchProgress, BatchRunStore, type ClaimedBatch } from './batch-run.store.js';

let database: TestDatabase;
let store: BatchPredictionStore;
let runs: BatchRunStore;
let artefacts: FileArtefactStore;
let home: string;
let by: ChangeBy;
beforeAll(async () => {
  database = await testDatabase({ max: 10 });
  store = new BatchPredictionStore(database.db, 30);
  runs = new BatchRunStore(database.db, 30);
  home = await mkdtemp(join(tmpdir(), 'slipway-batch-'));
  artefacts = new FileArtefactStore({ root: join(home, 'artefacts'), staging: join(home, 'staging') });
});
afterAll(async () => {
  await database.close();
  await rm(home, { recursive: true, force: true });
});
beforeEach(async () => {
  by = await newProject(database.db);
});

const digest = 'cd'.repeat(32);
const wish = {
  deployment: { id: 'dep_1', name: 'bikes' },
  version: undefined,
  input: { digest, sizeBytes: 1_000, fileName: 'rows.csv' },
  format: 'csv' as const,
  options: { idColumns: ['id'], header: true },
  resultFormat: 'ndjson' as const,
};
const create = (change: Partial<typeof wish> = {}) => database.db.$transaction((tx) => store.create(tx, by, { ...wish, ...change }));
const stage = (text: string): Promise<StagedArtefact> => artefacts.stage(Readable.from([Buffer.from(text)]), { maxBytes: 1e6 });
const actionsOf = async (id: string) =>
  (await database.db.event.findMany({ where: { subjectId: id }, orderBy: { sequence: 'asc' } })).map((event) => event.action);
const lapse = (id: string) => database.db.$executeRaw`update "BatchPrediction" set "claimedUntil" = now() - interval '1 second' where "id" = ${id}`;
const progress = (change: Partial<BatchProgress> = {}): BatchProgress => ({
  rowsDone: 10,
  rowsFailed: 1,
  rowsTotal: 100,
  position: { row: 10, offset: 200 },
  readRatio: 0.2,
  resultBytes: 333,
  versions: new Map([[2, 9]]),
  ...change,
});
const error = (row: number) => ({ row, column: 'temp', message: 'column "temp": expected a number; given "x"' });

async function claimed(id: string): Promise<ClaimedBatch> {
  const claim = await runs.claim(id);
  if (typeof claim === 'string') throw new Error(claim);
  return claim;
}

describe('a batch prediction', () => {
  it('is written with its event and its job together', async () => {
    const view = await create();
    expect(view).toMatchObject({
      status: 'QUEUED',
      deployment: 'bikes',
      version: null,
      progress: 0,
      rows: { done: 0, failed: 0, total: null },
      result: null,
      expiresAt: null,
    });
    expect(await actionsOf(view.id)).toEqual(['batch-prediction.created']);
    const jobs = await database.db.outboxMessage.findMany({ where: { jobId: `batch-prediction.${view.id}` } });
    expect(jobs).toMatchObject([{ queue: 'batch', name: 'run-batch-prediction', payload: { batchPredictionId: view.id } }]);
  });

  it('is refused while as many as allowed wait or run, also when they come at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: limits.batchPredictionsAtOnce + 3 }, () => create()));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(3);
    expect(refused.map((result) => result.reason.code)).toEqual(['BATCH_PREDICTIONS_BUSY', 'BATCH_PREDICTIONS_BUSY', 'BATCH_PREDICTIONS_BUSY']);
    const [first] = (await store.list(by.projectId, { limit: 1 })).items;
    await store.cancel(by, first?.id ?? '');
    expect((await create()).status).toBe('QUEUED');
  });

  it('is listed the newest first, by deployment and status, page by page', async () => {
    const [a, b] = [await create(), await create({ deployment: { id: 'dep_2', name: 'cars' } })];
    await store.cancel(by, a.id);
    const idsOf = async (query: object) => (await store.list(by.projectId, { limit: 50, ...query })).items.map((view) => view.id);
    expect(await idsOf({})).toEqual([b.id, a.id]);
    expect(await idsOf({ deployment: 'CARS' })).toEqual([b.id]);
    expect(await idsOf({ status: 'CANCELLED' })).toEqual([a.id]);
    const page = await store.list(by.projectId, { limit: 1 });
    expect(await idsOf({ limit: 1, cursor: page.nextCursor })).toEqual([a.id]);
    await expect(store.list(by.projectId, { limit: 1, cursor: page.nextCursor, status: 'QUEUED' })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });

  it('of another project looks like one that is not there', async () => {
    const { id } = await create();
    const stranger = await newProject(database.db);
    const looks = [
      () => store.get(stranger.projectId, id),
      () => store.errors(stranger.projectId, id, { limit: 5 }),
      () => store.cancel(stranger, id),
      () => store.remove(stranger, id),
    ];
    for (const look of looks) await expect(look()).rejects.toMatchObject({ code: 'BATCH_PREDICTION_NOT_FOUND' });
    await expect(store.get(by.projectId, "bat_' or 1=1")).rejects.toMatchObject({ code: 'BATCH_PREDICTION_NOT_FOUND' });
  });

  it('is cancelled at once, and nothing that its worker writes afterwards counts', async () => {
    const { id } = await create();
    const claim = await claimed(id);
    expect(await store.cancel(by, id)).toMatchObject({ status: 'CANCELLED', finishedAt: expect.any(String) });
    expect(await store.cancel(by, id)).toMatchObject({ status: 'CANCELLED' });
    expect(await runs.renew(claim, undefined)).toBe(false);
    expect(await runs.checkpoint(claim, progress(), [error(1)])).toBe(false);
    expect(await runs.fail(claim, 'no')).toBe(false);
    expect(await runs.claim(id)).toBe('over');
    expect(await actionsOf(id)).toEqual(['batch-prediction.created', 'batch-prediction.started', 'batch-prediction.cancelled']);
    expect((await store.errors(by.projectId, id, { limit: 5 })).items).toEqual([]);
  });

  it('is removed only when it is over', async () => {
    const { id } = await create();
    await expect(store.remove(by, id)).rejects.toMatchObject({ code: 'BATCH_PREDICTION_UNFINISHED' });
    await store.cancel(by, id);
    expect(await store.remove(by, id)).toEqual([digest]);
    await expect(store.get(by.projectId, id)).rejects.toMatchObject({ code: 'BATCH_PREDICTION_NOT_FOUND' });
  });

  it('takes a stored file of its own project as input, and no other', async () => {
    await create();
    const sizeFor = (projectId: string) => database.db.$transaction((tx) => store.sizeOfStored(tx, projectId, digest));
    expect(await sizeFor(by.projectId)).toBe(1_000);
    const stranger = await newProject(database.db);
    await expect(sizeFor(stranger.projectId)).rejects.toMatchObject({ code: 'ARTEFACT_NOT_FOUND' });
  });
});

describe('a claim', () => {
  it('is given to one worker at a time, and to the next when it lapses', async () => {
    const { id } = await create();
    const claims = await Promise.all([runs.claim(id), runs.claim(id), runs.claim(id)]);
    expect(claims.filter((claim) => claim === 'held')).toHaveLength(2);
    const first = claims.find((claim) => typeof claim !== 'string');
    expect(first).toMatchObject({ attempt: 1, attemptsSinceCheckpoint: 1, rowsDone: 0, position: { row: 0 }, resultAttempt: undefined });
    await lapse(id);
    expect(await claimed(id)).toMatchObject({ attempt: 2, attemptsSinceCheckpoint: 2 });
    expect(await actionsOf(id)).toEqual(['batch-prediction.created', 'batch-prediction.started']);
  });

  it('fences off whoever had it before', async () => {
    const { id } = await create();
    const old = await claimed(id);
    await lapse(id);
    const now = await claimed(id);
    expect(await runs.checkpoint(old, progress({ rowsDone: 99 }), [error(3)])).toBe(false);
    expect(await runs.renew(old, 'me')).toBe(false);
    expect(await runs.release(old)).toBe(false);
    const staged = await stage('stale result');
    expect(await runs.complete(old, progress(), artefacts, staged)).toBe(false);
    await artefacts.discard(staged);
    expect(await runs.checkpoint(now, progress(), [error(4)])).toBe(true);
    expect(await store.get(by.projectId, id)).toMatchObject({ status: 'RUNNING', rows: { done: 10, failed: 1, total: 100 } });
    expect((await store.errors(by.projectId, id, { limit: 5 })).items).toEqual([error(4)]);
  });

  it('goes on at the checkpoint', async () => {
    const { id } = await create();
    await runs.checkpoint(await claimed(id), progress(), []);
    await lapse(id);
    expect(await claimed(id)).toMatchObject({
      attempt: 2,
      attemptsSinceCheckpoint: 2,
      resultAttempt: 1,
      rowsDone: 10,
      rowsFailed: 1,
      position: { row: 10, offset: 200 },
      resultBytes: 333,
      versions: new Map([[2, 9]]),
    });
  });

  it('forgets its checkpoint where the result so far is lost', async () => {
    const { id } = await create();
    await runs.checkpoint(await claimed(id), progress(), [error(2)]);
    await lapse(id);
    const claim = await claimed(id);
    expect(await runs.restart(claim)).toBe(true);
    expect((await store.errors(by.projectId, id, { limit: 5 })).items).toEqual([]);
    await lapse(id);
    expect(await claimed(id)).toMatchObject({ rowsDone: 0, rowsFailed: 0, position: { row: 0 }, resultBytes: 0, resultAttempt: undefined });
  });

  it('says what it waits for, until it goes on', async () => {
    const { id } = await create();
    const claim = await claimed(id);
    await runs.renew(claim, 'no instance is ready');
    expect(await store.get(by.projectId, id)).toMatchObject({ waitingFor: 'no instance is ready' });
    await runs.checkpoint(claim, progress(), []);
    expect(await store.get(by.projectId, id)).toMatchObject({ waitingFor: null });
  });

  it('given back is free at once, and counts as one in vain only after a fault', async () => {
    const { id } = await create();
    expect(await runs.release(await claimed(id))).toBe(true);
    const second = await claimed(id);
    expect(second).toMatchObject({ attempt: 2, attemptsSinceCheckpoint: 1, waitingFor: undefined });
    expect(await runs.release(second, 'the disk is full')).toBe(true);
    expect(await claimed(id)).toMatchObject({ attempt: 3, attemptsSinceCheckpoint: 2, waitingFor: 'the disk is full' });
  });

  it('lists no more errors than the limit, and counts all', async () => {
    const { id } = await create();
    const claim = await claimed(id);
    const many = Array.from({ length: limits.batchListedErrors - 1 }, (_, index) => error(index + 1));
    await runs.checkpoint(claim, progress({ rowsDone: 20_000, rowsFailed: many.length }), many);
    await runs.checkpoint(claim, progress({ rowsDone: 20_003, rowsFailed: many.length + 3 }), [error(20_001), error(20_002), error(20_003)]);
    expect(await database.db.batchRowError.count({ where: { batchPredictionId: id } })).toBe(limits.batchListedErrors);
    expect((await store.get(by.projectId, id)).rows.failed).toBe(limits.batchListedErrors + 2);
    const page = await store.errors(by.projectId, id, { limit: 2 });
    expect(page.items.map((item) => item.row)).toEqual([1, 2]);
    expect(
      (await store.errors(by.projectId, id, { limit: 2, ...(page.nextCursor === undefined ? {} : { cursor: page.nextCursor }) })).items[0]?.row,
    ).toBe(3);
  });
});

describe('an end', () => {
  it('gives the result its name in the store, and nothing that is referred to is collected', async () => {
    const input = await stage('the rows');
    await artefacts.commit(input);
    const { id } = await create({ input: { ...wish.input, digest: input.digest } });
    const result = await stage(`the result of ${id}`);
    expect(await runs.complete(await claimed(id), progress(), artefacts, result)).toBe(true);
    expect(await store.get(by.projectId, id)).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      progress: 1,
      rows: { done: 10, failed: 1, total: 10 },
      result: { digest: result.digest, sizeBytes: 333 },
      expiresAt: expect.any(String),
    });
    expect(await store.result(by.projectId, id)).toEqual({ digest: result.digest, format: 'ndjson', fileName: `bikes-${id}.ndjson` });
    expect(await collectArtefact(database.db, artefacts, result.digest)).toBe(false);
    expect(await collectArtefact(database.db, artefacts, input.digest)).toBe(false);
    await collectArtefacts(database.db, artefacts, -1_000);
    expect([await artefacts.exists(result.digest), await artefacts.exists(input.digest)]).toEqual([true, true]);
    expect(await actionsOf(id)).toEqual(['batch-prediction.created', 'batch-prediction.started', 'batch-prediction.completed']);
    for (const each of await store.remove(by, id)) expect(await collectArtefact(database.db, artefacts, each)).toBe(true);
  });

  it('without bad rows is COMPLETED, one that cannot go on is FAILED with its reason', async () => {
    const [good, bad] = [await create(), await create()];
    await runs.complete(await claimed(good.id), progress({ rowsFailed: 0 }), artefacts, await stage('good'));
    expect(await store.get(by.projectId, good.id)).toMatchObject({ status: 'COMPLETED' });
    await runs.fail(await claimed(bad.id), 'the file is cut');
    expect(await store.get(by.projectId, bad.id)).toMatchObject({ status: 'FAILED', reason: 'the file is cut' });
    await expect(store.result(by.projectId, bad.id)).rejects.toMatchObject({
      code: 'BATCH_PREDICTION_UNFINISHED',
      message: expect.stringContaining('has no result'),
    });
    await expect(store.cancel(by, bad.id)).rejects.toMatchObject({ code: 'BATCH_PREDICTION_FINISHED' });
  });

  it('long enough ago is forgotten, with its files', async () => {
    const [old, young] = [await create(), await create()];
    for (const { id } of [old, young]) await store.cancel(by, id);
    await database.db.$executeRaw`update "BatchPrediction" set "finishedAt" = now() - interval '31 days' where "id" = ${old.id}`;
    expect(await runs.expire()).toEqual([digest]);
    expect((await store.list(by.projectId, { limit: 5 })).items.map((view) => view.id)).toEqual([young.id]);
    expect((await actionsOf(old.id)).at(-1)).toBe('batch-prediction.deleted');
  });
});

describe('lost messages', () => {
  it('are sent again for what nobody holds, once', async () => {
    const [queued, held, lost, over] = [await create(), await create(), await create(), await create()];
    await claimed(held.id);
    await claimed(lost.id);
    await lapse(lost.id);
    await store.cancel(by, over.id);
    await database.db.batchPrediction.updateMany({ where: { projectId: { not: by.projectId } }, data: { status: 'CANCELLED' } });
    await database.db.outboxMessage.deleteMany({});
    expect(await runs.requeueLost(5)).toBe(2);
    expect(await runs.requeueLost(5)).toBe(0);
    const jobs = await database.db.outboxMessage.findMany({ orderBy: { id: 'asc' } });
    expect(jobs.map((job) => job.jobId).sort()).toEqual([queued.id, lost.id].map((id) => `batch-prediction.${id}`).sort());
    expect(await runs.unfinished([queued.id, over.id, 'bat_gone'])).toEqual(new Set([queued.id]));
  });
});
