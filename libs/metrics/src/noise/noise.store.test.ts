import { WatchSettings } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WatchedDeployment } from '../judgements/judge.js';
import { JudgeStateStore } from '../judgements/judge-state.store.js';
import { JudgementStore } from '../judgements/judgement.store.js';
import { binsOf } from './noise-bins.js';
import { type NoiseBaselines, NoiseJudge } from './noise-judge.js';
import { NoiseRecorder } from './noise-recorder.js';
import { noiseReferenceOf } from './noise-reference.js';
import { type NoiseTotals, noTotals, totalsOf } from './noise-totals.js';
import type { NoiseOwner } from './noise-window.js';
import { NoiseHourStore, NoiseWindowStore } from './noise-window.store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const hourMs = 3_600_000;
const startMs = Math.floor(Date.now() / hourMs) * hourMs - 30 * hourMs;
const at = (hours: number) => startMs + hours * hourMs;
const owner = (deploymentId: string, over: Partial<NoiseOwner> = {}): NoiseOwner => ({
  projectId: 'prj_default',
  deploymentId,
  deployment: 'fraud',
  version: 3,
  probe: 'repeat',
  otherVersion: 0,
  ...over,
});
const sized = (sizes: readonly number[]): NoiseTotals => ({
  ...noTotals(),
  n: sizes.length,
  runs: 16 * sizes.length,
  relativeMax: Math.max(0, ...sizes),
  relativeSum: sizes.reduce((sum, size) => sum + size, 0),
  bins: binsOf(sizes),
});
const watched = (deploymentId: string): WatchedDeployment => ({
  projectId: 'prj_default',
  deploymentId,
  deployment: 'fraud',
  modelId: 'mod_1',
  versions: [{ versionId: 'ver_3', version: 3, task: undefined, isServing: true }],
  settings: WatchSettings.parse({}),
  slices: [],
  replicas: 1,
  isSuspended: false,
  changedAtMs: 0,
});
const many = (n: number, size: number) => new Array<number>(n).fill(size);
const judgeWith = (baselines: NoiseBaselines) =>
  new NoiseJudge({ hours: new NoiseHourStore(database.pool), states: new JudgeStateStore(database.pool), baselines });

it('adds up what several processes have counted, however often they write it', async () => {
  let nowMs = at(0);
  const recorders = ['one', 'other'].map((source) => ({
    recorder: new NoiseRecorder(() => nowMs),
    store: new NoiseWindowStore(database.pool, source),
  }));
  const own = owner('dep_adds');
  for (const { recorder, store } of recorders) {
    recorder.count(own, { ...totalsOf({ variance: 2, relative: 0.1, labels: 5, flips: 1 }), runs: 5 });
    recorder.set({ owner: { ...own, probe: 'natural' }, startAtMs: at(0), source: 'ins_1.7', totals: sized([0, 0.2]) });
    const dirty = recorder.takeDirty();
    // Counted while it was being written: it is written again.
    recorder.count(own, { failed: 1, runs: 5 });
    await store.write(dirty);
    recorder.acknowledge(dirty);
    const again = recorder.takeDirty();
    expect(again.map(({ owner: { probe } }) => probe)).toEqual(['repeat']);
    await store.write(again);
    recorder.acknowledge(again);
    expect(recorder.takeDirty()).toEqual([]);
  }
  const hours = await new NoiseHourStore(database.pool).hours({ deploymentId: 'dep_adds', fromMs: at(0), toMs: at(1) });
  expect(hours.map(({ probe, totals }) => [probe, totals.n, totals.failed, totals.runs, totals.varianceSum, totals.flips])).toEqual([
    // Both gateways have asked the same instance: what it said counts once.
    ['natural', 2, 0, 32, 0, 0],
    ['repeat', 2, 2, 20, 4, 2],
  ]);
  expect(await new NoiseHourStore(database.pool).hours({ deploymentId: 'dep_adds', fromMs: at(0), toMs: at(1), version: 4 })).toEqual([]);
  nowMs = at(2);
  for (const { recorder } of recorders) expect([...recorder.current()]).toEqual([]);
});

