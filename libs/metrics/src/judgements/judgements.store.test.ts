import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { JudgeStateStore } from './judge-state.store.js';
import { type JudgedWindow, JudgementStore } from './judgement.store.js';

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
  await store.forgetCurrent(owner.deploymentId, 'drift', Date.now() + hour);
  expect(await store.current(owner.deploymentId)).toEqual([]);
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
