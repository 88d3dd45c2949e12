import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BatchPredictionPage, BatchPredictionView, RowErrorPage } from '@slipway/contracts';
import { newId, newInternalToken, toJson } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { BatchPredictionStore, BatchRunStore, type ClaimedBatch, openArtefactStore } from '@slipway/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminKey, startApi, type TestApi } from './start-api.js';

const fixture = (name: string) => readFile(fileURLToPath(new URL(`../../../libs/tables/fixtures/${name}`, import.meta.url)));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const maxBytes = 200_000;

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ SLIPWAY_MAX_BATCH_BYTES: String(maxBytes) });
  await addModel('pair', { inputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] });
  await addModel('row', {
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [-1] },
      { name: 'word', datatype: 'BYTES', shape: [-1] },
    ],
    outputs: [],
  });
});
afterAll(() => api.close());

/** A model with one version and a deployment of the same name. */
async function addModel(name: string, signature: unknown): Promise<void> {
  const { db } = api.database;
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name, nextVersion: 2 } });
  const task = toJson({ kind: 'other', rowAxis: 0 });
  await db.version.create({
    data: {
      id: newId('ver'),
      modelId,
      number: 1,
      status: 'READY',
      digest: sha256(Buffer.from(name)),
      sizeBytes: 1n,
      signature: toJson(signature),
      task,
      rowsIndependent: true,
      createdBy: 'key:test',
    },
  });
  expect((await api.call('POST', '/v1/deployments', { name, model: name, version: 1 })).status).toBe(201);
}

