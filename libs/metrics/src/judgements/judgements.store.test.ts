import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { HeldJudgeStates, JudgeStateStore } from './judge-state.store.js';
import { type JudgedWindow, JudgementStore } from './judgement.store.js';
import { sweepJudged } from './sweep-judged.store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const hour = 3_600_000;
const start = Math.floor(Date.now() / hour) * hour - 5 * hour;
const owner = { projectId: 'prj_default', deploymentId: 'dep_judged' };
const judged = (over: Partial<JudgedWindow> = {}): JudgedWindow => ({
  kind: 'drift',
  subject: 'age',
  version: 1,
  slice: '',
  fromMs: start,
  toMs: start + hour,
  value: 0.3,
  interval: [0.2, 0.4],
  n: 500,
  threshold: 0.1,
  verdict: 'alarm',
  reason: 'age has changed',
  evidence: { psi: 0.31 },
  ...over,
});

it('keeps each window once and the newest of each thing, whatever comes late', async () => {
  const store = new JudgementStore(database.pool);
  await store.write(owner, [judged(), judged({ fromMs: start + hour, toMs: start + 2 * hour, verdict: 'ok', value: 0 }), judged({ subject: 'sex' })]);
  await store.write(owner, [judged({ value: 0.5, interval: null, reason: 'a NUL \0 in a name' })]);
  const all = await store.between({ deploymentId: owner.deploymentId, kind: 'drift', fromMs: start, toMs: start + 9 * hour });
  expect(all.map(({ subject, value, verdict }) => [subject, value, verdict])).toEqual([
    ['age', 0.5, 'alarm'],
    ['sex', 0.3, 'alarm'],
    ['age', 0, 'ok'],
  ]);
  expect(all[0]).toMatchObject({ interval: null, version: 1, slice: null, from: new Date(start).toISOString(), evidence: { psi: 0.31 } });
  const current = await store.current(owner.deploymentId, ['drift']);
  expect(current.map(({ subject, verdict }) => [subject, verdict])).toEqual([
    ['age', 'ok'],
    ['sex', 'alarm'],
  ]);
  expect(await store.current(owner.deploymentId, ['noise'])).toEqual([]);
  expect(await store.between({ deploymentId: owner.deploymentId, kind: 'drift', fromMs: start, toMs: start + hour, subject: 'sex' })).toHaveLength(1);
});

it('forgets the newest judgements of what is judged no more, and of nothing else', async () => {
  const store = new JudgementStore(database.pool);
  const gone = { ...owner, deploymentId: 'dep_gone' };
  await store.write(gone, [judged(), judged({ version: 2 }), judged({ version: 2, subject: 'sex' }), judged({ kind: 'noise', version: 2 })]);
  const current = async () => (await store.current(gone.deploymentId)).map(({ kind, subject, version }) => [kind, subject, version]);
  await store.forgetVersions(gone.deploymentId, 'drift', [2], Date.now() - hour);
  expect(await current()).toHaveLength(4);
  await store.forgetOtherSubjects(gone.deploymentId, 'drift', ['age']);
  await store.forgetVersions(gone.deploymentId, 'drift', [1], Date.now() + hour);
  expect(await current()).toEqual([
    ['drift', 'age', 2],
    ['noise', 'age', 2],
  ]);
});

it('sweeps what is kept of deployments that are gone and of versions judged long ago', async () => {
  const { pool } = database;
  const [store, states] = [new JudgementStore(pool), new JudgeStateStore(pool)];
  for (const deploymentId of ['dep_dead', 'dep_alive']) {
    await store.write({ ...owner, deploymentId }, [judged(), judged({ version: 2 })]);
    for (const key of ['walk/1', 'walk/2', 'baseline/1']) await states.write(deploymentId, 'quality', key, 1);
  }
  await pool.query(`update telemetry.current_judgements set judged_at = now() - interval '91 d' where version_number = 1`);
  await pool.query(`update telemetry.judge_states set updated_at = now() - interval '91 d' where key like '%/1'`);
  await sweepJudged(pool, { windowsDays: 90, living: async () => new Map([['dep_alive', 'alive']]) });
  expect((await pool.query('select deployment_id, key from telemetry.judge_states order by key')).rows).toEqual([
    { deployment_id: 'dep_alive', key: 'baseline/1' },
    { deployment_id: 'dep_alive', key: 'walk/2' },
  ]);
  expect((await store.current('dep_alive')).map(({ version }) => version)).toEqual([2]);
  expect(await store.current('dep_dead')).toEqual([]);
});

it('holds what judges remember until it is kept', async () => {
  const [states, held] = [new JudgeStateStore(database.pool), new HeldJudgeStates(database.pool)];
  const schema = z.object({ until: z.number() });
  const read = (from: JudgeStateStore) => Promise.all(['one', 'two'].map((key) => from.read('dep_held', 'drift', key, schema)));
  await held.write('dep_held', 'drift', 'one', { until: 1 });
  expect(await read(held)).toEqual([{ until: 1 }, undefined]);
  expect(await read(states)).toEqual([undefined, undefined]);
  held.drop('dep_held');
  expect(await read(held)).toEqual([undefined, undefined]);
  await held.write('dep_held', 'drift', 'one', { until: 2 });
  await held.write('dep_held', 'drift', 'two', { until: 3 });
  await held.keep('dep_held');
  expect(await read(states)).toEqual([{ until: 2 }, { until: 3 }]);
});

it('remembers for a judge, and takes nothing that it does not understand', async () => {
  const states = new JudgeStateStore(database.pool);
  const schema = z.object({ until: z.number() });
  expect(await states.read('dep_judged', 'drift', 'walk', schema)).toBeUndefined();
  await states.write('dep_judged', 'drift', 'walk', { until: 1 });
  await states.write('dep_judged', 'drift', 'walk', { until: 2 });
  expect(await states.read('dep_judged', 'drift', 'walk', schema)).toEqual({ until: 2 });
  expect(await states.read('dep_judged', 'drift', 'walk', z.object({ since: z.string() }))).toBeUndefined();
});
