import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Signature, Task } from '@slipway/contracts';
import { linearModel } from '@slipway/inference/testing';
import { newId, toJson } from '@slipway/platform';
import { administer, waitFor } from '@slipway/platform/testing';
import { openArtefactStore } from '@slipway/registry';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { linearBody } from './gateway-harness.js';
import { startApi, type TestApi } from './start-api.js';

const program = fileURLToPath(new URL('../../worker/dist/main.js', import.meta.url));
const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
};
const task: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };

let api: TestApi;
let worker: ChildProcess;

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('the worker is not built: run "npm run build" first');
  api = await startApi({ SLIPWAY_PREDICT_AUTH: 'off' });
  mkdirSync(join(api.home, 'run'), { recursive: true });
  const log = openSync(join(api.home, 'worker.log'), 'a');
  const env = { PATH: '/usr/bin:/bin', SLIPWAY_HOME: api.home, SLIPWAY_WORKER_PORT: '0', DATABASE_URL: api.database.url };
  worker = spawn(process.execPath, [program], { env, stdio: ['ignore', log, log, 'ipc'] });
  await once(worker, 'message');
  await addModel('fraud', [linearModel(1), linearModel(2), Buffer.from('no model')]);
  expect((await api.call('POST', '/v1/deployments', { name: 'fraud', model: 'fraud', version: 1 })).status).toBe(201);
  await waitFor(async () => (await infer()).status === 200, { what: 'the deployment to serve', timeoutMs: 30_000 });
});
afterAll(async () => {
  if (worker.exitCode === null) {
    // Instances outlive their worker, so what runs is deleted first.
    for (const name of ['fraud', 'broken']) await api.call('DELETE', `/v1/deployments/${name}`);
    await waitFor(async () => (await api.database.db.instance.count({ where: { status: { notIn: ['GONE', 'FAILED'] } } })) === 0, {
      what: 'the instances to end',
      timeoutMs: 30_000,
    }).catch(() => undefined);
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  }
  await api.close();
});

/** A model whose versions are READY; version k answers x0 + 2·x1 + k. */
async function addModel(name: string, files: readonly Buffer[]): Promise<void> {
  const { db } = api.database;
  const artefacts = openArtefactStore({ home: api.home });
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name, nextVersion: files.length + 1 } });
  for (const [index, file] of files.entries()) {
    const staged = await artefacts.stage(Readable.from([file]), { maxBytes: 1e9 });
    await artefacts.commit(staged);
    const { digest, sizeBytes } = staged;
    const facts = { status: 'READY', digest, sizeBytes: BigInt(sizeBytes), signature: toJson(signature), task: toJson(task), rowsIndependent: true };
    await db.version.create({ data: { id: newId('ver'), modelId, number: index + 1, createdBy: 'key:test', ...facts } });
  }
}

function infer(path = '/v2/models/fraud/infer'): Promise<Response> {
  return fetch(`${api.url}${path}`, { method: 'POST', body: linearBody(1, 2) });
}

/** As the protocol's clients ask: without a key. */
async function change(what: 'load' | 'unload', model: string, body?: unknown, headers: Record<string, string> = {}) {
  const given = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const answer = await fetch(`${api.url}/v2/repository/models/${model}/${what}`, { method: 'POST', headers, ...given });
  expect(answer.headers.get('content-type')).toBe('application/json');
  const answered: unknown = await answer.json();
  return { status: answer.status, body: answered };
}

async function config(): Promise<Record<string, unknown>> {
  const answer = await fetch(`${api.url}/v2/models/fraud/config`);
  expect(answer.status).toBe(200);
  const shown: unknown = await answer.json();
  return Object.fromEntries(Object.entries(Object(shown)));
}

const refusal = (says: RegExp) => ({ error: expect.stringMatching(says) });