const query = (fields: Record<string, string>) => `/v1/batch-predictions?${new URLSearchParams({ deployment: 'pair', ...fields })}`;
const send = (body: string | Uint8Array, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  api.call('POST', query(fields), Buffer.from(body), { 'content-type': 'application/octet-stream', ...headers });
const viewOf = (answer: { body: unknown }) => BatchPredictionView.parse(answer.body);
const problem = (status: number, code: string, says: RegExp) => ({
  status,
  body: expect.objectContaining({ code, detail: expect.stringMatching(says) }),
});
const cancelAll = async () => {
  for (const { id } of BatchPredictionPage.parse((await api.call('GET', '/v1/batch-predictions?status=QUEUED&limit=200')).body).items)
    await api.call('POST', `/v1/batch-predictions/${id}/cancel`);
};

/** All that a wish can leave. */
async function everything() {
  const { db } = api.database;
  const files = await readdir(join(api.home, 'artefacts'), { recursive: true }).catch(() => []);
  return {
    rows: await db.batchPrediction.count(),
    jobs: await db.outboxMessage.count({ where: { queue: 'batch' } }),
    events: await db.event.count({ where: { subjectKind: 'batch-prediction' } }),
    staged: await readdir(join(api.home, 'staging')).catch(() => []),
    files: files.filter((name) => name.length > 60).sort(),
  };
}

describe('a batch prediction', () => {
  it('over a CSV file waits for its worker, with its file, its job and its event', async () => {
    const file = Buffer.from('id,a,b\nx,1,2\ny,3,oops\n');
    const answer = await send(file, { fileName: 'rows.csv', columns: '["a","b"]', idColumns: '["id"]', resultFormat: 'csv' });
    expect(answer.status, JSON.stringify(answer.body)).toBe(202);
    const view = viewOf(answer);
    expect(view).toMatchObject({
      deployment: 'pair',
      version: null,
      status: 'QUEUED',
      input: { digest: sha256(file), sizeBytes: file.length, fileName: 'rows.csv', format: 'csv' },
      options: { columns: ['a', 'b'], idColumns: ['id'], header: true },
      resultFormat: 'csv',
      createdBy: 'key:bootstrap',
    });
    expect(await openArtefactStore({ home: api.home }).exists(sha256(file))).toBe(true);
    expect(await api.call('GET', `/v1/batch-predictions/${view.id}`)).toMatchObject({ status: 200, body: view });
    expect(await api.call('GET', `/v1/batch-predictions/${view.id}/result`)).toMatchObject(
      problem(409, 'BATCH_PREDICTION_UNFINISHED', /QUEUED and has no result yet/),
    );
    expect(await api.call('DELETE', `/v1/batch-predictions/${view.id}`)).toMatchObject(
      problem(409, 'BATCH_PREDICTION_UNFINISHED', /cancel it first/),
    );
    expect(await api.call('POST', `/v1/batch-predictions/${view.id}/cancel`)).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
    expect(await api.call('DELETE', `/v1/batch-predictions/${view.id}`)).toMatchObject({ status: 204 });
    expect(await openArtefactStore({ home: api.home }).exists(sha256(file))).toBe(false);
    const actions = await api.database.db.event.findMany({ where: { subjectId: view.id }, orderBy: { sequence: 'asc' } });
    expect(actions.map((event) => event.action)).toEqual(['batch-prediction.created', 'batch-prediction.cancelled', 'batch-prediction.deleted']);
  });

  it('comes as a form as well', async () => {
    const form = new FormData();
    form.append('deployment', 'pair');
    form.append('file', new Blob(['a;b\n1;2\n']), 'rows.csv');
    form.append('idColumns', '["a"]');
    form.append('columns', '["b","a"]');
    const answer = await fetch(`${api.url}/v1/batch-predictions`, { method: 'POST', headers: { authorization: `Bearer ${adminKey}` }, body: form });
    expect(answer.status).toBe(202);
    expect(BatchPredictionView.parse(await answer.json())).toMatchObject({
      input: { fileName: 'rows.csv', format: 'csv' },
      options: { columns: ['b', 'a'] },
    });
  });

  it.each([
    ['zstd.parquet', 'parquet'],
    ['lz4.arrow', 'arrow'],
    ['stream.arrows', 'arrow'],
  ])('over %s is recognised', async (name, format) => {
    const answer = await send(await fixture(name), { deployment: 'row', fileName: name });
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202, body: { input: { format } } });
  });

  it('over a stored file names its digest', async () => {
    const file = Buffer.from('{"p":[1,2]}\n');
    const first = viewOf(await send(file));
    const again = await api.call('POST', '/v1/batch-predictions', { deployment: 'pair', input: { digest: first.input.digest, fileName: 'again' } });
    expect(again).toMatchObject({
      status: 202,
      body: { input: { digest: sha256(file), sizeBytes: file.length, fileName: 'again', format: 'ndjson' } },
    });
    expect(await api.call('POST', '/v1/batch-predictions', { deployment: 'pair', input: { digest: 'ab'.repeat(32) } })).toMatchObject(
      problem(404, 'ARTEFACT_NOT_FOUND', /no file with the SHA-256 abab/),
    );
  });

  it('sent twice under one key is one, as a file and as JSON', async () => {
    await cancelAll();
    const before = await everything();
    const headers = { 'idempotency-key': 'once' };
    const answers = await Promise.all([send('a,b\n5,6\n', {}, headers), send('a,b\n5,6\n', {}, headers), send('a,b\n5,6\n', {}, headers)]);
    expect(new Set(answers.map((answer) => viewOf(answer).id)).size).toBe(1);
    expect(await send('a,b\n7,8\n', {}, headers)).toMatchObject(problem(422, 'IDEMPOTENCY_KEY_REUSED', /another request/));
    const body = { deployment: 'pair', input: { digest: viewOf(answers[0]).input.digest } };
    const named = [
      await api.call('POST', '/v1/batch-predictions', body, { 'idempotency-key': 'twice' }),
      await api.call('POST', '/v1/batch-predictions', body, { 'idempotency-key': 'twice' }),
    ];
    expect(new Set(named.map((answer) => viewOf(answer).id)).size).toBe(1);
    expect((await everything()).rows).toBe(before.rows + 2);
  });
});

