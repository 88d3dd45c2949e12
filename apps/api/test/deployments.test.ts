import { DeploymentPage, DeploymentView, HostPage, RevisionPage, RolloutView } from '@slipway/contracts';
import { HostStore } from '@slipway/deployments';
import { newId, toJson } from '@slipway/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  const { db } = api.database;
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name: 'Fraud', nameFolded: 'fraud', nextVersion: 4 } });
  for (const [index, status] of ['READY', 'READY', 'VALIDATING'].entries()) {
    const digest = String(index + 1).padStart(64, '0');
    const signature = toJson({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    });
    await db.version.create({
      data: { id: newId('ver'), modelId, number: index + 1, status, digest, sizeBytes: 10n, signature, createdBy: 'key:test' },
    });
  }
});
afterAll(() => api.close());

const refused = (status: number, code: string) => ({
  status,
  body: expect.objectContaining({ status, code, detail: expect.stringMatching(/\w+ \w+/) }),
});
const create = (name: string, more: object = {}) => api.call('POST', '/v1/deployments', { name, model: 'fraud', version: 1, ...more });

describe('deployments', () => {
  it('are created, listed, read, suspended, resumed and deleted', async () => {
    const created = await create('fraud', { reason: 'first' });
    expect(created.status).toBe(201);
    expect(DeploymentView.parse(created.body)).toMatchObject({
      name: 'fraud',
      status: 'CREATING',
      rollout: { status: 'PROGRESSING', toRevision: 1 },
    });
    expect(DeploymentPage.parse((await api.call('GET', '/v1/deployments')).body).items.map((item) => item.name)).toContain('fraud');
    expect(await api.call('GET', '/v1/deployments/FRAUD')).toMatchObject({ status: 200, body: { name: 'fraud', epoch: 1 } });
    expect(await api.call('PATCH', '/v1/deployments/fraud', { suspended: true })).toMatchObject({
      status: 200,
      body: { status: 'SUSPENDED', epoch: 2 },
    });
    expect(await api.call('PATCH', '/v1/deployments/fraud', { suspended: true })).toMatchObject({ status: 200, body: { epoch: 2 } });
    expect(await api.call('POST', '/v1/deployments/fraud/revisions', { version: 2 })).toMatchObject(refused(409, 'DEPLOYMENT_SUSPENDED'));
    expect(await api.call('PATCH', '/v1/deployments/fraud', { suspended: false })).toMatchObject({
      status: 200,
      body: { status: 'CREATING', epoch: 3 },
    });
    expect(await api.call('DELETE', '/v1/deployments/fraud')).toMatchObject({ status: 204 });
    expect(await api.call('GET', '/v1/deployments/fraud')).toMatchObject(refused(404, 'DEPLOYMENT_NOT_FOUND'));
    expect((await create('fraud')).status).toBe(201);
  });

  it('take a name once', async () => {
    expect((await create('taken')).status).toBe(201);
    expect(await create('TAKEN')).toMatchObject(refused(409, 'DEPLOYMENT_NAME_TAKEN'));
  });

  it.each([
    { name: 'an unknown model', body: { model: 'nothing' }, status: 404, code: 'MODEL_NOT_FOUND' },
    { name: 'an unknown version', body: { version: 77 }, status: 404, code: 'VERSION_NOT_FOUND' },
    { name: 'a version that is not ready', body: { version: 3 }, status: 409, code: 'VERSION_NOT_READY' },
    { name: 'an unknown alias', body: { version: undefined, alias: 'champion' }, status: 404, code: 'ALIAS_NOT_FOUND' },
    { name: 'neither version nor alias', body: { version: undefined }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'both version and alias', body: { alias: 'champion' }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'a version beyond any number', body: { version: 1e15 }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'no replicas', body: { replicas: 0 }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'half a replica', body: { replicas: 1.5 }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'a million replicas', body: { replicas: 1e6 }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'too little memory', body: { spec: { memoryLimitBytes: 0 } }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'an unknown field', body: { admin: true }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'an unknown field in the spec', body: { spec: { gpu: 1 } }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'a reason that cannot be kept', body: { reason: 'a\0b' }, status: 400, code: 'REQUEST_INVALID' },
    { name: 'a name that is a path', body: { name: '../x' }, status: 400, code: 'REQUEST_INVALID' },
  ])('are refused with $name', async ({ body, status, code }) => {
    expect(await create('odd', body)).toMatchObject(refused(status, code));
    expect(await api.call('GET', '/v1/deployments/odd')).toMatchObject({ status: 404 });
  });

  it.each(['%2e%2e', '..%2fkeys', 'x'.repeat(300), '%F0%9F%9A%80', "'%20or%201=1"])('are not found under %s', async (path) => {
    expect([400, 404]).toContain((await api.call('GET', `/v1/deployments/${path}`)).status);
    expect([400, 404]).toContain((await api.call('GET', `/v1/deployments/${path}/revisions`)).status);
    expect([400, 404]).toContain((await api.call('POST', `/v1/deployments/${path}/rollback`, {})).status);
  });

  it('answer the same creation again under one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'deploy-once' };
    const body = { name: 'once', model: 'fraud', version: 1 };
    const first = await api.call('POST', '/v1/deployments', body, headers);
    expect(await api.call('POST', '/v1/deployments', body, headers)).toMatchObject({ status: 201, body: { id: (first.body as { id: string }).id } });
  });
});

