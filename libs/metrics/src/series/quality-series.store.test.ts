import type { Task } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { ulid } from 'ulid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countPredicted } from '../quality/quality-window.store.js';
import { LabelStore } from '../records/label.store.js';
import { PredictionStore } from '../records/prediction.store.js';
import type { PredictionRow } from '../records/spool-line.js';
import { QualitySeriesStore } from './quality-series.store.js';
import { iso, seriesFrame } from './series-frame.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const start = Math.floor(Date.now() / 60_000) * 60_000 - 600_000;
const binary: Task = { kind: 'binary', rowAxis: 0, classes: ['benign', 'malignant'], positiveClass: 'malignant' };

interface Given {
  readonly atMs: number;
  readonly version: number;
  readonly predicted: string | number;
  readonly label?: string | number;
}

/** Stores predictions with their labels as they arrive in production. */
async function given(deploymentId: string, rows: readonly Given[]): Promise<string[]> {
  const stored = rows.map(({ atMs, version, predicted }): PredictionRow => {
    const id = `prd_${ulid(atMs)}`;
    const value = typeof predicted === 'number' ? { predicted: null, predictedNumber: predicted } : { predicted, predictedNumber: null };
    const owner = { deploymentId, revisionId: `rev_${version}`, versionId: `ver_${version}`, versionNumber: version };
    const kept = { queueMicros: null, probability: 1, slices: null, joinKey: null, outputs: null, inputs: null };
    return { ...owner, ...value, ...kept, atMs, id, row: 0, clientId: null, score: null, computeMicros: 1, rows: 1 };
  });
  await new PredictionStore(database.pool, countPredicted).insert(stored, new Map([[deploymentId, 'prj_default']]));
  const labels = stored.flatMap(({ id }, at) => {
    const label = rows[at]?.label;
    if (label === undefined) return [];
    const value = typeof label === 'number' ? { label: null, labelNumber: label } : { label, labelNumber: null };
    return [{ predictionId: id, source: '', observedAt: null, ...value }];
  });
  await new LabelStore(database.pool, 86_400).record({ projectId: 'prj_default', deploymentId }, labels);
  return stored.map(({ id }) => id);
}

const frameOf = (nowMs: number) => seriesFrame({ from: iso(start), to: iso(start + 180_000), step: 60 }, nowMs);

it('shows the version with swapped answers get worse, in the window of its predictions', async () => {
  const rows: Given[] = [];
  for (let at = 0; at < 120; at += 1) {
    const label = at % 4 === 0 ? 'malignant' : 'benign';
    rows.push({ atMs: start + at, version: 2, predicted: label, label });
    rows.push({ atMs: start + 60_000 + at, version: 3, predicted: label === 'benign' ? 'malignant' : 'benign', label });
  }
  rows.push({ atMs: start + 60_000, version: 3, predicted: 'benign' });
  await given('dep_swap', rows);
  const now = start + 170_000;
  const store = new QualitySeriesStore(database.pool);
  const series = await store.series({ deploymentId: 'dep_swap', frame: frameOf(now), nowMs: now, task: binary });
  expect(series).toMatchObject({ taskKind: 'binary', average: 'binary', off: null });
  expect(series.total.map(({ version, predicted, labelled, accuracy }) => [version, predicted, labelled, accuracy?.value ?? null])).toEqual([
    [2, 120, 120, 1],
    [3, 121, 120, 0],
    [0, 0, 0, null],
  ]);
  expect(series.versions.map(({ version, recall, f1 }) => [version, recall?.value, f1?.value])).toEqual([
    [2, 1, 1],
    [3, 0, 0],
  ]);
  expect(series.byVersion.map(({ version, points }) => [version, points.map(({ labelled }) => labelled)])).toEqual([
    [2, [120, 0, 0]],
    [3, [0, 120, 0]],
  ]);
  expect(series.confusion).toEqual({
    classes: ['benign', 'malignant'],
    counts: [
      [90, 90],
      [30, 30],
    ],
  });
  const second = await store.series({ deploymentId: 'dep_swap', frame: frameOf(now), nowMs: now, task: binary, version: 2 });
  expect(second.versions).toHaveLength(1);
  expect(second.confusion?.counts).toEqual([
    [90, 0],
    [0, 30],
  ]);
});

it('counts a prediction once, under its newest label, when several sources gave one', async () => {
  const [id] = await given('dep_twice', [{ atMs: start, version: 1, predicted: 'benign', label: 'malignant' }]);
  const labels = new LabelStore(database.pool, 86_400);
  const again = { predictionId: id ?? '', source: 'laboratory', label: 'benign', labelNumber: null, observedAt: null };
  await labels.record({ projectId: 'prj_default', deploymentId: 'dep_twice' }, [again]);
  const now = start + 60_000;
  const series = await new QualitySeriesStore(database.pool).series({ deploymentId: 'dep_twice', frame: frameOf(now), nowMs: now, task: binary });
  expect(series.versions[0]).toMatchObject({ labelled: 1, accuracy: { value: 1, verdict: 'insufficient' } });
});

it('measures a regression by its errors', async () => {
  await given(
    'dep_value',
    Array.from({ length: 120 }, (_, at) => ({ atMs: start + at, version: 1, predicted: at + (at % 2 === 0 ? 1 : -3), label: at })),
  );
  const now = start + 60_000;
  const task: Task = { kind: 'regression', rowAxis: 0 };
  const series = await new QualitySeriesStore(database.pool).series({ deploymentId: 'dep_value', frame: frameOf(now), nowMs: now, task });
  expect(series).toMatchObject({ taskKind: 'regression', average: null, confusion: null });
  expect(series.total[0]).toMatchObject({ labelled: 120, accuracy: null, mae: { value: 2, verdict: 'ok' } });
  expect(series.total[0]?.rmse?.value).toBeCloseTo(Math.sqrt(5), 12);
});

it.each([
  { task: undefined, says: /has no task/ },
  { task: { kind: 'other', rowAxis: null } satisfies Task, says: /"other"/ },
])('says why it is off', async ({ task, says }) => {
  const series = await new QualitySeriesStore(database.pool).series({ deploymentId: 'dep_x', frame: frameOf(start), nowMs: start, task });
  expect(series.off).toMatch(says);
  expect(series.total).toEqual([]);
});
