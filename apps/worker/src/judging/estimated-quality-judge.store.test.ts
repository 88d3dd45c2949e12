import type { ReferenceBody, Task } from '@slipway/contracts';
import {
  arrangeRows,
  buildReference,
  countColumns,
  countPredicted,
  JudgementStore,
  JudgeStateStore,
  layoutOf,
  PredictionStore,
  ProfileWindowStore,
  QualityEstimates,
  ReferenceRunStore,
  ReferenceStore,
} from '@slipway/metrics';
import { seededRandom } from '@slipway/metrics/noise';
import { newId } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EstimatedQualityJudge } from './estimated-quality-judge.js';

const hour = 3_600_000;
const firstHour = Math.floor(Date.now() / hour) * hour - 5 * hour;
const task: Task = { kind: 'binary', predictionOutput: 'label', scoreOutput: 'score', classes: ['no', 'yes'], positiveClass: 'yes', rowAxis: 0 };
const owner = { projectId: 'prj_default', deploymentId: 'dep_estimated' };
const layout = layoutOf([
  { name: 'x', side: 'input', tensor: 'x', index: 0, kind: 'numeric' },
  { name: '@prediction', side: 'output', tensor: 'label', index: null, kind: 'categorical', categories: ['no', 'yes'] },
  { name: '@score', side: 'output', tensor: 'score', index: null, kind: 'numeric' },
]);

let database: TestDatabase;
let versionId: string;
let body: ReferenceBody;
let judge: EstimatedQualityJudge;
let estimates: QualityEstimates;
const random = seededRandom(31);
const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

beforeAll(async () => {
  database = await testDatabase();
  const db = { prisma: database.db, pool: database.pool };
  estimates = new QualityEstimates(db);
  judge = new EstimatedQualityJudge(estimates, new JudgeStateStore(database.pool), new JudgementStore(database.pool));
  body = makeBody();
  versionId = await addVersion();
});
afterAll(() => database.close());

it('judges closed hours from scores alone, grows windows that are too small, and is scored by labels that come later', async () => {
  await answer(0, draw(1_200, 0, 1));
  // The model is as sure as ever of fewer rows: its scores crowd around the middle.
  const vague = await answer(1, draw(1_200, 0, 0.15));
  await answer(2, draw(100, 0, 1));
  expect(await judgeAt(0)).toEqual([]);
  const calm = await judgeAt(1);
  expect(calm.map(({ subject, verdict, evidence }) => [subject, verdict, evidence['grade']])).toEqual([
    ['rocAuc', 'ok', 'A'],
    ['f1', 'ok', 'A'],
    ['accuracy', 'ok', 'A'],
  ]);
  expect(calm[0]).toMatchObject({ kind: 'estimated_quality', version: 1, fromMs: firstHour, toMs: firstHour + hour, n: 1_200 });
  expect(await judgeAt(1)).toEqual([]);

  const bad = (await judgeAt(2)).filter(({ fromMs }) => fromMs === firstHour + hour);
  expect(bad.find(({ subject }) => subject === 'rocAuc')).toMatchObject({ verdict: 'alarm', n: 1_200 });
  expect(bad[0]?.reason).toContain('fallen to');
  expect(bad[0]?.evidence['grade']).not.toBe('A');
  await keep(bad);

  const grown = (await judgeAt(3)).filter(({ toMs }) => toMs === firstHour + 3 * hour);
  expect(grown[0]).toMatchObject({ fromMs: firstHour - 3 * hour, n: 2_500 });

  await label(vague);
  const scored = (await judgeAt(4)).filter(({ fromMs }) => fromMs === firstHour + hour);
  const auc = scored.find(({ subject }) => subject === 'rocAuc');
  expect(Math.abs(Number(auc?.evidence['error']))).toBeLessThan(0.06);
  expect(Number(auc?.evidence['realised'])).toBeCloseTo((auc?.value ?? 0) - Number(auc?.evidence['error']), 12);
  await keep(scored);
  const series = await estimates.series([{ ...owner, versionId, version: 1, task }], { fromMs: firstHour, toMs: firstHour + 3 * hour, stepMs: hour });
  expect(series.off).toBeNull();
  expect(series.trackRecord.find(({ metric }) => metric === 'rocAuc')).toMatchObject({ windows: 1 });
  const steps = series.points.filter(({ metric }) => metric === 'rocAuc');
  expect(steps.map(({ n, realised }) => [n, realised !== null])).toEqual([
    [1_200, false],
    [1_200, true],
    [100, false],
  ]);
  expect(series.window.find(({ metric }) => metric === 'f1')).toMatchObject({ n: 2_500, judgement: { n: 2_500 } });
});

it('says why there is nothing', async () => {
  const other = { deploymentId: owner.deploymentId, versionId: 'ver_none', version: 2, task };
  expect(await estimates.whyOff(other)).toContain('no reference profile');
  expect(await estimates.whyOff({ ...other, task: undefined })).toContain('state its task');
  expect(await estimates.series([other], { fromMs: firstHour, toMs: firstHour + hour, stepMs: hour })).toMatchObject({ window: [], points: [] });
  const empty = { ...owner, deploymentId: 'dep_quiet', versionId, version: 1, task };
  expect((await estimates.series([empty], { fromMs: firstHour, toMs: firstHour + hour, stepMs: hour })).off).toContain('no recorded predictions');
});

