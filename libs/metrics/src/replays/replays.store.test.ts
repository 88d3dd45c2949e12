import { type ReplayDifference, Signature } from '@slipway/contracts';
import { newId, toJson } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DifferenceList } from './difference-list.js';
import { type NewReplay, ReplayStore } from './replay.store.js';
import { emptyOutcome } from './replay-outcome.js';
import { ReplayRunStore } from './replay-run.store.js';
import { ReplayTally, type TriedAnswer } from './replay-tally.js';
import { type NewRequestSample, RequestSampleStore } from './request-sample.store.js';

let database: TestDatabase;
let samples: RequestSampleStore;
let replays: ReplayStore;
let runs: ReplayRunStore;
const by = { projectId: 'prj_default', actor: 'key:test' };
const version = { id: newId('ver'), number: 1 };
beforeAll(async () => {
  database = await testDatabase({ max: 6 });
  samples = new RequestSampleStore(database.pool);
  replays = new ReplayStore(database.db);
  runs = new ReplayRunStore(database.db);
  const modelId = newId('mdl');
  const { db } = database;
  await db.model.create({ data: { id: modelId, projectId: by.projectId, name: 'risk', nameFolded: 'risk' } });
  const signature = Signature.parse({ inputs: [], outputs: [] });
  const facts = { status: 'READY', digest: 'ab', sizeBytes: 1n, signature: toJson(signature), createdBy: by.actor };
  await db.version.create({ data: { ...version, modelId, ...facts } });
});
afterAll(() => database.close());

/** A deployment of the model, for the rows that refer to one. */
async function deploymentOf(name: string): Promise<string> {
  const id = newId('dep');
  const model = await database.db.model.findFirstOrThrow({ where: { name: 'risk' } });
  await database.db.deployment.create({ data: { id, projectId: by.projectId, name, nameFolded: name, modelId: model.id, createdBy: by.actor } });
  return id;
}

const sample = (deploymentId: string, at: number, over: Partial<NewRequestSample> = {}): NewRequestSample => ({
  id: `prd_${deploymentId}_${String(at).padStart(6, '0')}`,
  atMs: Date.now() - 60_000 + at,
  projectId: by.projectId,
  deploymentId,
  revisionId: 'rev_1',
  versionId: version.id,
  versionNumber: 1,
  represents: 10,
  rows: 1,
  batchRows: 1,
  computeMicros: 5,
  hasAnswer: true,
  isRedacted: false,
  payload: Buffer.alloc(90, at),
  summary: Buffer.alloc(10, at),
  keepHours: 1,
  ...over,
});
const window = (deploymentId: string) => ({ deploymentId, from: new Date(0), to: new Date(Date.now() + 60_000) });
const many = (deploymentId: string, count: number) => Array.from({ length: count }, (_, at) => sample(deploymentId, at));

