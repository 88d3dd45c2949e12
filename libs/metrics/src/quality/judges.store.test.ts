import { type Task, WatchSettings } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { ulid } from 'ulid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { seededRandom } from '../evaluation/seeded-random.js';
import type { Judge, WatchedDeployment } from '../judgements/judge.js';
import { JudgeStateStore } from '../judgements/judge-state.store.js';
import type { JudgedWindow } from '../judgements/judgement.store.js';
import { LabelStore } from '../records/label.store.js';
import { PredictionStore } from '../records/prediction.store.js';
import type { PredictionRow } from '../records/spool-line.js';
import { LabelsJudge } from './labels-judge.js';
import { PredictionErrorJudge } from './prediction-error-judge.js';
import { QualityJudge } from './quality-judge.js';
import { countPredicted } from './quality-window.store.js';

let database: TestDatabase;
let judges: { quality: Judge; errors: Judge; labels: Judge };
const binary: Task = { kind: 'binary', rowAxis: 0, classes: ['no', 'yes'], positiveClass: 'yes' };
const references = { activeReference: async () => undefined };
beforeAll(async () => {
  database = await testDatabase();
  const states = new JudgeStateStore(database.pool);
  judges = {
    quality: new QualityJudge(database.pool, states, references),
    errors: new PredictionErrorJudge(database.pool, states, references),
    labels: new LabelsJudge(database.pool),
  };
});
afterAll(() => database.close());

const minute = 60_000;
const hour = 60 * minute;
const start = Math.floor(Date.now() / hour) * hour - 30 * hour;
const random = seededRandom(21);

function watched(deploymentId: string): WatchedDeployment {
  return {
    projectId: 'prj_default',
    deploymentId,
    deployment: deploymentId,
    modelId: 'mdl_1',
    versions: [{ versionId: 'ver_1', version: 1, task: binary, isServing: true }],
    settings: WatchSettings.parse({ reference: { learnRows: 400 } }),
    slices: [],
    replicas: 1,
    isSuspended: false,
    changedAtMs: start,
  };
}

/** Predictions evenly over a span, wrong with a chance of `wrong`, labelled `delayMs` later where `labelled` says so. */
async function served(
  deploymentId: string,
  span: { fromMs: number; toMs: number; count: number; wrong: number; delayMs?: number; labelled?: number },
): Promise<PredictionRow[]> {
  const { fromMs, toMs, count, wrong, delayMs = 30_000, labelled = 1 } = span;
  const rows = Array.from({ length: count }, (_, at): PredictionRow => {
    const atMs = Math.floor(fromMs + ((toMs - fromMs) * at) / count);
    const owner = { deploymentId, revisionId: 'rev_1', versionId: 'ver_1', versionNumber: 1, clientId: null, queueMicros: null, computeMicros: 1 };
    const predicted = random() < 0.4 ? 'yes' : 'no';
    const kept = { probability: 1, slices: null, joinKey: null, outputs: null, inputs: null, predictedNumber: null };
    return { ...owner, ...kept, atMs, id: `prd_${ulid(atMs)}`, row: 0, rows: 1, predicted, score: predicted === 'yes' ? 0.9 : 0.1 };
  });
  await new PredictionStore(database.pool, countPredicted).insert(rows, new Map([[deploymentId, 'prj_default']]));
  const labels = new LabelStore(database.pool, 30 * 86_400, { tasksOf: async () => new Map([[1, binary]]) });
  for (let at = 0; at < rows.length; at += 100) {
    const some = rows.slice(at, at + 100).filter(() => random() < labelled);
    const given = some.map(({ id, predicted }) => {
      const isWrong = random() < wrong;
      return { predictionId: id, label: isWrong === (predicted === 'yes') ? 'no' : 'yes', labelNumber: null, source: '', observedAt: null };
    });
    const last = some.at(-1);
    if (last !== undefined) await labels.record({ projectId: 'prj_default', deploymentId }, given, new Date(last.atMs + delayMs));
  }
  return rows;
}

