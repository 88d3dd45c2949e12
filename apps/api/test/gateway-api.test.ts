import { channels, nudge } from '@slipway/platform';
import { administer, waitFor, withDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type InstanceSketch, Instances, linearBody } from './gateway-harness.js';
import { adminKey, startApi, type TestApi } from './start-api.js';

const sketches: readonly InstanceSketch[] = [
  { instanceId: 'ins_1', revision: 1, model: 'linear' },
  { instanceId: 'ins_2', revision: 2, model: 'linear' },
];
const signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
const path = '/v2/models/fraud/infer';
let instances: Instances;
let api: TestApi;

beforeAll(async () => {
  instances = await Instances.open();
  await Promise.all(sketches.map((sketch) => instances.start(sketch)));
  api = await startApi();
  await fill();
  await waitFor(async () => (await infer()).status === 200, { what: 'the deployment to serve', timeoutMs: 20_000 });
});
afterAll(async () => {
  await api.close();
  await instances.close();
});

/** The rows that a deploy walk leaves behind: two warm revisions, the second one active. */
async function fill(): Promise<void> {
  const { db } = api.database;
  await db.model.create({ data: { id: 'mdl_1', projectId: 'prj_default', name: 'fraud', nameFolded: 'fraud' } });
  await db.host.create({ data: { id: 'hst_1', name: 'here', cores: 2, memoryBytes: 1 } });
  await db.deployment.create({
    data: {
      id: 'dep_1',
      projectId: 'prj_default',
      name: 'fraud',
      nameFolded: 'fraud',
      modelId: 'mdl_1',
      createdBy: 'key:t',
      desiredRevisionId: 'rev_2',
      activeRevisionId: 'rev_2',
      status: 'READY',
    },
  });
  for (const { instanceId, revision } of sketches) {
    const versionId = `ver_${revision}`;
    const version = { id: versionId, modelId: 'mdl_1', number: revision, status: 'READY', digest: 'd', sizeBytes: 1, createdBy: 'key:t', signature };
    await db.version.create({ data: version });
    const revisionId = `rev_${revision}`;
    await db.revision.create({
      data: { id: revisionId, deploymentId: 'dep_1', number: revision, versionId, replicas: 1, spec: {}, createdBy: 'key:t' },
    });
    const address = instances.addressOf(instanceId);
    await db.instance.create({
      data: { id: instanceId, deploymentId: 'dep_1', revisionId, epoch: 1, hostId: 'hst_1', status: 'READY', address },
    });
  }
  await nudge(db, channels.routing);
}

function infer(authorization = `Bearer ${adminKey}`): Promise<Response> {
  const headers: Record<string, string> = authorization === '' ? {} : { authorization };
  return fetch(`${api.url}${path}`, { method: 'POST', headers, body: linearBody(1, 2) });
}

async function keyWith(name: string, scopes: readonly string[]): Promise<string> {
  const created = await api.call('POST', '/v1/keys', { name, scopes });
  const secret: unknown = Reflect.get(Object(created.body), 'secret');
  const authorization = `Bearer ${String(secret)}`;
  await waitFor(async () => (await infer(authorization)).status !== 401, { what: 'the key to be known' });
  return authorization;
}

describe('a caller', () => {
  it('needs a key for a prediction, not for health', async () => {
    const refused = await infer('');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('content-type')).toBe('application/json');
    expect(refused.headers.get('slipway-error')).toBe('CREDENTIAL_MISSING');
    expect((await fetch(`${api.url}/v2/health/ready`)).status).toBe(200);
    expect((await fetch(`${api.url}/v2/models/fraud`)).status).toBe(401);
  });

  it('who may only predict predicts and reads metadata', async () => {
    const authorization = await keyWith('predictor', ['predict']);
    expect((await infer(authorization)).status).toBe(200);
    expect((await fetch(`${api.url}/v2/models/fraud`, { headers: { authorization } })).status).toBe(200);
  });

  it('who may only view does not predict', async () => {
    const authorization = await keyWith('viewer', ['view']);
    const refused = await infer(authorization);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('slipway-error')).toBe('SCOPE_MISSING');
    expect((await fetch(`${api.url}/v2/models/fraud`, { headers: { authorization } })).status).toBe(200);
  });

  it('who may only label neither predicts nor reads metadata', async () => {
    const authorization = await keyWith('labeller', ['label']);
    expect((await infer(authorization)).status).toBe(403);
    expect((await fetch(`${api.url}/v2/models/fraud`, { headers: { authorization } })).status).toBe(403);
  });
});

