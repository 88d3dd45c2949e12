import { WatchSettings } from '@slipway/contracts';
import { AnomalyInputStore, AnomalyPointStore, type JudgedWindow, JudgeStateStore, seriesFrame, type WatchedDeployment } from '@slipway/metrics';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AnomalyJudge } from './anomaly-judge.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query(`select telemetry.ensure_partitions((now() at time zone 'UTC')::date - 8, 12)`);
});
afterAll(() => database.close());

const windowMs = 300_000;
const now = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 61_000;
const ended = now - 61_000;
const days = 4;
const startMs = ended - days * 86_400_000;

const watched = (deploymentId: string, over: Partial<WatchedDeployment> = {}): WatchedDeployment => ({
  deploymentId,
  projectId: 'prj_default',
  deployment: deploymentId,
  modelId: 'mdl_1',
  versions: [{ versionId: 'ver_1', version: 1, task: { kind: 'binary', rowAxis: 0 }, isServing: true }],
  settings: WatchSettings.parse({}),
  slices: [],
  replicas: 1,
  isSuspended: false,
  changedAtMs: 0,
  ...over,
});
const judgeOf = () => {
  const states = new JudgeStateStore(database.pool);
  return new AnomalyJudge({ states, inputs: new AnomalyInputStore(database.pool), points: new AnomalyPointStore(database.pool) });
};

/** Days of five-minute windows with a day and a little noise, until a moment; then nothing more comes. */
async function given(deploymentId: string, untilMs: number, scores: (window: number) => number = () => 50): Promise<void> {
  const windows = Array.from({ length: (untilMs - startMs) / windowMs }, (_, window) => {
    const atMs = startMs + window * windowMs;
    const requests = Math.round(900 + 300 * Math.sin((2 * Math.PI * atMs) / 86_400_000) + ((window * 7_919) % 61));
    const slow = Math.round(requests * (0.2 + ((window * 104_729) % 17) / 170));
    return { atMs, requests, duration: [0, 0, 0, 0, 0, requests - slow, slow, 0, 0, 0, 0, 0, 0, 0, 0, 0], bin: `s${scores(window)}` };
  });
  await database.pool.query(
    `insert into telemetry.serving_windows (start_at, project_id, deployment_id, revision_id, version_number, role, source, requests, "rows", outcomes,
       duration_buckets, queue_buckets, compute_buckets, request_bytes, response_bytes)
     select to_timestamp(("atMs")::float8 / 1000), 'prj_default', $1, 'rev_1', 1, 'stable', 'test', requests, requests,
       jsonb_build_object('success', requests), duration, duration, duration, 0, 0
     from jsonb_to_recordset($2::jsonb) as w("atMs" float8, requests bigint, duration bigint[])`,
    [deploymentId, JSON.stringify(windows)],
  );
  await database.pool.query(
    `insert into telemetry.quality_windows (deployment_id, seconds, start_at, version_number, predicted, counts)
     select $1, 300, to_timestamp("atMs" / 1000), 1, requests, jsonb_build_object('all', jsonb_build_object(bin, requests), 'labelled', '{}'::jsonb,
       'cells', '{}'::jsonb, 'scores', '{}'::jsonb, 'vectors', null, 'ranks', '{}'::jsonb, 'loss', '{"n":0,"mean":0,"m2":0}'::jsonb, 'errors', null)
     from jsonb_to_recordset($2::jsonb) as w("atMs" float8, requests float8, bin text)`,
    [deploymentId, JSON.stringify(windows)],
  );
}

/** Looks until there is nothing left to be judged. */
async function caughtUp(deployment: WatchedDeployment, atMs = now): Promise<JudgedWindow[]> {
  const judge = judgeOf();
  const judged: JudgedWindow[] = [];
  // Fourteen days, a day in each look.
  for (let look = 0; look < 15; look += 1) judged.push(...(await judge.judge(deployment, atMs)));
  expect(await judge.judge(deployment, atMs)).toEqual([]);
  return judged;
}
const alarms = (judged: readonly JudgedWindow[]) =>
  judged.filter(({ verdict }) => verdict === 'alarm').map(({ subject, toMs }) => [subject, (toMs - ended) / windowMs]);

it('finds that traffic has stopped, ten minutes after it has, and nothing before', async () => {
  await given('dep_stop', ended - 3 * windowMs);
  const judged = await caughtUp(watched('dep_stop'));
  expect(alarms(judged)).toEqual([
    ['traffic', -1],
    ['traffic', 0],
  ]);
  expect(judged.find(({ verdict }) => verdict === 'alarm')?.reason).toMatch(
    /traffic has stopped: traffic is 0 requests\/s where [\d.]+ requests\/s is usual at this time of day/,
  );
  const frame = seriesFrame({ from: new Date(ended - 3_600_000).toISOString(), to: new Date(ended).toISOString(), step: 300 }, now);
  const series = await new AnomalyPointStore(database.pool).series('dep_stop', frame);
  const traffic = series.find(({ name }) => name === 'traffic');
  expect(traffic?.points.map(({ value, isAnomaly }) => [value === 0, isAnomaly])).toEqual([
    ...new Array(9).fill([false, false]),
    [true, false],
    [true, true],
    [true, true],
  ]);
  expect(traffic?.points.at(-1)?.expected).toBeGreaterThan(1);
  expect(series.map(({ name }) => name)).toEqual(['traffic', 'error_ratio', 'latency_p50', 'latency_p95', 'prediction_mean']);
});

it('goes on after a pause where it was, and takes what nobody saw as a gap', async () => {
  await given('dep_pause', ended - 72 * windowMs);
  const before = await caughtUp(watched('dep_pause'), ended - 72 * windowMs + 61_000);
  expect(alarms(before)).toEqual([]);
  // Six hours in which neither gateway nor instances were there; the last quarter of an hour is known to be empty.
  expect(alarms(await caughtUp(watched('dep_pause')))).toEqual([
    ['traffic', -1],
    ['traffic', 0],
  ]);
});

it('says nothing of a deployment that is suspended, or that never had traffic', async () => {
  await given('dep_rest', ended - 3 * windowMs);
  expect(alarms(await caughtUp(watched('dep_rest', { isSuspended: true })))).toEqual([]);
  expect(await caughtUp(watched('dep_never'))).toEqual([]);
});

it('does not take a deploy for an anomaly of the mean prediction, but a change without one', async () => {
  const changed = days * 288 - 6;
  const scores = (window: number) => (window >= changed ? 90 : 50 + (window % 3));
  await given('dep_deploy', ended, scores);
  await given('dep_drift', ended, scores);
  expect(alarms(await caughtUp(watched('dep_deploy', { changedAtMs: startMs + changed * windowMs })))).toEqual([]);
  const drifted = alarms(await caughtUp(watched('dep_drift')));
  expect(drifted[0]).toEqual(['prediction_mean', -4]);
});
