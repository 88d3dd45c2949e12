import { spawnSync } from 'node:child_process';
import type { Task } from '@slipway/contracts';
import { LabelsAccepted, PredictionPage, Problem, QualitySeries, ResourceSeries, ServingSeries } from '@slipway/contracts';
import {
  createRegistry,
  type PredictionRow,
  PredictionStore,
  parsePredictionRef,
  recordKey,
  ServingRecorder,
  ServingWindowStore,
} from '@slipway/metrics';
import { newId, sealBytes, toJson } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const binary: Task = { kind: 'binary', rowAxis: 0, classes: ['benign', 'malignant'], positiveClass: 'malignant', predictionOutput: 'label' };

interface Deployed {
  readonly name: string;
  readonly id: string;
  readonly revisionId: string;
  readonly versionId: string;
}

/** A deployment of a validated version; nothing runs it, which charts and labels do not need. */
async function deployed(task: Task | null = binary): Promise<Deployed> {
  const { db } = api.database;
  const [modelId, versionId] = [newId('mdl'), newId('ver')];
  const name = `n${modelId.slice(-10)}`;
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name.toLowerCase(), nextVersion: 2 } });
  const version = { id: versionId, modelId, number: 1, status: 'READY', digest: 'a'.repeat(64), sizeBytes: 1n, createdBy: 'key:test' };
  const signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
  await db.version.create({ data: { ...version, signature: toJson(signature), ...(task === null ? {} : { task: toJson(task) }) } });
  const made = await api.call('POST', '/v1/deployments', { name, model: name, version: 1 });
  expect(made.status).toBe(201);
  const row = await db.deployment.findFirstOrThrow({ where: { name }, include: { revisions: true } });
  return { name, id: row.id, revisionId: row.revisions[0]?.id ?? '', versionId };
}

function recordOf(deployment: Deployed, id: string, value: string | number, row: number, rows: number): PredictionRow {
  return {
    // The rows are filed under the time inside the id.
    atMs: parsePredictionRef(id)?.atMs ?? 0,
    id,
    row,
    deploymentId: deployment.id,
    revisionId: deployment.revisionId,
    versionId: deployment.versionId,
    versionNumber: 1,
    clientId: null,
    predicted: typeof value === 'string' ? value : null,
    predictedNumber: typeof value === 'number' ? value : null,
    score: 0.75,
    queueMicros: 7,
    computeMicros: 42,
    rows,
    probability: 1,
    slices: null,
    joinKey: null,
    outputs: null,
    inputs: null,
  };
}

async function predicted(deployment: Deployed, predictions: readonly (string | number)[], over: { clientId?: string } = {}): Promise<string> {
  const id = newId('prd');
  const rows = predictions.map((value, row) => ({ ...recordOf(deployment, id, value, row, predictions.length), clientId: over.clientId ?? null }));
  await new PredictionStore(api.database.pool).insert(rows, new Map([[deployment.id, 'prj_default']]));
  return id;
}
const label = (name: string, labels: unknown, headers?: Record<string, string>) =>
  api.call('POST', `/v1/deployments/${name}/labels`, { labels }, headers);

it('charts what a gateway counted', async () => {
  const { id, name, revisionId } = await deployed();
  const recorder = new ServingRecorder({ registry: createRegistry('test') });
  for (let at = 0; at < 30; at += 1) {
    recorder.record({
      projectId: 'prj_default',
      deploymentId: id,
      deployment: name,
      revisionId,
      revision: 1,
      versionNumber: 1,
      role: 'stable',
      outcome: at % 10 === 0 ? 'runtime_error' : 'success',
      durationSeconds: 0.02,
      queueSeconds: 0.001,
      computeSeconds: 0.01,
      rows: 2,
      requestBytes: 10,
      responseBytes: 10,
    });
  }
  await new ServingWindowStore(api.database.pool, 'gateway').write(recorder.takeDirty());
  const answer = await api.call('GET', `/v1/deployments/${name}/serving`);
  expect(answer.status).toBe(200);
  const series = ServingSeries.parse(answer.body);
  expect(series.stepSeconds).toBe(30);
  expect(series.total.length).toBeGreaterThanOrEqual(120);
  expect(series.total.length).toBeLessThanOrEqual(121);
  const sum = series.total.reduce((total, point) => total + point.requests, 0);
  expect(sum).toBe(30);
  expect(series.versions.map(({ version }) => version)).toEqual([1]);
  expect(series.total.find(({ requests }) => requests > 0)).toMatchObject({ errorRatio: 0.1, rows: 60 });
  const resources = ResourceSeries.parse((await api.call('GET', `/v1/deployments/${name}/resources`)).body);
  expect(resources.total.every(({ cpuCores, instances }) => cpuCores === null && instances === 0)).toBe(true);
});

it.each([
  { query: 'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', says: /Expected "from" before "to"/ },
  { query: 'from=yesterday', says: /from/ },
  { query: 'step=1', says: /step/ },
  { query: 'version=0', says: /version/ },
  { query: 'color=red', says: /color/ },
])('refuses the window $query', async ({ query, says }) => {
  const { name } = await deployed();
  const answer = await api.call('GET', `/v1/deployments/${name}/serving?${query}`);
  expect(answer.status).toBe(400);
  expect(Problem.parse(answer.body).detail).toMatch(says);
});