type Rows = ReturnType<typeof draw>;

/** @param boldness 1: scores that say what is so; less: the truth hangs less on x, and scores say so */
function draw(count: number, shift: number, boldness: number) {
  const x = Float64Array.from({ length: count }, () => gaussian() + shift);
  const score = x.map((value) => 1 / (1 + Math.exp(-2.5 * boldness * value)));
  return {
    x,
    score,
    predicted: Array.from(score, (value) => (value >= 0.5 ? 'yes' : 'no')),
    labels: Array.from(score, (value) => (random() < value ? 'yes' : 'no')),
  };
}

function makeBody(): ReferenceBody {
  const { x, score, predicted, labels } = draw(3_000, 0, 1);
  const arranged = arrangeRows(task, { labels, predictions: predicted, scores: { columns: 1, values: score } });
  return buildReference({ layout, rows: 3_000, values: [x, predicted, score], labelled: { arranged, places: Uint32Array.from(x.keys()) } });
}

async function addVersion(): Promise<string> {
  const { db } = database;
  const [modelId, id] = [newId('mdl'), newId('ver')];
  await db.model.create({ data: { id: modelId, projectId: owner.projectId, name: 'm', nameFolded: 'm' } });
  await db.version.create({ data: { id, modelId, number: 1, status: 'READY', digest: 'ab'.repeat(32), sizeBytes: 1n, createdBy: 'key:test', task } });
  const of = { projectId: owner.projectId, modelId, model: 'm', versionId: id, version: 1 };
  const shown = { kind: 'file' as const, name: null, digest: 'cd'.repeat(32) };
  const input = { shown, file: { format: 'csv' as const, idColumns: [], header: true } };
  const made = await db.$transaction((tx) => new ReferenceStore(db).create(tx, { projectId: owner.projectId, actor: 'key:test' }, of, input));
  const runs = new ReferenceRunStore(db);
  const claim = await runs.claim(made.id);
  if (typeof claim === 'string') throw new Error(claim);
  expect(await runs.complete(claim, body)).toBe(true);
  return id;
}

/** Records of an hour, and its counts. */
async function answer(atHour: number, rows: Rows) {
  const count = rows.predicted.length;
  const startMs = firstHour + atHour * hour;
  const records = rows.predicted.map((predicted, row) => ({
    ...{
      atMs: startMs + Math.floor((row * hour) / count),
      id: newId('prd'),
      row: 0,
      deploymentId: owner.deploymentId,
      revisionId: 'rev_1',
      versionId,
    },
    ...{ versionNumber: 1, clientId: `c${atHour}-${row}`, predicted, predictedNumber: null, score: rows.score[row] ?? null, queueMicros: null },
    ...{ computeMicros: 1, rows: 1, probability: 1, slices: null, joinKey: null, outputs: null, inputs: null },
  }));
  const store = new PredictionStore(database.pool, countPredicted);
  expect(await store.insert(records, new Map([[owner.deploymentId, owner.projectId]]))).toBe(count);
  const values = [rows.x, rows.predicted, rows.score];
  const profile = countColumns(body.layout, count, (index) => values[index]);
  await new ProfileWindowStore(database.pool).write([
    { deploymentId: owner.deploymentId, versionId, versionNumber: 1, startMs, source: 'ins_1.1', isClosed: true, profile },
  ]);
  return { records, labels: rows.labels };
}

async function label({ records, labels }: Awaited<ReturnType<typeof answer>>): Promise<void> {
  const at = new Date();
  const known = records.map(({ atMs, id, predicted, score }, row) => ({ atMs, id, predicted, score, label: labels[row] ?? '' }));
  await database.pool.query(
    `insert into telemetry.labelled_predictions (at, prediction_id, "row", deployment_id, version_number, predicted, score, label, first_at, received_at)
     select to_timestamp(k.at_ms / 1000.0), k.id, 0, $1, 1, k.predicted, k.score, k.label, $2, $2
     from unnest($3::float8[], $4::text[], $5::text[], $6::float8[], $7::text[]) as k(at_ms, id, predicted, score, label)`,
    [owner.deploymentId, at, ...(['atMs', 'id', 'predicted', 'score', 'label'] as const).map((key) => known.map((one) => one[key]))],
  );
}

/** A round some minutes after the end of an hour. */
function judgeAt(closedHours: number) {
  const deployment = { ...owner, deployment: 'd', modelId: 'mdl', versions: [{ versionId, version: 1, task, isServing: true }], ...watched };
  return judge.judge(deployment, firstHour + closedHours * hour + 5 * 60_000);
}

const watched = {
  settings: { alarmsPerMonth: 1, drift: { minEffect: 0.1, ignore: [] }, reference: { learnRows: 1_000 }, labels: { latenessDays: 90 } },
  slices: [],
  replicas: 1,
  isSuspended: false,
  changedAtMs: 0,
};

const keep = (judged: Awaited<ReturnType<typeof judgeAt>>) => new JudgementStore(database.pool).write(owner, judged);