it('judges a random model while its hour runs, instances at once, and jitter when its hour is over', async () => {
  const store = new NoiseWindowStore(database.pool, 'gateway');
  const usual = Array.from({ length: 200 }, (_, place) => 0.01 + place / 20_000);
  const reference = noiseReferenceOf(usual.map((relative) => ({ relative, labels: 0, flips: 0 })));
  const judge = judgeWith({ of: () => Promise.resolve({ source: 'reference', probes: { jitter: reference } }) });
  const groups = [['ins_a'], ['ins_b']];
  const window = (probe: NoiseOwner['probe'], totals: NoiseTotals, more = {}) => ({
    owner: owner('dep_judged', { probe }),
    startAtMs: at(5),
    totals,
    ...more,
  });
  await store.write([
    window('repeat', sized(many(4, 0))),
    window('replica', sized([0, 0.5]), { detail: { atMs: at(5.1), agreedInRow: 0, differedAtMs: at(5.1), groups } }),
    window('jitter', sized(many(40, 0.2))),
  ]);
  const running = await judge.judge(watched('dep_judged'), at(5.2));
  expect(running.map(({ subject, verdict, toMs }) => [subject, verdict, toMs])).toEqual([
    ['repeat', 'ok', at(5.2)],
    ['replica', 'alarm', at(5.2)],
  ]);
  expect(running[1]?.reason).toContain('ins_b against ins_a');

  // Nothing has changed since.
  expect(await judge.judge(watched('dep_judged'), at(5.3))).toEqual([]);

  const over = await judge.judge(watched('dep_judged'), at(6.1));
  expect(over.find(({ subject }) => subject === 'jitter')).toMatchObject({ verdict: 'alarm', fromMs: at(5), toMs: at(6), n: 40, version: 3 });
  // Nobody has compared instances for a quarter of an hour: that says nothing of now.
  expect(over.find(({ subject }) => subject === 'replica')).toMatchObject({ verdict: 'insufficient', n: 0 });
  expect((await judge.judge(watched('dep_judged'), at(6.15))).map(({ subject }) => subject)).toEqual([]);
  const again = await judge.judge(watched('dep_judged'), at(6.21));
  expect(again.map(({ subject }) => subject)).toEqual(['repeat']);
  // What could not be kept is told again.
  judge.forget(watched('dep_judged'));
  expect((await judge.judge(watched('dep_judged'), at(6.22))).map(({ subject }) => subject)).toEqual(['repeat', 'replica']);

  await new JudgementStore(database.pool).write({ projectId: 'prj_default', deploymentId: 'dep_judged' }, over);
  const kept = await new JudgementStore(database.pool).current('dep_judged', ['noise']);
  expect(kept.find(({ subject }) => subject === 'jitter')?.evidence).toMatchObject({ baseline: { source: 'reference', n: 200 }, runs: 640 });
});

it('learns what is usual where nothing was measured before, and grows its window where there is little', async () => {
  const store = new NoiseWindowStore(database.pool, 'gateway');
  const judge = judgeWith({ of: () => Promise.resolve(undefined) });
  const verdicts: unknown[] = [];
  for (let hour = 0; hour < 9; hour += 1) {
    const totals = sized(many(15, hour < 7 ? 0.01 : 0.5));
    await store.write([{ owner: owner('dep_learns', { probe: 'version', otherVersion: 2 }), startAtMs: at(hour), totals }]);
    const [judged] = await judge.judge(watched('dep_learns'), at(hour + 1) + 60_000);
    verdicts.push([judged?.verdict, judged?.n, judged?.threshold === null]);
  }
  expect(verdicts).toEqual([
    ...[15, 30, 45, 60, 75, 90, 90].map((n) => ['insufficient', n, true]),
    // Six hours hold 90. One of them far off may be chance, as few as are known to be usual; two are not.
    ['ok', 90, false],
    ['alarm', 90, false],
  ]);
});

it('has nothing to say of a deployment without measurements', async () => {
  expect(await judgeWith({ of: () => Promise.reject(new Error('not asked')) }).judge(watched('dep_quiet'), Date.now())).toEqual([]);
});