it('takes labels and turns them into quality', async () => {
  const deployment = await deployed();
  const ids: string[] = [];
  for (let at = 0; at < 40; at += 1) ids.push(await predicted(deployment, [at % 4 === 0 ? 'malignant' : 'benign']));
  const labels = ids.map((predictionId, at) => ({ predictionId, label: at % 2 === 0 ? 'malignant' : 'benign' }));
  const answer = await label(deployment.name, labels);
  expect(answer.status).toBe(200);
  expect(LabelsAccepted.parse(answer.body).counts).toEqual({ matched: 40, unmatched: 0, late: 0, duplicate: 0, revised: 0 });
  expect(LabelsAccepted.parse((await label(deployment.name, labels.slice(0, 5))).body).counts.duplicate).toBe(5);
  const quality = QualitySeries.parse((await api.call('GET', `/v1/deployments/${deployment.name}/quality`)).body);
  expect(quality).toMatchObject({ taskKind: 'binary', average: 'binary', off: null });
  expect(quality.versions[0]).toMatchObject({
    predicted: 40,
    labelled: 40,
    accuracy: { value: 0.75, verdict: 'insufficient' },
    recall: { value: 0.5 },
    precision: { value: 1 },
  });
  expect(quality.confusion?.counts).toEqual([
    [20, 0],
    [10, 10],
  ]);
  expect((await (await fetch(`${api.url}/metrics`)).text()).match(/^slipway_labels_total\{.*result="matched"\} (\d+)$/m)?.[1]).toBe('40');
});