const verdicts = (judged: readonly JudgedWindow[], subject: string) => judged.filter((one) => one.subject === subject).map(({ verdict }) => verdict);

it('alarms in the windows after the model got worse, learns what is usual before, and is silent until then', async () => {
  const deploymentId = 'dep_worse';
  await served(deploymentId, { fromMs: start, toMs: start + 2 * hour, count: 2_400, wrong: 0.1 });
  const before = await judges.quality.judge(watched(deploymentId), start + 2 * hour + 10 * minute);
  expect(before.length).toBeGreaterThan(0);
  expect(before.filter(({ verdict }) => verdict === 'alarm')).toEqual([]);
  expect(before.some(({ subject, verdict, threshold }) => subject === 'accuracy' && verdict === 'ok' && threshold !== null)).toBe(true);
  // Asked again, what has just changed is judged once more, and as before.
  const again = await judges.quality.judge(watched(deploymentId), start + 2 * hour + 10 * minute);
  for (const one of again)
    expect(before).toContainEqual(expect.objectContaining({ subject: one.subject, toMs: one.toMs, verdict: one.verdict, value: one.value }));
  const rows = await served(deploymentId, { fromMs: start + 3 * hour, toMs: start + 4 * hour, count: 1_200, wrong: 0.3 });
  const after = await judges.quality.judge(watched(deploymentId), start + 4 * hour + 10 * minute);
  const alarmed = after.filter(({ subject, verdict }) => subject === 'accuracy' && verdict === 'alarm');
  expect(alarmed.length).toBeGreaterThan(3);
  expect(alarmed[0]?.reason).toMatch(
    /^Worse than usual\. The accuracy is 0\.\d+ on \d+ labelled rows .*; it was 0\.[89]\d* on 400 rows, limit 0\.\d+\.$/,
  );
  expect(alarmed.every(({ fromMs, toMs }) => toMs > start + 3 * hour && fromMs >= start)).toBe(true);

  // Labels that are corrected late reopen their windows.
  const labels = new LabelStore(database.pool, 30 * 86_400, { tasksOf: async () => new Map([[1, binary]]) });
  const corrected = rows.map(({ id, predicted }) => ({ predictionId: id, label: predicted, labelNumber: null, source: '', observedAt: null }));
  await labels.record({ projectId: 'prj_default', deploymentId }, corrected, new Date());
  const reopened = await judges.quality.judge(watched(deploymentId), Date.now());
  expect(reopened.find(({ subject, toMs }) => subject === 'accuracy' && toMs === start + 4 * hour)).toMatchObject({ verdict: 'ok' });
}, 30_000);

it('sees errors change in their mean and in their stream, in bounded steps', async () => {
  const deploymentId = 'dep_stream';
  await served(deploymentId, { fromMs: start, toMs: start + 3 * hour, count: 3_000, wrong: 0.1 });
  const quiet = await judges.errors.judge(watched(deploymentId), start + 3 * hour + 10 * minute);
  expect(quiet.map(({ subject }) => subject)).toEqual(expect.arrayContaining(['mean', 'page_hinkley', 'adwin']));
  expect(quiet.filter(({ verdict }) => verdict === 'alarm')).toEqual([]);
  await served(deploymentId, { fromMs: start + 3 * hour, toMs: start + 4 * hour, count: 1_500, wrong: 0.35 });
  const changed = await judges.errors.judge(watched(deploymentId), start + 4 * hour + 10 * minute);
  expect([verdicts(changed, 'mean'), verdicts(changed, 'page_hinkley'), verdicts(changed, 'adwin')]).toEqual([['alarm'], ['alarm'], ['alarm']]);
  expect(changed.find(({ subject }) => subject === 'adwin')?.reason).toMatch(/^Single errors have grown at /);
  expect(await judges.errors.judge(watched(deploymentId), start + 4 * hour + 11 * minute)).toEqual([]);
}, 30_000);