describe('a wish that cannot be done leaves nothing behind', () => {
  it.each<[string, () => Promise<{ status: number; body: unknown }>, number, string, RegExp]>([
    ['an unknown deployment', () => send('a,b\n1,2\n', { deployment: 'nowhere' }), 404, 'DEPLOYMENT_NOT_FOUND', /nowhere/],
    ['a version that is not served', () => send('a,b\n1,2\n', { version: '7' }), 404, 'VERSION_NOT_FOUND', /does not serve version 7/],
    [
      'no deployment',
      () => api.call('POST', '/v1/batch-predictions', Buffer.from('a,b\n'), { 'content-type': 'application/octet-stream' }),
      400,
      'REQUEST_INVALID',
      /deployment/,
    ],
    ['an unknown field', () => send('a,b\n1,2\n', { colour: 'red' }), 400, 'REQUEST_INVALID', /colour/],
    ['a field of a wrong shape', () => send('a,b\n1,2\n', { columns: 'a,b' }), 400, 'REQUEST_INVALID', /columns: expected JSON text/],
    ['a column twice', () => send('a,b\n1,2\n', { columns: '["a","a"]' }), 400, 'REQUEST_INVALID', /each column once/],
    ['columns that do not fit', () => send('a,b,c\n1,2,3\n'), 422, 'TABLE_MAPPING_REFUSED', /takes 2 values per row; the file has 3 columns/],
    ['an id column that is not there', () => send('a,b\n1,2\n', { idColumns: '["id"]' }), 422, 'TABLE_MAPPING_REFUSED', /no column "id"/],
    ['an empty file', () => send(''), 422, 'TABLE_UNREADABLE', /empty/],
    ['a workbook', () => send('PK\x03\x04xxxx', { fileName: 'rows.xlsx' }), 422, 'TABLE_UNREADABLE', /Excel/],
    ['a cut Parquet file', async () => send((await fixture('zstd.parquet')).subarray(0, 5_000)), 422, 'TABLE_UNREADABLE', /cut/],
    [
      'an Arrow file that refers to itself',
      async () => {
        const bytes = await fixture('uncompressed.arrow');
        bytes.writeUInt32LE(0x7fffffff, 12);
        return send(bytes);
      },
      422,
      'TABLE_UNREADABLE',
      /Arrow/,
    ],
    ['another file than was said', () => send('a,b\n1,2\n', { digest: 'ab'.repeat(32) }), 422, 'ARTEFACT_DIGEST_MISMATCH', /abab/],
    ['another format than was said', () => send('a,b\n1,2\n', { format: 'parquet' }), 422, 'TABLE_UNREADABLE', /said to be parquet/],
    ['a file over the limit', () => send('x'.repeat(maxBytes + 1)), 413, 'ARTEFACT_TOO_LARGE', /at most 200000 bytes/],
    [
      'a JSON body of another shape',
      () => api.call('POST', '/v1/batch-predictions', { deployment: 'pair', input: { digest: 'x' }, rows: 1 }),
      400,
      'REQUEST_INVALID',
      /rows|digest/,
    ],
    [
      'another kind of body',
      () => api.call('POST', query({}), 'a,b\n', { 'content-type': 'text/csv' }),
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      /expected application\/octet-stream .* given "text\/csv"/,
    ],
  ])('%s', async (_name, wish, status, code, says) => {
    await cancelAll();
    const before = await everything();
    const answer = await wish();
    expect(answer, JSON.stringify(answer.body)).toMatchObject(problem(status, code, says));
    const isWaiting = async () => (await everything()).staged.length === 0;
    await waitFor(isWaiting, { what: 'the staged file to be removed' });
    expect(await everything()).toEqual(before);
  });

  it('more than wait at once are refused, and say when to come back', async () => {
    await cancelAll();
    const input = { digest: sha256(Buffer.from('{"p":[1,2]}\n')), sizeBytes: 12, fileName: undefined };
    const wish = {
      deployment: { id: 'dep_1', name: 'pair' },
      version: undefined,
      input,
      format: 'ndjson' as const,
      options: { idColumns: [], header: true },
    };
    const store = new BatchPredictionStore(api.database.db, 30);
    const by = { projectId: 'prj_default', actor: 'key:test' };
    for (let made = 0; made < 15; made += 1) await api.database.db.$transaction((tx) => store.create(tx, by, { ...wish, resultFormat: 'csv' }));
    const statuses: number[] = [];
    for (let sent = 0; sent < 2; sent += 1) {
      const answer = await api.call('POST', '/v1/batch-predictions', { deployment: 'pair', input: { digest: input.digest } });
      statuses.push(answer.status);
      if (answer.status === 429) expect(answer.headers.get('retry-after')).toBe('30');
    }
    expect(statuses).toEqual([202, 429]);
    await cancelAll();
  });
});

