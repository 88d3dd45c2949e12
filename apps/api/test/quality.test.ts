import { LabelFileAccepted, Problem, QualitySeries, type Task } from '@slipway/contracts';
import { countPredicted, type PredictionRow, PredictionStore, parsePredictionRef } from '@slipway/metrics';
import { newId, toJson } from '@slipway/platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminKey, startApi, type TestApi } from './start-api.js';

let api: TestApi;
let name: string;
let ids: string[];
const task: Task = { kind: 'binary', rowAxis: 0, classes: [0, 1], positiveClass: 1, predictionOutput: 'label' };

beforeAll(async () => {
  api = await startApi();
  const { db, pool } = api.database;
  const [modelId, versionId] = [newId('mdl'), newId('ver')];
  name = `q${modelId.slice(-10)}`;
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name.toLowerCase(), nextVersion: 2 } });
  const signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
  const version = { id: versionId, modelId, number: 1, status: 'READY', digest: 'a'.repeat(64), sizeBytes: 1n, createdBy: 'key:test' };
  await db.version.create({ data: { ...version, signature: toJson(signature), task: toJson(task) } });
  expect((await api.call('POST', '/v1/deployments', { name, model: name, version: 1 })).status).toBe(201);
  const row = await db.deployment.findFirstOrThrow({ where: { name }, include: { revisions: true } });
  const rows = Array.from({ length: 240 }, (_, at): PredictionRow => {
    const id = newId('prd');
    const owner = { deploymentId: row.id, revisionId: row.revisions[0]?.id ?? '', versionId, versionNumber: 1, clientId: null, row: 0, rows: 1 };
    const kept = {
      queueMicros: 1,
      computeMicros: 1,
      probability: 1,
      outputs: null,
      inputs: null,
      joinKey: `order-${at}`,
      slices: { city: at % 3 === 0 ? 'Bern' : 'Uster' },
    };
    return {
      ...owner,
      ...kept,
      id,
      atMs: parsePredictionRef(id)?.atMs ?? 0,
      predicted: String(at % 2),
      predictedNumber: at % 2,
      score: at % 2 === 1 ? 0.9 : 0.1,
    };
  });
  ids = rows.map(({ id }) => id);
  await new PredictionStore(pool, countPredicted).insert(rows, new Map([[row.id, 'prj_default']]));
});
afterAll(() => api.close());

