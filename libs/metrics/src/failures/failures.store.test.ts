import { WatchSettings } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRegistry } from '../instruments/create-registry.js';
import type { WatchedDeployment } from '../judgements/judge.js';
import { JudgeStateStore } from '../judgements/judge-state.store.js';
import { JudgementStore } from '../judgements/judgement.store.js';
import { FailureSeriesStore } from '../series/failure-series.store.js';
import { ServingRecorder } from '../windows/serving-recorder.js';
import { ServingWindowStore } from '../windows/serving-window.store.js';
import { type EndedInstance, FailureStore } from './failure.store.js';
import { FailureSampler } from './failure-sampler.js';
import { FailuresJudge } from './failures-judge.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const hourMs = 3_600_000;
const windowMs = 300_000;
const deployment = (deploymentId: string): WatchedDeployment => ({
  projectId: 'p',
  deploymentId,
  deployment: deploymentId,
  modelId: 'm',
  versions: [],
  settings: WatchSettings.parse({}),
  slices: [],
  replicas: 1,
  isSuspended: false,
  changedAtMs: 0,
});
const ended = (deploymentId: string, atMs: number, over: Partial<EndedInstance> = {}): EndedInstance => ({
  id: `flr_${atMs}_${over.reason ?? ''}`,
  atMs,
  projectId: 'p',
  deploymentId,
  revisionId: 'r',
  versionNumber: 1,
  instanceId: 'ins_1',
  hostId: 'hst_1',
  reason: 'instance_crashed',
  signal: 'SIGSEGV',
  exitCode: null,
  wasReady: true,
  restarts: true,
  message: 'it was ended by SIGSEGV',
  ...over,
});

/** Requests of one window of ten seconds. */
async function serve(deploymentId: string, atMs: number, all: number, failed = 0): Promise<void> {
  const recorder = new ServingRecorder({ registry: createRegistry('test'), now: () => atMs });
  for (let at = 0; at < all; at += 1) {
    recorder.record({
      projectId: 'p',
      deploymentId,
      deployment: deploymentId,
      revisionId: 'r',
      revision: 1,
      versionNumber: 1,
      role: 'stable',
      outcome: at < failed ? 'runtime_error' : 'success',
      durationSeconds: 0.01,
      rows: 1,
      requestBytes: 1,
      responseBytes: 1,
    });
  }
  await new ServingWindowStore(database.pool, 'gateway').write(recorder.takeDirty());
}

it('shows what failed, with what ended and some of the requests', async () => {
  const now = Date.now();
  const from = Math.floor(now / windowMs) * windowMs - windowMs;
  await serve('d', from, 100, 7);
  const store = new FailureStore(database.pool);
  const instances = [ended('d', from + 1_000), ended('d', from + 2_000, { reason: 'oom_killed', message: 'it used 900 MiB\0' })];
  await store.writeInstances(instances);
  // Told twice, kept once.
  await store.writeInstances(instances);
  const sampler = new FailureSampler(() => from + 3_000);
  sampler.offer({
    predictionId: 'prd_1',
    projectId: 'p',
    deploymentId: 'd',
    revisionId: '',
    versionNumber: 0,
    reason: 'runtime_error',
    code: 'MODEL_RUN_FAILED',
    message: 'the run failed',
  });
  await store.writeSamples(sampler.takeDirty());
  const series = await new FailureSeriesStore(database.pool).series({
    deploymentId: 'd',
    frame: { fromMs: from, toMs: now, stepSeconds: 300 },
    nowMs: now,
  });
  expect(series.total[0]).toMatchObject({
    valid: 100,
    errors: 7,
    errorRatio: 0.07,
    reasons: { runtime_error: 7 },
    instanceReasons: { instance_crashed: 1, oom_killed: 1 },
  });
  expect(series.reasons).toEqual([{ reason: 'runtime_error', count: 7, ratio: 0.07, isService: true }]);
  expect(series.instanceReasons).toEqual([
    { reason: 'instance_crashed', count: 1 },
    { reason: 'oom_killed', count: 1 },
  ]);
  expect(series.instanceFailures.map(({ reason, message }) => [reason, message])).toEqual([
    ['oom_killed', 'it used 900 MiB\uFFFD'],
    ['instance_crashed', 'it was ended by SIGSEGV'],
  ]);
  expect(series.samples).toMatchObject([
    { predictionId: 'prd_1', version: null, reason: 'runtime_error', code: 'MODEL_RUN_FAILED', message: 'the run failed' },
  ]);
});