describe('a finished one', () => {
  let view: BatchPredictionView;
  const result = '{"row":1,"version":1,"outputs":{"y":[0.5]}}\n{"row":2,"error":"column \\"b\\": expected a number; given \\"x\\""}\n';
  beforeAll(async () => {
    await cancelAll();
    view = viewOf(await send('a,b\n1,2\n3,x\n', { fileName: 'r.csv' }));
    const runs = new BatchRunStore(api.database.db, 30);
    const artefacts = openArtefactStore({ home: api.home });
    const claim = (await runs.claim(view.id)) as ClaimedBatch;
    const progress = {
      rowsDone: 2,
      rowsFailed: 1,
      rowsTotal: undefined,
      position: { row: 2 },
      readRatio: 1,
      resultBytes: result.length,
      versions: new Map([[1, 1]]),
    };
    await runs.checkpoint(claim, progress, [{ row: 2, column: 'b', message: 'column "b": expected a number; given "x"' }]);
    await runs.complete(claim, progress, artefacts, await artefacts.stage(Readable.from([Buffer.from(result)]), { maxBytes: 1e6 }));
  });

  it('is shown with its result and its errors', async () => {
    const shown = viewOf(await api.call('GET', `/v1/batch-predictions/${view.id}`));
    expect(shown).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      rows: { done: 2, failed: 1, total: 2 },
      progress: 1,
      versions: [{ version: 1, rows: 1 }],
      attempts: 1,
    });
    const list = BatchPredictionPage.parse((await api.call('GET', '/v1/batch-predictions?deployment=pair&status=COMPLETED_WITH_ERRORS')).body);
    expect(list.items.map((item) => item.id)).toEqual([view.id]);
    const errors = RowErrorPage.parse((await api.call('GET', `/v1/batch-predictions/${view.id}/errors`)).body);
    expect(errors.items).toEqual([{ row: 2, column: 'b', message: 'column "b": expected a number; given "x"' }]);
  });

  it('is downloaded as a file', async () => {
    const answer = await fetch(`${api.url}/v1/batch-predictions/${view.id}/result`, { headers: { authorization: `Bearer ${adminKey}` } });
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-length': String(result.length),
      'content-disposition': `attachment; filename="pair-${view.id}.ndjson"`,
      'x-content-type-options': 'nosniff',
    });
    expect(await answer.text()).toBe(result);
  });

  it('cannot be cancelled, and goes with its files', async () => {
    expect(await api.call('POST', `/v1/batch-predictions/${view.id}/cancel`)).toMatchObject(
      problem(409, 'BATCH_PREDICTION_FINISHED', /nothing to cancel/),
    );
    expect((await api.call('DELETE', `/v1/batch-predictions/${view.id}`)).status).toBe(204);
    expect((await everything()).files.some((name) => name.endsWith(sha256(Buffer.from(result))))).toBe(false);
    expect(await api.call('GET', `/v1/batch-predictions/${view.id}`)).toMatchObject(problem(404, 'BATCH_PREDICTION_NOT_FOUND', /bat_/));
  });
});

describe('keys', () => {
  const as = async (scopes: string[]) => {
    const name = `${scopes.join('-')}-${newId('key').slice(-6)}`;
    const { secret } = (await api.call('POST', '/v1/keys', { name, scopes })).body as { secret: string };
    const headers = { authorization: `Bearer ${secret}` };
    await waitFor(async () => (await api.call('GET', '/v2', undefined, headers)).status !== 401, { what: 'the key to be known' });
    return headers;
  };

  it('that may predict may do all of it; those that may look see no data; others see nothing', async () => {
    const [predictor, viewer, labeller] = [await as(['predict']), await as(['view']), await as(['label'])];
    const view = viewOf(await send('a,b\n1,2\n', {}, predictor));
    const routes: [string, string][] = [
      ['GET', '/v1/batch-predictions'],
      ['GET', `/v1/batch-predictions/${view.id}`],
      ['GET', `/v1/batch-predictions/${view.id}/errors`],
      ['POST', `/v1/batch-predictions/${view.id}/cancel`],
      ['DELETE', `/v1/batch-predictions/${view.id}`],
    ];
    const statusesFor = async (headers: Record<string, string>) => {
      const statuses: number[] = [];
      for (const [method, path] of routes) statuses.push((await api.call(method, path, undefined, headers)).status);
      return statuses;
    };
    expect(await statusesFor(labeller)).toEqual([403, 403, 403, 403, 403]);
    expect(await statusesFor(viewer)).toEqual([200, 200, 403, 403, 403]);
    expect(await statusesFor(predictor)).toEqual([200, 200, 200, 200, 204]);
    expect((await send('a,b\n1,2\n', {}, viewer)).status).toBe(403);
    const internal = newInternalToken(api.platform.masterKey, { projectId: 'prj_default', purpose: 'batch-predictions' }, Date.now());
    expect((await send('a,b\n1,2\n', {}, { authorization: `Bearer ${internal}` })).status).toBe(403);
  });

  it('are in the OpenAPI document', async () => {
    const { body } = await api.call('GET', '/v1/openapi.json');
    const { paths } = body as { paths: Record<string, Record<string, unknown>> };
    const ours = Object.entries(paths).filter(([path]) => path.startsWith('/v1/batch-predictions'));
    expect(ours.map(([path, methods]) => `${Object.keys(methods).join(',')} ${path}`).sort()).toEqual([
      'get /v1/batch-predictions/{id}/errors',
      'get /v1/batch-predictions/{id}/result',
      'get,delete /v1/batch-predictions/{id}',
      'post /v1/batch-predictions/{id}/cancel',
      'post,get /v1/batch-predictions',
    ]);
  });
});