async function send(type: string, body: string | Buffer) {
  const answer = await fetch(`${api.url}/v1/deployments/${name}/labels`, {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${adminKey}` },
    body,
  });
  return { status: answer.status, body: await answer.json() };
}

it('takes lines of JSON, and one that is no label keeps no other from being taken', async () => {
  const good = ids.slice(0, 120).map((predictionId, at) => JSON.stringify({ predictionId, label: at % 10 === 0 ? 1 - (at % 2) : at % 2 }));
  const lines = [
    ...good.slice(0, 2),
    '{"predictionId": "a"',
    '',
    '{"label": 1}',
    JSON.stringify({ predictionId: ids[0], label: 7 }),
    'x'.repeat(20_000),
    ...good.slice(2),
  ];
  const { status, body } = await send('application/x-ndjson', lines.join('\r\n'));
  expect(status).toBe(200);
  const taken = LabelFileAccepted.parse(body);
  expect(taken).toMatchObject({ rows: 124, counts: { matched: 120, duplicate: 0 }, rejected: 4 });
  expect(taken.errors).toEqual([
    { line: 3, message: expect.stringContaining('expected a JSON object, but got') },
    { line: 5, message: expect.stringContaining('expected exactly one of "predictionId", "clientId" and "joinKey"') },
    { line: 6, message: 'expected one of the classes 0, 1, but got 7' },
    { line: 7, message: 'expected at most 16384 bytes in a line' },
  ]);
  expect(taken.results?.[2]).toEqual({ line: 8, result: 'matched' });
  expect(LabelFileAccepted.parse((await send('application/x-ndjson', good.join('\n'))).body).counts.duplicate).toBe(120);
});

it('takes comma-separated values by join key, with quotes and empty cells', async () => {
  const cells = ids.slice(120).map((_, at) => `"order-${120 + at}",${at % 2 === 0 ? 'false' : '1'},`);
  const { status, body } = await send(
    'text/csv; charset=utf-8',
    ['\uFEFFjoinKey,label,source', ...cells, 'order-1,maybe,', 'order-2', 'nobody,1,'].join('\n'),
  );
  expect(status).toBe(200);
  expect(LabelFileAccepted.parse(body)).toMatchObject({
    rows: 123,
    counts: { matched: 120, unmatched: 1 },
    rejected: 2,
    errors: [
      { line: 122, message: 'expected one of the classes 0, 1, but got "maybe"' },
      { line: 123, message: 'expected 3 cells, but got 1' },
    ],
  });
});

it.each([
  { type: 'text/csv', body: 'id,label\na,1\n', status: 400, says: /expected columns of predictionId, clientId, joinKey, label, observedAt, source/ },
  { type: 'text/csv', body: 'label\n1\n', status: 400, says: /one of predictionId, clientId, joinKey/ },
  { type: 'application/x-ndjson', body: '\n\n', status: 400, says: /expected at least one label/ },
  { type: 'application/x-ndjson', body: '{}\n[]\n', status: 422, says: /^line 1: .*\(and 1 more\)$/ },
  { type: 'application/octet-stream', body: 'x', status: 415, says: /application\/x-ndjson or text\/csv/ },
])('refuses $type $body', async ({ type, body, status, says }) => {
  const answer = await send(type, body);
  expect(answer.status).toBe(status);
  expect(Problem.parse(answer.body).detail).toMatch(says);
});

it('answers every metric per step, version and slice, and as rows', async () => {
  const quality = QualitySeries.parse((await api.call('GET', `/v1/deployments/${name}/quality`)).body);
  expect(quality.versions[0]).toMatchObject({ predicted: 240, labelled: 240, accuracy: { n: 240, verdict: 'ok' } });
  for (const metric of ['rocAuc', 'prAuc', 'logLoss', 'brier', 'mcc', 'kappa', 'balancedAccuracy', 'f1Weighted', 'ece'])
    expect(quality.versions[0]?.metrics[metric]?.value).toEqual(expect.any(Number));
  expect(quality.slices.map(({ slice, labelled }) => [slice, labelled]).sort()).toEqual([
    ['city=Bern', 80],
    ['city=Uster', 160],
  ]);
  expect(quality.worst.length).toBeGreaterThan(0);
  expect(quality.estimated?.off).toEqual(expect.any(String));
  const bern = QualitySeries.parse((await api.call('GET', `/v1/deployments/${name}/quality?slice=city=Bern`)).body);
  expect(bern).toMatchObject({ slice: 'city=Bern', versions: [{ predicted: 80, labelled: 80 }] });
  const csv = await fetch(`${api.url}/v1/deployments/${name}/quality?format=csv`, { headers: { authorization: `Bearer ${adminKey}` } });
  expect(csv.headers.get('content-type')).toMatch(/^text\/csv/);
  expect((await csv.text()).split('\n')[0]).toMatch(/^at,version,predicted,labelled,maturity,.*accuracy,accuracy_lower/);
});

it('answers late what is older than the deployment allows', async () => {
  const put = await api.call('PUT', `/v1/deployments/${name}/watch`, { labels: { latenessDays: 1 } });
  expect(put.status).toBe(200);
  // A ULID of three days ago.
  const time = Date.now() - 3 * 86_400_000;
  const id = `prd_${encodeTime(time)}${ids[0]?.slice(14) ?? ''}`;
  const { body } = await send('application/x-ndjson', JSON.stringify({ predictionId: id, label: 1 }));
  expect(LabelFileAccepted.parse(body).counts).toMatchObject({ late: 1 });
});

function encodeTime(ms: number): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let [text, left] = ['', ms];
  for (let at = 0; at < 10; at += 1) {
    text = `${alphabet[left % 32]}${text}`;
    left = Math.floor(left / 32);
  }
  return text;
}