describe('revisions, rollouts and rollbacks', () => {
  it('say what is the matter', async () => {
    await create('walking');
    const path = '/v1/deployments/walking';
    expect(await api.call('POST', `${path}/revisions`, { version: 2 })).toMatchObject(refused(409, 'ROLLOUT_IN_PROGRESS'));
    expect(await api.call('POST', `${path}/rollback`, {})).toMatchObject(refused(409, 'ROLLBACK_NOWHERE'));
    expect(await api.call('POST', `${path}/rollback`)).toMatchObject(refused(409, 'ROLLBACK_NOWHERE'));
    expect(await api.call('POST', `${path}/rollback`, { revision: 9 })).toMatchObject(refused(404, 'REVISION_NOT_FOUND'));
    expect(await api.call('POST', `${path}/rollback`, { revision: -1 })).toMatchObject(refused(400, 'REQUEST_INVALID'));
    expect(await api.call('POST', `${path}/rollout/pause`, {})).toMatchObject(refused(501, 'ROLLOUT_ACTION_UNSUPPORTED'));
    expect(await api.call('POST', `${path}/rollout/fly`, {})).toMatchObject(refused(404, 'ROUTE_NOT_FOUND'));
    expect(RolloutView.parse((await api.call('GET', `${path}/rollout`)).body)).toMatchObject({ status: 'PROGRESSING', phase: 'warming' });
    expect(await api.call('POST', `${path}/rollout/abort`, { reason: 'no' })).toMatchObject({ status: 202, body: { toRevision: 1 } });
    expect(await api.call('POST', `${path}/rollout/abort`)).toMatchObject(refused(409, 'ROLLOUT_FINISHED'));
    const next = await api.call('POST', `${path}/revisions`, { version: 2, spec: { maxQueue: 5 } });
    expect(next).toMatchObject({ status: 202, body: { rollout: { toRevision: 2 } } });
    const page = RevisionPage.parse((await api.call('GET', `${path}/revisions?limit=1`)).body);
    expect(page).toMatchObject({ items: [{ revision: 2, spec: { maxQueue: 5, keepWarmSeconds: 600 } }], nextCursor: expect.any(String) });
  });

  it('let one of twenty parallel deploys win', async () => {
    await create('raced');
    await api.call('POST', '/v1/deployments/raced/rollout/abort', {});
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.call('POST', '/v1/deployments/raced/revisions', { version: 2 })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([202, ...Array.from({ length: 19 }, () => 409)]);
  });
});

describe('hosts', () => {
  it('are listed', async () => {
    await new HostStore(api.database.db).register({ name: 'one', cores: 4, memoryBytes: 8e9 });
    expect(HostPage.parse((await api.call('GET', '/v1/hosts')).body).items).toMatchObject([{ name: 'one', cores: 4, live: true, instances: 0 }]);
  });
});