it('shows the rows of a prediction with their labels', async () => {
  const deployment = await deployed();
  const id = await predicted(deployment, ['benign', 'malignant'], { clientId: 'order-1' });
  await label(deployment.name, [{ predictionId: `${id}#1`, label: 'benign' }]);
  const answer = await api.call('GET', `/v1/predictions/${id}`);
  expect(answer.body).toMatchObject({
    items: [
      {
        id,
        row: 0,
        deployment: deployment.name,
        model: deployment.name,
        version: 1,
        revision: 1,
        clientId: 'order-1',
        predicted: 'benign',
        score: 0.75,
        label: null,
      },
      { id, row: 1, predicted: 'malignant', label: 'benign', computeMicros: 42 },
    ],
  });
  expect((await api.call('GET', `/v1/predictions/${encodeURIComponent(`${id}#1`)}`)).body).toMatchObject({ items: [{ row: 1 }] });
  for (const other of [newId('prd'), 'nonsense', `${id}%232`]) expect((await api.call('GET', `/v1/predictions/${other}`)).status).toBe(404);
});

it('lists records, newest first, with what they tell of slices, outputs and inputs', async () => {
  const deployment = await deployed();
  const older = await predicted(deployment, ['benign']);
  const id = newId('prd');
  const inputs = [{ name: 'x[0]', how: 'keep', value: 1.5 }];
  const sealed = sealBytes(recordKey(api.platform.masterKey, deployment.id), Buffer.from(JSON.stringify(inputs)), `inputs ${id}#0`);
  const row = {
    ...recordOf(deployment, id, 'malignant', 0, 1),
    probability: 0.25,
    slices: { region: 'north' },
    joinKey: 'order-7',
    outputs: { others: { leaf: [3] } },
    inputs: sealed,
  };
  const damaged = recordOf(deployment, newId('prd'), 'benign', 0, 1);
  await new PredictionStore(api.database.pool).insert([row, { ...damaged, inputs: sealed }], new Map([[deployment.id, 'prj_default']]));
  await label(deployment.name, [{ predictionId: id, label: 'benign' }]);
  const list = async (query: string) => {
    const answer = await api.call('GET', `/v1/deployments/${deployment.name}/predictions${query}`);
    expect(answer.status).toBe(200);
    return PredictionPage.parse(answer.body);
  };
  const page = await list('?limit=2');
  expect(page.items.map((item) => item.id)).toEqual([damaged.id, id]);
  expect(page.items[1]).toMatchObject({
    probability: 0.25,
    slices: { region: 'north' },
    joinKey: 'order-7',
    outputs: { others: { leaf: [3] } },
    inputs,
    queueMicros: 7,
    label: 'benign',
  });
  // Who may only look at how a model is doing does not read what people gave it.
  const { secret } = (await api.call('POST', '/v1/keys', { name: `viewer-${id}`, scopes: ['view'] })).body as { secret: string };
  const viewed = await waitFor(
    async () => {
      const answer = await api.call('GET', `/v1/predictions/${id}`, undefined, { authorization: `Bearer ${secret}` });
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
      return answer.body;
    },
    { what: 'the key to be known' },
  );
  expect(viewed).toMatchObject({ items: [{ id, inputs: null, slices: { region: 'north' } }] });
  // Inputs of another prediction do not open in its place.
  expect(page.items[0]?.inputs).toBeNull();
  expect((await list(`?limit=2&cursor=${page.nextCursor}`)).items.map((item) => item.id)).toEqual([older]);
  expect((await list('?slice=region%3Dnorth&label=wrong&version=1')).items.map((item) => item.id)).toEqual([id]);
  expect((await list('?label=none&to=2001-01-01T00:00:00Z')).items).toEqual([]);
});

it.each(['?slice=north', '?label=bad', '?version=0', '?from=yesterday', '?cursor=x', '?colour=red'])(
  'refuses to list records by %s',
  async (query) => {
    const { name } = await deployed();
    const answer = await api.call('GET', `/v1/deployments/${name}/predictions${query}`);
    expect(answer.status).toBe(400);
    expect(Problem.parse(answer.body).detail.length).toBeGreaterThan(10);
  },
);

it.each([
  { name: 'an object', given: { predictionId: 'prd_x', label: { a: 1 } }, status: 422 },
  { name: 'nothing', given: { predictionId: 'prd_x', label: null }, status: 422 },
  { name: 'no label', given: { predictionId: 'prd_x' }, status: 422 },
  { name: 'an unknown class', given: { predictionId: 'prd_x', label: 'other' }, status: 422 },
  { name: 'a number for a named class', given: { predictionId: 'prd_x', label: 3 }, status: 422 },
  { name: 'a time to come', given: { predictionId: 'prd_x', label: 'benign', observedAt: '2999-01-01T00:00:00Z' }, status: 422 },
  { name: 'no id', given: { label: 'benign' }, status: 400 },
  { name: 'two ids', given: { label: 'benign', predictionId: 'a', clientId: 'b' }, status: 400 },
  { name: 'an unknown field', given: { label: 'benign', predictionId: 'a', colour: 'red' }, status: 400 },
])('refuses a label that is $name with $status', async ({ given, status }) => {
  const { name } = await deployed();
  const answer = await label(name, [{ predictionId: newId('prd'), label: 'benign' }, given]);
  expect([answer.status, Problem.parse(answer.body).code]).toEqual([status, status === 422 ? 'LABEL_INVALID' : 'REQUEST_INVALID']);
  expect(JSON.stringify(answer.body)).toContain('labels.1');
});

it('refuses numbers beyond any double, and too many labels', async () => {
  const { name } = await deployed({ kind: 'regression', rowAxis: 0, predictionOutput: 'y' });
  const huge = await api.call('POST', `/v1/deployments/${name}/labels`, '{"labels":[{"predictionId":"a","label":1e400}]}', {
    'content-type': 'application/json',
  });
  expect([huge.status, Problem.parse(huge.body).code]).toEqual([422, 'LABEL_INVALID']);
  expect((await label(name, [])).status).toBe(400);
  const many = Array.from({ length: 10_001 }, () => ({ clientId: 'a', label: 1 }));
  expect((await label(name, many)).status).toBe(400);
});

it('says why labels and quality are off without a task', async () => {
  const { name } = await deployed(null);
  const refused = await label(name, [{ clientId: 'a', label: 1 }]);
  expect([refused.status, Problem.parse(refused.body).code]).toEqual([409, 'TASK_UNKNOWN']);
  expect(QualitySeries.parse((await api.call('GET', `/v1/deployments/${name}/quality`)).body).off).toMatch(/no task/);
});

it('answers a prediction of another deployment like an unknown one', async () => {
  const [one, two] = [await deployed(), await deployed()];
  const id = await predicted(one, ['benign']);
  const answers = await Promise.all([id, newId('prd')].map((predictionId) => label(two.name, [{ predictionId, label: 'benign' }])));
  expect(answers.map(({ body }) => LabelsAccepted.parse(body).results[0]?.result)).toEqual(['unmatched', 'unmatched']);
});

it('lets a key label that may do nothing else, and no other', async () => {
  const deployment = await deployed();
  const keyOf = async (scopes: string[]) => {
    const made = await api.call('POST', '/v1/keys', { name: `k${newId('key').slice(-8)}`, scopes });
    return { authorization: `Bearer ${Reflect.get(Object(made.body), 'secret')}` };
  };
  const [labeller, viewer] = [await keyOf(['label']), await keyOf(['view'])];
  const body = [{ predictionId: newId('prd'), label: 'benign' }];
  await waitFor(async () => (await label(deployment.name, body, labeller)).status === 200, { what: 'the key to be known' });
  const quality = (headers: Record<string, string>) => api.call('GET', `/v1/deployments/${deployment.name}/quality`, undefined, headers);
  await waitFor(async () => (await quality(viewer)).status === 200, { what: 'the key to be known' });
  expect((await label(deployment.name, body, viewer)).status).toBe(403);
  expect((await quality(labeller)).status).toBe(403);
  expect((await label('no-such', body)).status).toBe(404);
});

it.runIf(spawnSync('promtool', ['--version']).status === 0)('exposes metrics that promtool finds nothing to say about', async () => {
  const answer = await fetch(`${api.url}/metrics`);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await answer.text(), encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