describe('a rollback', () => {
  it('takes effect within a second by its row alone, and loses no request', async () => {
    const { db } = api.database;
    const failures: string[] = [];
    let running = true;
    const lane = async () => {
      while (running) {
        const answer = await infer();
        if (answer.status !== 200) failures.push(`${answer.status} ${await answer.text()}`);
        else await answer.arrayBuffer();
      }
    };
    const lanes = Promise.all([lane(), lane(), lane(), lane()]);
    for (const [target, revision] of [
      ['rev_1', '1'],
      ['rev_2', '2'],
    ] as const) {
      await db.$transaction(async (tx) => {
        const wish = { wishKind: 'ROLLBACK', desiredRevisionId: target, epoch: { increment: 1 } };
        await tx.deployment.update({ where: { id: 'dep_1' }, data: wish });
        await nudge(tx, channels.routing);
      });
      await waitFor(async () => (await infer()).headers.get('slipway-revision') === revision, { what: `revision ${revision}`, timeoutMs: 1_000 });
    }
    running = false;
    await lanes;
    expect(failures).toEqual([]);
  });

  it('is found by the poll when its nudge is lost', async () => {
    await api.database.db.deployment.update({ where: { id: 'dep_1' }, data: { wishKind: 'ROLLBACK', desiredRevisionId: 'rev_1' } });
    await waitFor(async () => (await infer()).headers.get('slipway-revision') === '1', { what: 'revision 1', timeoutMs: 3_000 });
  });
});

describe('what was served', () => {
  it('shows in /metrics and in the windows that the charts read', async () => {
    await infer();
    const text = await (await fetch(`${api.url}/metrics`)).text();
    expect(text).toMatch(/slipway_gateway_snapshot_age_seconds [0-9.]+\n/);
    expect(text).toMatch(/slipway_gateway_instances\{ready="yes"\} 2/);
    expect(text).toMatch(/slipway_gateway_retries_total \d+/);
    const counted = async () => {
      const { rows } = await api.database.pool.query(`select sum(requests)::int as n from telemetry.serving_windows where deployment_id = 'dep_1'`);
      return Number(rows[0]?.n) > 0;
    };
    await waitFor(counted, { what: 'a window row' });
  });
});

describe('without the database', () => {
  it('predictions go on, and changes are seen when it is back', async () => {
    const { adminUrl } = inject('testServer');
    const name = new URL(api.database.url).pathname.slice(1);
    await administer(adminUrl, `alter database ${name} allow_connections false`);
    await administer(adminUrl, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    const age = async () => Number(/slipway_gateway_snapshot_age_seconds ([0-9.]+)/.exec(await (await fetch(`${api.url}/metrics`)).text())?.[1]);
    const until = Date.now() + 3_000;
    let answered = 0;
    while (Date.now() < until) {
      expect((await infer()).status).toBe(200);
      answered += 1;
    }
    expect(answered).toBeGreaterThan(50);
    expect(await age()).toBeGreaterThan(1.5);
    expect((await fetch(`${api.url}/v2/health/ready`)).status).toBe(200);
    await administer(adminUrl, `alter database ${name} allow_connections true`);
    await administer(withDatabase(adminUrl, name), `update "Deployment" set "desiredRevisionId" = 'rev_2' where "id" = 'dep_1'`);
    await waitFor(async () => (await infer()).headers.get('slipway-revision') === '2', { what: 'revision 2', timeoutMs: 5_000 });
    expect(await age()).toBeLessThan(3);
  });
});
