import { HeldJudgeStates, type Judge, type JudgedWindow, JudgementStore, JudgeStateStore } from '@slipway/metrics';
import { createLogger, newId } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { JudgingRound } from './judging-round.js';

const hour = 3_600_000;
const minute = 60_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** A deployment that was made so long ago, and nothing has happened with since. */
async function deploy(name: string, agoMs: number): Promise<string> {
  const { db } = database;
  const [modelId, versionId, id, revisionId] = [newId('mdl'), newId('ver'), newId('dep'), newId('rev')];
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name } });
  await db.version.create({
    data: { id: versionId, modelId, number: 1, status: 'READY', digest: 'ab'.repeat(32), sizeBytes: 1n, createdBy: 'key:test' },
  });
  await db.deployment.create({
    data: { id, projectId: 'prj_default', name, nameFolded: name, modelId, createdBy: 'key:test', activeRevisionId: revisionId },
  });
  const createdAt = new Date(Date.now() - agoMs);
  await db.revision.create({
    data: { id: revisionId, deploymentId: id, number: 1, versionId, replicas: 1, spec: {}, createdBy: 'key:test', createdAt },
  });
  return id;
}

const State = z.object({ toMs: z.number() });

/** Judges each whole minute once, and remembers up to where. */
class MinuteJudge implements Judge {
  readonly kind = 'drift';
  readonly everyMs = 0;
  readonly looked: string[] = [];
  readonly forgotten: string[] = [];
  subjects = ['age'];

  constructor(private readonly states: JudgeStateStore) {}

  async judge({ deploymentId, deployment }: { deploymentId: string; deployment: string }, nowMs: number): Promise<JudgedWindow[]> {
    this.looked.push(deployment);
    const toMs = Math.floor(nowMs / minute) * minute;
    const before = await this.states.read(deploymentId, this.kind, 'walk', State);
    if (before?.toMs === toMs) return [];
    await this.states.write(deploymentId, this.kind, 'walk', { toMs });
    const judgement = { value: 0.3, interval: null, n: 500, threshold: 0.1, verdict: 'alarm' as const, reason: 'age has drifted', evidence: {} };
    return this.subjects.map((subject) => ({ ...judgement, kind: this.kind, subject, version: 1, slice: '', fromMs: toMs - minute, toMs }));
  }

  forget({ deployment }: { deployment: string }): void {
    this.forgotten.push(deployment);
  }
}

function scene(now: () => number) {
  const handle = { prisma: database.db, pool: database.pool };
  const states = new HeldJudgeStates(database.pool);
  const judge = new MinuteJudge(states);
  return { judge, round: new JudgingRound({ db: handle, states, judges: [judge], log: createLogger('test', 'silent'), now }) };
}

it('judges a window again whose judgements could not be kept', async () => {
  const deploymentId = await deploy('cut-off', 0);
  const nowMs = Date.now();
  const { judge, round } = scene(() => nowMs);
  const stored = () => new JudgeStateStore(database.pool).read(deploymentId, 'drift', 'walk', State);
  // Two of one thing and window, which the database refuses.
  judge.subjects = ['age', 'age'];
  await round.run();
  expect(await stored()).toBeUndefined();
  expect(judge.forgotten).toEqual(['cut-off']);

  judge.subjects = ['age'];
  await round.run();
  const current = async () => (await new JudgementStore(database.pool).current(deploymentId)).map(({ subject, verdict }) => [subject, verdict]);
  expect(await current()).toEqual([['age', 'alarm']]);
  expect(await stored()).toEqual({ toMs: Math.floor(nowMs / minute) * minute });
  expect(judge.forgotten).toHaveLength(1);
  await database.db.deployment.update({ where: { id: deploymentId }, data: { deletedAt: new Date() } });
});

it('looks at what is quiet once in five minutes, and at what has news each round', async () => {
  const quiet = await deploy('quiet', 24 * hour);
  await deploy('new', 0);
  let nowMs = Date.now();
  const { judge, round } = scene(() => nowMs);
  for (let at = 0; at < 61; at += 1, nowMs += 10_000) await round.run();
  expect(judge.looked.filter((name) => name === 'new')).toHaveLength(61);
  expect(judge.looked.filter((name) => name === 'quiet')).toHaveLength(2);

  await database.pool.query('insert into telemetry.label_arrivals (deployment_id, start_at, labels) values ($1, now(), 3)', [quiet]);
  judge.looked.length = 0;
  for (let at = 0; at < 2; at += 1, nowMs += 10_000) await round.run();
  expect(judge.looked.sort()).toEqual(['new', 'new', 'quiet', 'quiet']);
});
