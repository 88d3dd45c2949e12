import { DriftSeries } from '@slipway/contracts';
import { buildReference, countColumns, layoutOf, ProfileWindowStore, ReferenceRunStore, ReferenceStore } from '@slipway/metrics';
import { seededRandom } from '@slipway/metrics/noise';
import { newId, toJson } from '@slipway/platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
let name: string;
let deploymentId: string;
let versionId: string;
let modelId: string;
const hourMs = 3_600_000;
const nowHourMs = Math.floor(Date.now() / hourMs) * hourMs;
const random = seededRandom(11);
const columns = layoutOf([
  { name: 'age', side: 'input', tensor: 'age', index: 0, kind: 'numeric' },
  { name: 'size', side: 'input', tensor: 'size', index: 0, kind: 'numeric' },
]);
const valuesOf = (rows: number, shift: number) => [
  Float64Array.from({ length: rows }, () => random() + shift),
  Float64Array.from({ length: rows }, () => random()),
];

beforeAll(async () => {
  api = await startApi();
  const { db } = api.database;
  [modelId, versionId] = [newId('mdl'), newId('ver')];
  name = `d${modelId.slice(-10)}`;
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name.toLowerCase(), nextVersion: 2 } });
  const signature = { inputs: [{ name: 'age', datatype: 'FP32', shape: [-1, 1] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
  const version = { id: versionId, modelId, number: 1, status: 'READY', digest: 'a'.repeat(64), sizeBytes: 1n, createdBy: 'key:test' };
  await db.version.create({ data: { ...version, signature: toJson(signature) } });
  expect((await api.call('POST', '/v1/deployments', { name, model: name, version: 1 })).status).toBe(201);
  deploymentId = (await db.deployment.findFirstOrThrow({ where: { name } })).id;
});
afterAll(() => api.close());

const ask = async (query = '') => DriftSeries.parse((await api.call('GET', `/v1/deployments/${name}/drift?version=1${query}`)).body);

it('says why there is nothing, then shows each column beside its reference, ranked, and one of them bin by bin; as CSV too', async () => {
  expect(await ask()).toMatchObject({
    ...{ version: 1, reference: null, learning: { rows: 0, wanted: 1_000 }, columns: [], span: null },
    off: 'Version 1 has no reference yet: 0 of 1000 rows are learned.',
  });

  const { db, pool } = api.database;
  const body = buildReference({ layout: columns, rows: 2_000, values: valuesOf(2_000, 0) });
  const by = { projectId: 'prj_default', actor: 'key:test' };
  const input = {
    shown: { kind: 'file' as const, name: null, digest: 'cd'.repeat(32) },
    file: { format: 'csv' as const, idColumns: [], header: true },
  };
  const owner = { projectId: by.projectId, modelId, model: name, versionId, version: 1 };
  const made = await db.$transaction((tx) => new ReferenceStore(db).create(tx, by, owner, input));
  const runs = new ReferenceRunStore(db);
  const claim = await runs.claim(made.id);
  if (typeof claim === 'string') throw new Error(claim);
  expect(await runs.complete(claim, body)).toBe(true);
  expect((await ask()).off).toBe('No rows were counted in this span since the reference is in place.');

  for (const hour of [2, 1]) {
    const values = valuesOf(400, 0.5);
    const profile = countColumns(body.layout, 400, (index) => values[index]);
    const totals = { deploymentId, versionId, versionNumber: 1, startMs: nowHourMs - hour * hourMs, source: 'ins_1.1', isClosed: true, profile };
    await new ProfileWindowStore(pool).write([totals]);
  }
  const seen = await ask();
  expect(seen).toMatchObject({
    off: null,
    rows: 800,
    stepSeconds: 3_600,
    reference: { id: made.id, source: 'uploaded', rows: 2_000 },
    learning: null,
    detail: null,
  });
  expect(seen.span).toMatchObject({ verdict: 'alarm', n: 800 });
  expect(seen.columns.map(({ column, span }) => [column, span.verdict])).toEqual([
    ['age', 'alarm'],
    ['size', 'ok'],
  ]);
  expect(seen.columns[0]?.quality).toMatchObject({ verdict: 'alarm', reason: expect.stringContaining("beyond the reference's range") });
  expect(seen.columns[0]?.points.map(({ at, n }) => [at, n])).toEqual([2, 1].map((hour) => [new Date(nowHourMs - hour * hourMs).toISOString(), 400]));

  const { detail } = await ask('&column=age');
  expect(detail).toMatchObject({ column: 'age', referenceRows: 2_000, nowRows: 800 });
  expect(detail?.bins.reduce((sum, { now }) => sum + now, 0)).toBe(800);
  const wrong = await api.call('GET', `/v1/deployments/${name}/drift?version=1&column=nothing`);
  expect([wrong.status, wrong.body]).toEqual([
    400,
    expect.objectContaining({ detail: 'Expected "column" to be one of "age", "size", but got "nothing".' }),
  ]);

  const csv = await api.call('GET', `/v1/deployments/${name}/drift?version=1&format=csv`);
  expect(csv.headers.get('content-type')).toContain('text/csv');
  const [head, ...rows] = String(csv.body).trim().split('\r\n');
  expect(head?.split(',').slice(0, 5)).toEqual(['at', 'column', 'side', 'n', 'effect']);
  expect(rows.map((row) => row.split(',')[1])).toEqual(['age', 'age', 'size', 'size']);
});
