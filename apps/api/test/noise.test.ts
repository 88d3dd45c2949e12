import { NoiseSeries } from '@slipway/contracts';
import { binsOf, JudgementStore, type NoiseWindow, NoiseWindowStore, noiseReferenceOf, noTotals } from '@slipway/metrics';
import { newId, toJson } from '@slipway/platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
let name: string;
let deploymentId: string;
const hourMs = 3_600_000;
const nowHourMs = Math.floor(Date.now() / hourMs) * hourMs;

beforeAll(async () => {
  api = await startApi();
  const { db } = api.database;
  const [modelId, versionId] = [newId('mdl'), newId('ver')];
  name = `n${modelId.slice(-10)}`;
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name.toLowerCase(), nextVersion: 2 } });
  const noise = { repeat: noiseReferenceOf([{ relative: 0, labels: 5, flips: 0 }]) };
  const footprint = { loadMs: 1, runMs: 1, rssBytes: 1, noise };
  const signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
  const version = { id: versionId, modelId, number: 1, status: 'READY', digest: 'a'.repeat(64), sizeBytes: 1n, createdBy: 'key:test' };
  await db.version.create({ data: { ...version, signature: toJson(signature), footprint: toJson(footprint) } });
  expect((await api.call('POST', '/v1/deployments', { name, model: name, version: 1 })).status).toBe(201);
  deploymentId = (await db.deployment.findFirstOrThrow({ where: { name } })).id;
});
afterAll(() => api.close());

function window(probe: NoiseWindow['owner']['probe'], startAtMs: number, sizes: readonly number[], runs: number): NoiseWindow {
  const owner = { projectId: 'prj_default', deploymentId, deployment: name, version: 1, probe, otherVersion: 0 };
  const sums = { n: sizes.length, runs, labels: 5, flips: 1, varianceSum: 2 * sizes.length, relativeMax: Math.max(0, ...sizes), bins: binsOf(sizes) };
  return { owner, startAtMs, totals: { ...noTotals(), ...sums } };
}

it('shows what was measured by the hour, with what is usual, what it cost, and the judgements; as CSV too', async () => {
  const path = `/v1/deployments/${name}/noise`;
  expect(NoiseSeries.parse((await api.call('GET', path)).body)).toMatchObject({
    stepSeconds: 3_600,
    probes: [],
    judgements: [],
    budget: { extraRuns: 0, ratio: null },
  });
  await new NoiseWindowStore(api.database.pool, 'test').write([
    window('repeat', nowHourMs - 2 * hourMs, [0, 0], 10),
    window('repeat', nowHourMs - hourMs, [0, 0.5], 10),
    window('jitter', nowHourMs - hourMs, [0.01], 16),
  ]);
  const judged = { kind: 'noise' as const, subject: 'repeat', version: 1, slice: '', fromMs: nowHourMs - hourMs, toMs: nowHourMs };
  const judgement = { value: 0.5, interval: null, n: 2, threshold: 1e-6, verdict: 'alarm' as const, reason: 'It differs.', evidence: {} };
  await new JudgementStore(api.database.pool).write({ projectId: 'prj_default', deploymentId }, [{ ...judged, ...judgement }]);

  const series = NoiseSeries.parse((await api.call('GET', path)).body);
  expect(series.probes.map(({ probe, version, baseline, points }) => [probe, version, baseline?.source, points.length])).toEqual([
    ['repeat', 1, 'validation', 2],
    ['jitter', 1, undefined, 1],
  ]);
  const last = series.probes[0]?.points.at(-1);
  expect(last).toMatchObject({ at: new Date(nowHourMs - hourMs).toISOString(), n: 2, runs: 10, max: 0.5, meanVariance: 2, flipRatio: 0.2 });
  // To a third of its value: measurements are kept in bins.
  expect(last?.p95).toBeGreaterThan(0.4);
  expect(last?.p95).toBeLessThan(0.6);
  expect(series.budget).toMatchObject({ requests: 0, extraRuns: 36, ratio: null });
  expect(series.judgements).toMatchObject([{ subject: 'repeat', verdict: 'alarm', reason: 'It differs.' }]);

  const hours = NoiseSeries.parse((await api.call('GET', `${path}?from=${new Date(nowHourMs - 48 * hourMs).toISOString()}&step=86400`)).body);
  expect(hours.stepSeconds).toBe(86_400);
  expect(hours.probes[0]?.points.reduce((sum, { n }) => sum + n, 0)).toBe(4);
  const other = NoiseSeries.parse((await api.call('GET', `${path}?version=2`)).body);
  expect([other.probes, other.judgements]).toEqual([[], []]);

  const csv = await api.call('GET', `${path}?format=csv`);
  expect(csv.headers.get('content-type')).toContain('text/csv');
  const [head, ...rows] = String(csv.body).trim().split('\r\n');
  expect(head).toBe('at,probe,version,n,failed,runs,p50,p95,max,meanVariance,flipRatio');
  expect(rows.map((row) => row.split(',').slice(1, 4))).toEqual([
    ['repeat', '1', '2'],
    ['repeat', '1', '2'],
    ['jitter', '1', '1'],
  ]);
  expect((await api.call('GET', '/v1/deployments/absent/noise')).status).toBe(404);
});