describe('unload and load', () => {
  it('answer when it is done, and keep everything', async () => {
    expect(await change('unload', 'fraud', { parameters: { unload_dependents: true } })).toEqual({
      status: 200,
      body: { name: 'fraud', unload: true },
    });
    expect(await api.database.db.instance.count({ where: { status: { in: ['ASSIGNED', 'LOADING', 'READY', 'DRAINING'] } } })).toBe(0);
    expect((await infer()).status).toBe(503);
    const index: unknown = await (await fetch(`${api.url}/v2/repository/index`, { method: 'POST' })).json();
    expect(index).toMatchObject([{ name: 'fraud', version: '1', state: 'UNAVAILABLE', reason: 'it is suspended' }]);
    // Once more changes nothing.
    expect((await change('unload', 'fraud')).status).toBe(200);
    expect(await change('load', 'fraud', '{}')).toEqual({ status: 200, body: { name: 'fraud', load: true } });
    const answer = await infer();
    expect([answer.status, answer.headers.get('slipway-revision')]).toEqual([200, '1']);
    expect((await change('load', 'fraud')).status).toBe(200);
  });

  it('are written down with who asked', async () => {
    const events = await api.database.db.event.findMany({ where: { subjectName: 'fraud', actor: 'system:keyless' }, orderBy: { id: 'asc' } });
    expect(events.map((event) => event.action)).toEqual(['deployment.suspended', 'deployment.resumed']);
    expect(events[0]?.reason).toMatch(/repository API/);
    const { db } = api.database;
    await change('unload', 'fraud', undefined, { authorization: 'Bearer test-admin-key-of-more-than-32-characters', 'x-request-id': 'mine-1' });
    const own = await db.event.findFirst({ where: { requestId: 'mine-1' } });
    expect(own).toMatchObject({ action: 'deployment.suspended', actor: expect.stringMatching(/^key:/) });
    expect((await change('load', 'fraud')).status).toBe(200);
  });

  it('end with a sentence when the caller’s time is up, and the wish stands', async () => {
    const late = await change('unload', 'fraud', undefined, { 'slipway-deadline-ms': '1' });
    expect(late).toEqual({ status: 504, body: refusal(/not unloaded after 0.001 s; the wish stands/) });
    expect((await change('unload', 'fraud')).status).toBe(200);
    expect((await change('load', 'fraud')).status).toBe(200);
  });

  it('go on when the caller leaves', async () => {
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${api.url}/v2/repository/models/fraud/unload`, { method: 'POST' });
      request.on('error', () => resolve());
      request.end(() => setImmediate(() => request.destroy(new Error('left'))));
    });
    await waitFor(async () => (await infer()).status === 503, { what: 'the deployment to be suspended' });
    expect((await change('load', 'fraud')).status).toBe(200);
  });

  it.each([
    { what: 'load' as const, model: 'nope', body: undefined, status: 404, says: /"nope"/ },
    { what: 'unload' as const, model: 'nope', body: undefined, status: 404, says: /"nope"/ },
    { what: 'load' as const, model: 'a%20b', body: undefined, status: 404, says: /"a b"/ },
    { what: 'load' as const, model: 'fraud', body: '[', status: 400, says: /JSON object or no body/ },
    { what: 'load' as const, model: 'fraud', body: { parameters: [] }, status: 400, says: /"parameters" must be an object/ },
    { what: 'load' as const, model: 'fraud', body: { parameters: { colour: 1 } }, status: 400, says: /unknown parameter "colour"/ },
    { what: 'load' as const, model: 'fraud', body: { parameters: { config: '{' } }, status: 400, says: /not JSON/ },
    { what: 'load' as const, model: 'fraud', body: { parameters: { config: '{"backend":"python"}' } }, status: 400, says: /"backend"/ },
    { what: 'load' as const, model: 'fraud', body: { parameters: { config: '{}', 'file:1/m.onnx': 'YQ==' } }, status: 501, says: /new version/ },
    { what: 'unload' as const, model: 'fraud', body: { parameters: { unload_dependents: 1 } }, status: 400, says: /true or false/ },
    { what: 'load' as const, model: 'fraud', body: ' '.repeat(1024 * 1024 + 1), status: 413, says: /1048576/ },
  ])('refuse $what of $model with $body', async ({ what, model, body, status, says }) => {
    expect(await change(what, model, body)).toEqual({ status, body: refusal(says) });
  });

  it.each<{ name: string; headers: Record<string, string> }>([
    { name: 'a page of another site', headers: { origin: 'https://example.org' } },
    { name: 'a page on another port', headers: { 'sec-fetch-site': 'same-site' } },
    { name: 'a forwarded request', headers: { 'x-forwarded-for': '203.0.113.9' } },
    { name: 'a key that is wrong', headers: { authorization: 'Bearer nobody-knows-this-key-of-32-characters' } },
  ])('are not for $name without a key', async ({ headers }) => {
    expect((await change('unload', 'fraud', undefined, headers)).status).toBe(401);
    expect((await infer()).status).toBe(200);
  });
});

describe('load with a configuration', () => {
  it('changes nothing when the configuration says what is so', async () => {
    const before = await api.database.db.revision.count();
    expect((await change('load', 'fraud', { parameters: { config: JSON.stringify(await config()) } })).status).toBe(200);
    expect(await api.database.db.revision.count()).toBe(before);
  });

  it('makes a revision of what it changes, and answers when that serves', async () => {
    const wish = { max_batch_size: '16', dynamic_batching: { max_queue_delay_microseconds: 500 }, instance_group: [{ count: 2, kind: 'KIND_CPU' }] };
    expect((await change('load', 'fraud', { parameters: { config: JSON.stringify(wish) } })).status).toBe(200);
    expect((await infer()).headers.get('slipway-revision')).toBe('2');
    expect(await config()).toMatchObject({
      max_batch_size: 16,
      dynamic_batching: { max_queue_delay_microseconds: 500 },
      version_policy: { specific: { versions: [1] } },
      instance_group: [{ count: 2 }],
    });
    const [row] = await api.database.db.revision.findMany({ where: { number: 2 } });
    expect(row).toMatchObject({ replicas: 2, reason: expect.stringMatching(/repository API/), createdBy: 'system:keyless' });
    expect(row?.spec).toMatchObject({ batching: { mode: 'auto', maxBatchSize: 16, maxDelayMs: 0.5 } });
  });

  it('goes to another version', async () => {
    const wish = { version_policy: { specific: { versions: [2] } } };
    expect((await change('load', 'fraud', { parameters: { config: JSON.stringify(wish) } })).status).toBe(200);
    const answer = await infer();
    expect(await answer.json()).toMatchObject({ model_version: '2', outputs: [{ data: [7] }] });
  });

  it('says why when the version cannot be loaded, and leaves what serves', async () => {
    const wish = { version_policy: { specific: { versions: [3] } } };
    const answer = await change('load', 'fraud', { parameters: { config: JSON.stringify(wish) } });
    expect(answer).toEqual({ status: 503, body: refusal(/"fraud" could not be loaded: \w+/) });
    expect(await (await infer()).json()).toMatchObject({ model_version: '2' });
  });

  it('says that a version is not there', async () => {
    const wish = { version_policy: { specific: { versions: [77] } } };
    expect((await change('load', 'fraud', { parameters: { config: JSON.stringify(wish) } })).status).toBe(404);
  });
});

describe('load of what has never served', () => {
  it('says why, and tries again with the next load', async () => {
    await addModel('broken', [Buffer.from('no model')]);
    expect((await api.call('POST', '/v1/deployments', { name: 'broken', model: 'broken', version: 1 })).status).toBe(201);
    expect(await change('load', 'broken')).toEqual({ status: 503, body: refusal(/"broken" could not be loaded: \w+/) });
    const revisions = () => api.database.db.revision.count({ where: { deployment: { name: 'broken' } } });
    expect(await revisions()).toBe(1);
    expect((await change('load', 'broken')).status).toBe(503);
    expect(await revisions()).toBe(2);
  });
});

describe('without the database', () => {
  it('load and unload are refused, predictions go on', async () => {
    const { adminUrl } = inject('testServer');
    const name = new URL(api.database.url).pathname.slice(1);
    await administer(adminUrl, `alter database ${name} allow_connections false`);
    await administer(adminUrl, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    try {
      expect(await change('unload', 'fraud')).toEqual({ status: 503, body: refusal(/database is away/) });
      expect((await infer()).status).toBe(200);
    } finally {
      await administer(adminUrl, `alter database ${name} allow_connections true`);
    }
    await waitFor(async () => (await api.call('GET', '/v1/deployments')).status === 200, { what: 'the database' });
  });
});