it('judges each window once, against the hours before it', async () => {
  const end = Math.floor(Date.now() / hourMs) * hourMs - hourMs;
  for (let hour = 1; hour <= 30; hour += 1) await serve('j', end - hour * hourMs, 200, hour % 10 === 0 ? 1 : 0);
  const judge = new FailuresJudge(database.pool, new JudgeStateStore(database.pool));
  const judgements = new JudgementStore(database.pool);
  const round = async (nowMs: number) => {
    const judged = await judge.judge(deployment('j'), nowMs);
    await judgements.write(deployment('j'), judged);
    return judged.map(({ subject, verdict, toMs }) => [subject, verdict, (toMs - end) / windowMs]);
  };
  // What a gateway could not write while the database was away comes late, and counts.
  expect(await round(end + windowMs + 50_000)).toEqual([['', 'insufficient', 0]]);
  await serve('j', end, 100);
  expect(await round(end + windowMs + 70_000)).toEqual([['', 'ok', 1]]);
  expect(await round(end + windowMs + 90_000)).toEqual([]);
  await serve('j', end + windowMs, 100, 30);
  await serve('j', end + 2 * windowMs, 10, 0);
  // Two windows have ended since; the second has too few requests by itself and is judged with the one before.
  expect(await round(end + 3 * windowMs + 70_000)).toEqual([
    ['', 'alarm', 2],
    ['runtime_error', 'alarm', 2],
    ['', 'alarm', 3],
    ['runtime_error', 'alarm', 3],
  ]);
  await serve('j', end + 3 * windowMs, 100);
  expect(await round(end + 4 * windowMs + 70_000)).toEqual([
    ['', 'ok', 4],
    ['runtime_error', 'ok', 4],
  ]);
  const current = await judgements.current('j', ['failures']);
  expect(current.map(({ subject, verdict }) => [subject, verdict])).toEqual([
    ['', 'ok'],
    ['runtime_error', 'ok'],
  ]);
  const [alarm] = await judgements.between({ deploymentId: 'j', kind: 'failures', fromMs: end, toMs: end + 2 * windowMs, subject: 'runtime_error' });
  expect(alarm).toMatchObject({
    value: 0.3,
    n: 100,
    threshold: 0.01,
    reason: 'runtime_error in 30 of 100 requests (30 %), beyond luck; limit 1 %, 0.051 % in the days before',
    evidence: { reasons: { runtime_error: 30 } },
  });
});

it('says that instances crash in a loop, were short of memory, and that this is over', async () => {
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const store = new FailureStore(database.pool);
  const judge = new FailuresJudge(database.pool, new JudgeStateStore(database.pool));
  const round = async (nowMs: number) =>
    (await judge.judge(deployment('i'), nowMs))
      .filter(({ subject }) => subject !== '')
      .map(({ subject, version, verdict, reason }) => [subject, version, verdict, reason]);
  expect(await round(now)).toEqual([]);
  await store.writeInstances([
    ended('i', now - 60_000),
    ended('i', now - 50_000),
    ended('i', now - 10_000, { versionNumber: 2, reason: 'oom_killed' }),
  ]);
  expect(await round(now)).toEqual([
    ['crash_loop', 1, 'ok', 'instances crashed or hung 2 times in 30 minutes; the last time: it was ended by SIGSEGV'],
    ['oom_killed', 2, 'alarm', 'an instance was ended for want of memory once in 30 minutes; the last time: it was ended by SIGSEGV'],
  ]);
  await store.writeInstances([ended('i', now - 40_000, { reason: 'instance_hung' })]);
  expect((await round(now))[0]?.slice(0, 3)).toEqual(['crash_loop', 1, 'alarm']);
  expect(await round(now + 31 * 60_000)).toEqual([
    ['crash_loop', 1, 'ok', 'instances crashed or hung: not in the last 30 minutes'],
    ['oom_killed', 2, 'ok', 'an instance was ended for want of memory: not in the last 30 minutes'],
  ]);
  expect(await round(now + 32 * 60_000)).toEqual([]);
});