describe('RequestSampleStore', () => {
  it('keeps the newest within number and bytes, and knows what they stand for', async () => {
    const id = await deploymentOf('bounded');
    await samples.add(many(id, 20));
    await samples.add(many(id, 20));
    expect(await samples.summary({ id, name: 'bounded' })).toMatchObject({
      requests: 20,
      bytes: 2000,
      represents: 200,
      versions: [{ version: 1, requests: 20 }],
    });
    expect(await samples.trim(id, { maxRequests: 20, maxBytes: 2000 })).toBe(0);
    expect(await samples.trim(id, { maxRequests: 15, maxBytes: 1 << 20 })).toBe(5);
    expect(await samples.trim(id, { maxRequests: 15, maxBytes: 999 })).toBe(6);
    const rows = await samples.read(window(id), undefined, 100);
    expect(rows.map((row) => row.payload[0])).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('is read in pages, oldest first, each once; the window of the newest holds just them', async () => {
    const id = await deploymentOf('paged');
    await samples.add(many(id, 10));
    const newest = await samples.newest(window(id), 4);
    if (newest === undefined) throw new Error('none was found');
    expect(newest.requests).toBe(4);
    const seen: number[] = [];
    for (let cursor: { at: Date; id: string } | undefined; ; ) {
      const page = await samples.read({ deploymentId: id, from: newest.from, to: newest.to }, cursor, 3);
      seen.push(...page.map((row) => row.payload[0] ?? -1));
      const last = page.at(-1);
      if (last === undefined) break;
      cursor = { at: last.at, id: last.id };
    }
    expect(seen).toEqual([6, 7, 8, 9]);
    expect(await samples.newest(window('dep_nobody'), 4)).toBeUndefined();
  });

  it('shows nothing that is past its time or of a deleted deployment, and deletes it', async () => {
    const id = await deploymentOf('expiring');
    await samples.add([sample(id, 1, { atMs: Date.now() - 3_600_000 - 1_000 }), sample(id, 2)]);
    expect((await samples.summary({ id, name: 'expiring' })).requests).toBe(1);
    expect(await samples.read(window(id), undefined, 10)).toHaveLength(1);
    expect(await samples.expire()).toBe(1);
    await database.db.deployment.update({ where: { id }, data: { deletedAt: new Date() } });
    expect(await samples.expire()).toBe(1);
  });
});

const wish = (deploymentId: string): NewReplay => ({
  deployment: { id: deploymentId, name: 'd' },
  modelName: 'risk',
  version,
  speed: 'fast',
  reason: undefined,
  found: { requests: 3, from: new Date(1), to: new Date(2) },
});
const claimOf = async (id: string) => {
  const claim = await runs.claim(id);
  if (typeof claim === 'string') throw new Error(claim);
  return claim;
};

describe('a replay', () => {
  it('has one holder at a time; what an older claim writes changes nothing', async () => {
    const { id } = await replays.create(by, wish('dep_1'));
    const first = await claimOf(id);
    expect(await runs.claim(id)).toBe('held');
    await database.pool.query(`update "Replay" set "claimedUntil" = now() - interval '1 second' where "id" = $1`, [id]);
    const second = await claimOf(id);
    const progress = { cursor: { at: new Date(5), id: 'prd_5' }, done: 2, skipped: 0, outcome: emptyOutcome(0), differences: [] };
    expect(await runs.checkpoint(first, progress)).toBe(false);
    expect(await runs.checkpoint(second, progress)).toBe(true);
    expect(await runs.release(second)).toBe(true);
    expect(await claimOf(id)).toMatchObject({ attempt: 3, vainAttempts: 1, done: 2, cursor: { id: 'prd_5', at: new Date(5) } });
  });

  it('is published again when nobody holds it and its message is lost', async () => {
    const { id } = await replays.create(by, wish('dep_1'));
    await database.pool.query(`update "OutboxMessage" set "publishedAt" = now(), "createdAt" = now() - interval '1 minute' where "jobId" = $1`, [
      `replay.${id}`,
    ]);
    expect(await runs.requeueLost(10)).toBeGreaterThan(0);
    const messages = await database.db.outboxMessage.findMany({ where: { jobId: `replay.${id}` } });
    expect(messages).toHaveLength(2);
    await replays.cancel(by, id);
  });

  it('ends once: cancelled, it is not completed; over, it is not cancelled', async () => {
    const { id } = await replays.create(by, wish('dep_1'));
    const claim = await claimOf(id);
    await expect(replays.remove(by, id)).rejects.toMatchObject({ code: 'REPLAY_UNFINISHED' });
    expect((await replays.cancel(by, id)).status).toBe('CANCELLED');
    expect((await replays.cancel(by, id)).status).toBe('CANCELLED');
    expect(await runs.complete(claim, { ...claim, done: 3 })).toBe(false);
    expect(await runs.renew(claim, undefined)).toBe(false);
    await replays.remove(by, id);
    await expect(replays.get(by.projectId, id)).rejects.toMatchObject({ code: 'REPLAY_NOT_FOUND' });
    const other = await replays.create(by, wish('dep_1'));
    await runs.fail(await claimOf(other.id), 'it could not be loaded');
    expect(await replays.get(by.projectId, other.id)).toMatchObject({ status: 'FAILED', failure: 'it could not be loaded' });
    await expect(replays.cancel(by, other.id)).rejects.toMatchObject({ code: 'REPLAY_FINISHED' });
    await expect(replays.get('prj_other', other.id)).rejects.toMatchObject({ code: 'REPLAY_NOT_FOUND' });
  });

  it('of a rollout is started once per stage, whoever asks, and says how it is', async () => {
    const deploymentId = await deploymentOf('walking');
    const stage = { rolloutId: newId('rol'), stage: 1, deploymentId, toVersionId: version.id, requests: 2, maxAgeSeconds: 3_600 };
    expect(await replays.startForRollout(by, stage)).toBe('no_requests');
    expect(await replays.stateOf(stage.rolloutId, 1)).toBeUndefined();
    await samples.add(many(deploymentId, 3));
    const started = await Promise.all([1, 2, 3].map(() => replays.startForRollout(by, stage)));
    expect(new Set(started).size).toBe(1);
    const [id = ''] = started;
    expect(await replays.stateOf(stage.rolloutId, 1)).toMatchObject({ replayId: id, status: 'QUEUED', planned: 2, done: 0, evidence: { stage: 1 } });
    const claim = await claimOf(id);
    const tally = new ReplayTally(claim.outcome, { task: 'binary', topK: 2 });
    tally.add({ stable: answer('yes', 0.75), candidate: answer('no', 0.25) });
    await runs.complete(claim, { ...claim, done: 1, outcome: tally.outcome });
    expect(await replays.stateOf(stage.rolloutId, 1)).toMatchObject({
      status: 'COMPLETED',
      evidence: {
        stage: 1,
        stable: { requests: 1 },
        shadow: { requests: 1, classes: { no: 1 } },
        candidate: { requests: 0 },
        pairs: { rows: 1, flips: 1 },
      },
    });
    expect(await replays.startForRollout(by, { ...stage, maxAgeSeconds: 10, stage: 2 })).toBe('no_requests');
  });
});

const answer = (label: string, score: number, over: Partial<TriedAnswer> = {}): TriedAnswer => ({
  outcome: 'success',
  computeMicros: 100,
  rows: 1,
  observed: { p: [label], s: [score] },
  ...over,
});

describe('ReplayTally', () => {
  it('goes on where an earlier claim stopped, as if it had never', () => {
    const by = { task: 'binary', topK: 2 } as const;
    const pairs = Array.from({ length: 9 }, (_, at) => ({ stable: answer('yes', 0.75), candidate: answer(at % 3 === 0 ? 'no' : 'yes', at / 8) }));
    const whole = new ReplayTally(emptyOutcome(2), by);
    const first = new ReplayTally(emptyOutcome(2), by);
    for (const [at, pair] of pairs.entries()) {
      whole.add({ ...pair, sameVersion: 'equal' });
      if (at < 4) first.add({ ...pair, sameVersion: 'equal' });
    }
    const second = new ReplayTally(structuredClone(first.outcome), by);
    for (const pair of pairs.slice(4)) second.add({ ...pair, sameVersion: 'equal' });
    expect(second.outcome).toEqual(whole.outcome);
    expect(whole.outcome.sameVersion).toMatchObject({ compared: 9, equal: 9 });
    expect(whole.outcome.evidence.pairs.flips).toBe(3);
  });

  it.each([
    {
      name: 'only the candidate fails',
      stable: answer('yes', 1),
      candidate: answer('', 0, { outcome: 'runtime_error' }),
      seen: { failedOn: { candidate: 1 } },
    },
    {
      name: 'only stable fails',
      stable: answer('', 0, { outcome: 'runtime_error' }),
      candidate: answer('yes', 1),
      seen: { failedOn: { stable: 1 } },
    },
    {
      name: 'both fail',
      stable: answer('', 0, { outcome: 'runtime_error' }),
      candidate: answer('', 0, { outcome: 'instance_crashed' }),
      seen: { failedOn: { both: 1 } },
    },
    {
      name: 'only the candidate is invalid',
      stable: answer('yes', 1),
      candidate: answer('yes', 1, { outcome: 'nan_output' }),
      seen: { rows: 1, invalidOn: { candidate: 1 } },
    },
    { name: 'nobody knows what stable says', stable: undefined, candidate: answer('yes', 1), seen: { rows: 0, incomparable: 1 } },
  ])('counts it when $name', ({ stable, candidate, seen }) => {
    const tally = new ReplayTally(emptyOutcome(0), { task: 'binary', topK: 2 });
    expect(tally.add({ stable, candidate })).toMatchObject(seen);
  });
});

describe('DifferenceList', () => {
  const side = (error: string | null) => ({ version: 1, predictions: [], scores: [], error });
  const item = (id: number, flips: number, distance: number, error: string | null = null): ReplayDifference => ({
    predictionId: `prd_${String(id).padStart(3, '0')}`,
    at: new Date(id).toISOString(),
    rows: 1,
    flips,
    distance,
    stable: side(null),
    candidate: side(error),
  });

  it('keeps the most different, failures first, each once, none that is equal', () => {
    const list = new DifferenceList([], 3);
    expect(list.add(item(1, 0, 0))).toBe(false);
    for (const one of [item(2, 0, 0.1), item(3, 1, 0.2), item(4, 0, 0.9), item(5, 0, 0, 'failed'), item(5, 0, 0, 'failed')]) list.add(one);
    expect(list.list.map(({ predictionId }) => predictionId)).toEqual(['prd_005', 'prd_003', 'prd_004']);
    expect(list.add(item(6, 0, 0.5))).toBe(false);
  });

  it('is bounded by default', () => {
    const list = new DifferenceList([]);
    for (let id = 0; id < 80; id += 1) list.add(item(id, 1, id));
    expect(list.list).toHaveLength(50);
    expect(list.list[0]?.distance).toBe(79);
  });
});