it('says when it went on further ahead because it was too far behind', async () => {
  const deploymentId = 'dep_behind';
  await served(deploymentId, { fromMs: start, toMs: start + 3 * hour, count: 1_500, wrong: 0.1 });
  const first = await judges.errors.judge(watched(deploymentId), start + 3 * hour + 10 * minute);
  expect(first.some(({ reason }) => reason.includes('left out'))).toBe(false);
  const states = new JudgeStateStore(database.pool);
  const kept = await states.read(deploymentId, 'prediction_error', 'stream/1', z.looseObject({ after: z.looseObject({ atMs: z.number() }) }));
  if (kept === undefined) throw new Error('nothing is remembered');
  const behindMs = kept.after.atMs - 72 * hour;
  await states.write(deploymentId, 'prediction_error', 'stream/1', { ...kept, after: { ...kept.after, atMs: behindMs } });
  await served(deploymentId, { fromMs: start + 3 * hour, toMs: start + 4 * hour, count: 500, wrong: 0.1 });
  const told = await judges.errors.judge(watched(deploymentId), start + 4 * hour + 10 * minute);
  const [hinkley] = told.filter(({ subject }) => subject === 'page_hinkley');
  expect(hinkley?.reason).toContain(`The labelled rows from ${new Date(behindMs).toISOString()} to `);
  expect(hinkley).toMatchObject({ evidence: { leftOut: { from: new Date(behindMs).toISOString() } } });
  // It stays known for as long as the stream has not much seen since.
  await served(deploymentId, { fromMs: start + 4 * hour, toMs: start + 5 * hour, count: 500, wrong: 0.1 });
  const later = await judges.errors.judge(watched(deploymentId), start + 5 * hour + 10 * minute);
  expect(later.filter(({ reason }) => reason.includes('were left out')).map(({ subject }) => subject)).toEqual(['page_hinkley', 'adwin']);
}, 30_000);

it('only warns while labels still come', async () => {
  const deploymentId = 'dep_young';
  // For a day labels come three hours late; then a bad hour with a part of its labels.
  for (let at = 0; at < 24; at += 2)
    await served(deploymentId, { fromMs: start + at * hour, toMs: start + (at + 2) * hour, count: 300, wrong: 0.1, delayMs: 150 * minute });
  const now = start + 26 * hour;
  await served(deploymentId, { fromMs: now - hour, toMs: now, count: 800, wrong: 0.4, labelled: 0.4, delayMs: minute });
  const judged = await judges.quality.judge(watched(deploymentId), now + minute);
  const last = judged.filter(({ subject, toMs }) => subject === 'accuracy' && toMs > now - 10 * minute);
  expect(last.length).toBeGreaterThan(0);
  for (const one of last) expect(one).toMatchObject({ verdict: 'insufficient', reason: expect.stringContaining('Provisional') });
  expect(judged.filter(({ verdict, toMs }) => verdict === 'alarm' && toMs <= now - 3 * hour)).toEqual([]);
}, 30_000);

it('misses labels that have stopped, where there were some', async () => {
  const deploymentId = 'dep_stopped';
  expect(await judges.labels.judge(watched(deploymentId), start)).toEqual([]);
  await served(deploymentId, { fromMs: start, toMs: start + 10 * hour, count: 1_000, wrong: 0.1 });
  expect(verdicts(await judges.labels.judge(watched(deploymentId), start + 10 * hour + 10 * minute), 'arrival')).toEqual(['ok']);
  expect(await judges.labels.judge(watched(deploymentId), start + 10 * hour + 11 * minute)).toEqual([]);
  await served(deploymentId, { fromMs: start + 10 * hour, toMs: start + 13 * hour, count: 300, wrong: 0.1, labelled: 0 });
  const stopped = await judges.labels.judge(watched(deploymentId), start + 13 * hour);
  expect(stopped.find(({ subject }) => subject === 'arrival')).toMatchObject({
    verdict: 'alarm',
    reason: expect.stringMatching(/^Labels have stopped\. The last label came (17\d min|3 h) ago/),
  });
}, 30_000);
