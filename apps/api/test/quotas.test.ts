import { QuotaPage, QuotaView } from '@slipway/contracts';
import { linearModel } from '@slipway/inference/testing';
import { newId, toJson } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  const { db } = api.database;
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name: 'fraud', nameFolded: 'fraud', nextVersion: 2 } });
  const signature = toJson({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] });
  const data = {
    id: newId('ver'),
    modelId,
    number: 1,
    status: 'READY',
    digest: '1'.padStart(64, '0'),
    sizeBytes: 10n,
    signature,
    createdBy: 'key:test',
  };
  await db.version.create({ data });
  for (const name of ['limited', 'free']) await api.call('POST', '/v1/deployments', { name, model: 'fraud', version: 1 });
  await waitFor(async () => (await predict('free')) === 'DEPLOYMENT_NOT_READY', { what: 'the gateway to know the deployments' });
});
afterAll(() => api.close());
afterEach(async () => {
  for (const scope of ['project', 'deployment:limited']) await api.call('DELETE', `/v1/quotas/${scope}`);
});

const set = (scope: string, limits: object, policy = 'refuse') => api.call('PUT', `/v1/quotas/${scope}`, { limits, policy });
/** The code that a prediction ends with. Nothing serves here, so what a quota lets in ends as not ready, and at once. */
async function predict(name: string, headers: Record<string, string> = {}): Promise<string | null> {
  const body = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] };
  return (await api.call('POST', `/v2/models/${name}/infer`, body, headers)).headers.get('slipway-error');
}
/** By nudge it is a few milliseconds; a busy machine may need longer, but not as long as the poll for lost nudges. */
const soonMs = 3_000;
/** Waits until a quota counts in the gateway; a probe is a prediction too. */
const counts = (name: string) => waitFor(async () => (await predict(name)) === 'QUOTA_LIMITED', { what: 'the quota to count', timeoutMs: soonMs });

describe('quotas', () => {
  it('are set, listed beside what is used, exported and removed', async () => {
    expect(await set('project', { replicas: 7, storageBytes: 10_000, requestsPerSecond: 100 })).toMatchObject({
      status: 200,
      body: { scope: 'project' },
    });
    await set('deployment:LIMITED', { concurrency: 3 }, 'queue');
    const { items } = QuotaPage.parse((await api.call('GET', '/v1/quotas')).body);
    expect(items).toMatchObject([
      { scope: 'project', limits: { replicas: 7 }, policy: 'refuse', used: { replicas: 2, threads: 2, storageBytes: 10, models: 1, versions: 1 } },
      { scope: 'deployment:limited', limits: { concurrency: 3 }, policy: 'queue', used: { replicas: 1 }, updatedBy: 'key:bootstrap' },
    ]);
    expect(QuotaView.parse((await api.call('GET', '/v1/quotas/deployment:free')).body)).toMatchObject({ limits: null, policy: null });
    const metrics = String((await api.call('GET', '/metrics')).body);
    expect(metrics).toContain('slipway_quota_limit{project="prj_default",scope="project",resource="replicas"} 7');
    expect(metrics).toContain('slipway_quota_used{project="prj_default",scope="project",resource="replicas"} 2');
    expect(await api.call('DELETE', '/v1/quotas/project')).toMatchObject({ status: 204 });
    expect(await api.call('DELETE', '/v1/quotas/project')).toMatchObject({ status: 404, body: { code: 'QUOTA_NOT_FOUND' } });
  });

  it.each([
    ['project', { burst: 3 }],
    ['project', {}],
    ['project', { replicas: -1 }],
    ['project', { requestsPerSecond: 0 }],
    ['deployment:limited', { models: 1 }],
  ])('of %s refuse %j', async (scope, limits) => {
    expect(await set(scope, limits)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
  });

  it('refuse deployments, models, versions and files that go over', async () => {
    await set('project', { replicas: 3, models: 1, versions: 2, storageBytes: 50 });
    const wish = { name: 'third', model: 'fraud', version: 1, replicas: 2 };
    expect(await api.call('POST', '/v1/deployments', wish)).toMatchObject({
      status: 422,
      body: { code: 'QUOTA_EXCEEDED', detail: expect.stringContaining('replicas: limit 3, used 2, asked for 2') },
    });
    expect(await api.call('POST', '/v1/models', { name: 'second' })).toMatchObject({ status: 422, body: { code: 'QUOTA_EXCEEDED' } });
    const upload = () => api.call('POST', '/v1/models/fraud/versions', linearModel(1), { 'content-type': 'application/octet-stream' });
    expect(await upload()).toMatchObject({ status: 413, body: { code: 'ARTEFACT_TOO_LARGE', detail: expect.stringContaining('quota of storage') } });
    await set('project', { versions: 2 });
    expect(await upload()).toMatchObject({ status: 201 });
    expect(await upload()).toMatchObject({
      status: 422,
      body: { code: 'QUOTA_EXCEEDED', detail: expect.stringContaining('versions: limit 2, used 2') },
    });
    expect(await api.call('GET', '/v1/models/fraud')).toMatchObject({ body: { versionCount: 2 } });
  });

  it('on predictions count soon, and for the one deployment alone', async () => {
    await set('deployment:limited', { requestsPerSecond: 0.01, burst: 1 });
    await counts('limited');
    const refused = await api.call('POST', '/v2/models/limited/infer', {});
    expect(refused).toMatchObject({ status: 429, body: { error: expect.stringContaining('quota of "limited"') } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(await predict('free')).toBe('DEPLOYMENT_NOT_READY');
    await set('deployment:limited', { requestsPerSecond: 10_000 });
    await waitFor(async () => (await predict('limited')) === 'DEPLOYMENT_NOT_READY', { what: 'the new quota to count', timeoutMs: soonMs });
    const rejections = /slipway_quota_rejections_total\{project="prj_default",scope="deployment:limited",resource="requestsPerSecond"\} [1-9]/;
    await waitFor(async () => rejections.test(String((await api.call('GET', '/metrics')).body)), { what: 'the rejections to be told' });
    expect(String((await api.call('GET', '/metrics')).body)).toMatch(/outcome="rejected_quota"[^}]*\} [1-9]/);
  });

  it('make no neighbour wait while many wait for their turn', async () => {
    await set('deployment:limited', { requestsPerSecond: 0.01, burst: 1 });
    await counts('limited');
    expect(await set('deployment:limited', { requestsPerSecond: 50, burst: 1 }, 'queue')).toMatchObject({ status: 200, body: { policy: 'queue' } });
    await waitFor(async () => (await predict('limited', { 'slipway-deadline-ms': '20000' })) === 'DEPLOYMENT_NOT_READY', { what: 'its turn' });
    await waitFor(async () => QuotaView.parse((await api.call('GET', '/v1/quotas/deployment:limited')).body).policy === 'queue', {
      what: 'the policy to be written',
    });
    const waiting = Array.from({ length: 40 }, () => predict('limited', { 'slipway-deadline-ms': '20000' }));
    const started = performance.now();
    expect(await Promise.all(Array.from({ length: 20 }, () => predict('free')))).toEqual(new Array(20).fill('DEPLOYMENT_NOT_READY'));
    const neighboursMs = performance.now() - started;
    await Promise.all(waiting);
    const waitedMs = performance.now() - started;
    expect(waitedMs).toBeGreaterThan(500);
    expect(neighboursMs).toBeLessThan(waitedMs / 2);
  });
});
