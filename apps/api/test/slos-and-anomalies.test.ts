import { AnomalySeries, Problem, SloPage, SloSeries, SloView } from '@slipway/contracts';
import { AnomalyPointStore, JudgementStore } from '@slipway/metrics';
import { newId } from '@slipway/platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
let deploymentId: string;
const name = 'promised';
const path = `/v1/deployments/${name}`;
const atMs = Math.floor(Date.now() / 300_000) * 300_000 - 600_000;

beforeAll(async () => {
  api = await startApi();
  const { db } = api.database;
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name, nextVersion: 2 } });
  const version = { id: newId('ver'), modelId, number: 1, status: 'READY', digest: 'a'.repeat(64), sizeBytes: 1n, createdBy: 'key:test' };
  await db.version.create({ data: { ...version, signature: { inputs: [], outputs: [] } } });
  expect((await api.call('POST', '/v1/deployments', { name, model: name, version: 1 })).status).toBe(201);
  deploymentId = (await db.deployment.findFirstOrThrow({ where: { name } })).id;
});
afterAll(() => api.close());

it('takes objectives that can fire and refuses the others with the bound', async () => {
  const made = await api.call('POST', `${path}/slos`, { name: 'answers', kind: 'availability', target: 0.999 });
  expect(made.status).toBe(201);
  expect(SloView.parse(made.body)).toMatchObject({ name: 'answers', periodDays: 30, enabled: true });
  const fast = { name: 'fast', kind: 'latency', target: 0.99, periodDays: 28, thresholdMs: 100 };
  expect((await api.call('POST', `${path}/slos`, fast)).status).toBe(201);
  const refusal = async (body: unknown) => {
    const answer = await api.call('POST', `${path}/slos`, body);
    return [answer.status, Problem.parse(answer.body).detail] as const;
  };
  expect(await refusal({ name: 'weak', kind: 'availability', target: 0.93 })).toEqual([
    422,
    expect.stringContaining('above 93.06 % for a period of 30 days'),
  ]);
  expect(await refusal({ ...fast, name: 'slow', thresholdMs: 40_000 })).toEqual([422, expect.stringContaining('at most 30000 ms')]);
  expect(await refusal({ name: 'right', kind: 'quality', target: 0.99, metric: 'accuracy', threshold: 0.9 })).toEqual([
    422,
    expect.stringContaining('has no task'),
  ]);
  expect(await refusal({ name: 'answers', kind: 'availability', target: 0.99 })).toEqual([409, expect.stringContaining('already has an objective')]);
  expect((await refusal({ name: 'sure', kind: 'availability', target: 1 }))[0]).toBe(400);
  const changed = await api.call('PATCH', `${path}/slos/fast`, { target: 0.995, reason: 'better' });
  expect(SloView.parse(changed.body)).toMatchObject({ target: 0.995, thresholdMs: 100 });
  const list = SloPage.parse((await api.call('GET', `${path}/slos?limit=1`)).body);
  expect([list.items.map((slo) => slo.name), typeof list.nextCursor]).toEqual([['answers'], 'string']);
  expect((await api.call('GET', `${path}/slos/none`)).status).toBe(404);
});

it('shows how objectives stand, without traffic as no data, and as CSV', async () => {
  const series = SloSeries.parse((await api.call('GET', `${path}/slo`)).body);
  expect(series.stepSeconds % 3_600).toBe(0);
  expect(series.objectives.map((slo) => [slo.name, slo.status, slo.budgetRemaining, slo.burn.map(({ factor }) => factor)])).toEqual([
    ['answers', 'no_data', null, [14.4, 6, 3, 1]],
    ['fast', 'no_data', null, [13.44, 5.6, 2.8]],
  ]);
  const csv = await api.call('GET', `${path}/slo?format=csv`);
  expect(String(csv.body).split('\r\n')[0]).toBe('at,objective,bad,valid,errorRatio,budgetRemaining');
});

it('shows watched series with what was expected and judged, and as CSV', async () => {
  const point = { value: 0, expected: 5, band: [4, 6], score: 4.2, isAnomaly: true } as const;
  await new AnomalyPointStore(api.database.pool).write(deploymentId, [
    { ...point, atMs, series: 'traffic' },
    { ...point, atMs: atMs + 300_000, series: 'traffic', band: null, value: 4, isAnomaly: false, score: 0.1 },
  ]);
  const judged = { kind: 'anomaly' as const, subject: 'traffic', version: 0, slice: '', fromMs: atMs, toMs: atMs + 300_000 };
  const judgement = { value: 0, interval: null, n: 0, threshold: null, verdict: 'alarm' as const, reason: 'It has stopped.', evidence: {} };
  await new JudgementStore(api.database.pool).write({ projectId: 'prj_default', deploymentId }, [{ ...judged, ...judgement }]);
  const fine = AnomalySeries.parse((await api.call('GET', `${path}/anomalies?from=${new Date(atMs).toISOString()}&step=300`)).body);
  expect(fine.series.map((each) => [each.name, each.unit, each.points.map(({ value, lower, isAnomaly }) => [value, lower, isAnomaly])])).toEqual([
    [
      'traffic',
      'requests/s',
      [
        [0, 4, true],
        [4, null, false],
      ],
    ],
  ]);
  expect(fine.judgements).toMatchObject([{ subject: 'traffic', verdict: 'alarm', reason: 'It has stopped.' }]);
  const day = AnomalySeries.parse((await api.call('GET', `${path}/anomalies?step=86400&from=${new Date(atMs - 86_400_000 * 2).toISOString()}`)).body);
  expect(day.series[0]?.points.some(({ isAnomaly }) => isAnomaly)).toBe(true);
  const csv = await api.call('GET', `${path}/anomalies?format=csv`);
  expect(String(csv.body).split('\r\n').slice(0, 2)).toEqual([
    'at,series,value,expected,lower,upper,score,isAnomaly',
    expect.stringMatching(/Z,traffic,/),
  ]);
});

it('deletes an objective with an event', async () => {
  expect((await api.call('DELETE', `${path}/slos/answers`)).status).toBe(204);
  expect((await api.call('GET', `${path}/slos/answers`)).status).toBe(404);
  const event = await api.database.db.event.findFirstOrThrow({ where: { action: 'slo.deleted' } });
  expect(event).toMatchObject({ subjectName: `${name}/answers`, before: { target: 0.999 } });
});
