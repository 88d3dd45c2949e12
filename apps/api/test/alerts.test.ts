import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AlertPage, AlertRulePage, AlertRuleView, DeliveryPage, DeliveryView, Problem, ReceiverCreated, ReceiverPage } from '@slipway/contracts';
import { AlertEvaluation, createRegistry, DeliveryStore, ServingRecorder, ServingWindowStore } from '@slipway/metrics';
import { newId, toJson } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
let deploymentId: string;
beforeAll(async () => {
  api = await startApi({ SLIPWAY_EGRESS_ALLOW: '127.0.0.1,hooks.inside.example' });
  const { db } = api.database;
  const [modelId, versionId] = [newId('mdl'), newId('ver')];
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name: 'fraud', nameFolded: 'fraud', nextVersion: 2 } });
  const signature = { inputs: [], outputs: [] };
  const version = { id: versionId, modelId, number: 1, status: 'READY', digest: 'a'.repeat(64), sizeBytes: 1n, createdBy: 'key:test' };
  await db.version.create({ data: { ...version, signature: toJson(signature) } });
  expect((await api.call('POST', '/v1/deployments', { name: 'fraud', model: 'fraud', version: 1 })).status).toBe(201);
  deploymentId = (await db.deployment.findFirstOrThrow({ where: { name: 'fraud' } })).id;
});
afterAll(() => api.close());

const rule = (over: object = {}) => ({ name: newId('rul'), kind: 'error_ratio', params: { deployment: 'fraud', threshold: 0.1 }, ...over });
async function webhook(url = 'http://127.0.0.1:1/'): Promise<ReceiverCreated> {
  const made = await api.call('POST', '/v1/receivers', { kind: 'WEBHOOK', name: `r${newId('rcv').slice(-10)}`, url });
  expect(made.status).toBe(201);
  return ReceiverCreated.parse(made.body);
}
const codeOf = (body: unknown) => Problem.parse(body).code;

it('makes, shows, changes and deletes rules', async () => {
  const { name } = await webhook();
  const wish = rule({ for: 0, severity: 'page', labels: { team: 'risk' }, receivers: [name] });
  const made = await api.call('POST', '/v1/alert-rules', wish);
  expect(made.status).toBe(201);
  expect(AlertRuleView.parse(made.body)).toMatchObject({
    name: wish.name,
    params: { deployment: 'fraud', threshold: 0.1, windowSeconds: 60, minRequests: 10 },
    for: 0,
    receivers: [name],
    state: 'inactive',
    judgement: null,
    evaluatedAt: null,
    createdBy: 'key:bootstrap',
  });
  expect(codeOf((await api.call('POST', '/v1/alert-rules', wish)).body)).toBe('RULE_NAME_TAKEN');
  const changed = await api.call('PATCH', `/v1/alert-rules/${wish.name}`, { params: { threshold: 0.2 }, enabled: false });
  expect(AlertRuleView.parse(changed.body)).toMatchObject({ params: { threshold: 0.2, windowSeconds: 60 }, enabled: false });
  expect(codeOf((await api.call('DELETE', `/v1/receivers/${name}`)).body)).toBe('RECEIVER_IN_USE');
  expect((await api.call('DELETE', `/v1/alert-rules/${wish.name}`)).status).toBe(204);
  expect(codeOf((await api.call('GET', `/v1/alert-rules/${wish.name}`)).body)).toBe('RULE_NOT_FOUND');
  expect((await api.call('DELETE', `/v1/receivers/${name}`)).status).toBe(204);
  const events = await api.call('GET', `/v1/events?subjectKind=alert-rule&subjectName=${wish.name}`);
  expect(JSON.stringify(events.body)).toMatch(/alert-rule\.deleted.*alert-rule\.changed.*alert-rule\.created/);
});

it.each<{ over: object; status: number }>([
  { over: { params: { deployment: 'fraud', threshold: 1 } }, status: 400 },
  { over: { params: { deployment: 'fraud', threshold: -1 } }, status: 400 },
  { over: { params: { deployment: 'fraud', threshold: 0.1, windowSeconds: 1_000_000_000 } }, status: 400 },
  { over: { kind: 'magic' }, status: 400 },
  { over: { extra: 1 }, status: 400 },
  { over: { params: { deployment: 'no-such', threshold: 0.1 } }, status: 404 },
  { over: { receivers: ['nobody'] }, status: 422 },
  { over: { labels: { deployment: 'x' } }, status: 422 },
  { over: { kind: 'latency_p95', params: { deployment: 'fraud', threshold: 31 } }, status: 422 },
])('refuses the rule $over with $status', async ({ over, status }) => {
  expect((await api.call('POST', '/v1/alert-rules', rule(over))).status).toBe(status);
});

it('pages through rules and refuses a cursor of another list', async () => {
  for (let at = 0; at < 3; at += 1) await api.call('POST', '/v1/alert-rules', rule({ name: `page-${at}`, enabled: false }));
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = AlertRulePage.parse((await api.call('GET', `/v1/alert-rules?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`)).body);
    names.push(...page.items.map(({ name }) => name));
    cursor = page.nextCursor;
    if (cursor !== undefined) expect(codeOf((await api.call('GET', `/v1/receivers?cursor=${cursor}`)).body)).toBe('CURSOR_INVALID');
  } while (cursor !== undefined);
  expect(names.filter((name) => name.startsWith('page-'))).toEqual(['page-0', 'page-1', 'page-2']);
});

it('shows a firing alert, its judgement on the rule, and its notice', async () => {
  const { db, pool } = api.database;
  const { name: receiver } = await webhook();
  const wish = rule({ for: 0, receivers: [receiver] });
  await api.call('POST', '/v1/alert-rules', wish);
  const recorder = new ServingRecorder({ registry: createRegistry('test') });
  for (let at = 0; at < 20; at += 1) {
    const owner = {
      projectId: 'prj_default',
      deploymentId,
      deployment: 'fraud',
      revisionId: 'rev_1',
      revision: 1,
      versionNumber: 1,
      role: 'stable' as const,
    };
    recorder.record({ ...owner, outcome: 'runtime_error', durationSeconds: 0.1, rows: 1, requestBytes: 1, responseBytes: 1 });
  }
  await new ServingWindowStore(pool, 'gateway').write(recorder.takeDirty());
  await new AlertEvaluation(db, pool, async () => new Map([[deploymentId, { name: 'fraud', servingVersions: [1] }]]), api.platform.publicUrl).run();
  const firing = AlertPage.parse((await api.call('GET', '/v1/alerts?state=firing')).body).items.find((alert) => alert.rule === wish.name);
  expect(firing).toMatchObject({ deployment: 'fraud', severity: 'ticket', judgement: { value: 1, n: 20, verdict: 'alarm' } });
  expect((await api.call('GET', `/v1/alerts/${firing?.id}`)).body).toEqual(firing);
  expect(AlertRuleView.parse((await api.call('GET', `/v1/alert-rules/${wish.name}`)).body)).toMatchObject({
    state: 'firing',
    judgement: { value: 1 },
  });
  expect(AlertPage.parse((await api.call('GET', '/v1/alerts?state=resolved')).body).items.find((alert) => alert.rule === wish.name)).toBeUndefined();
  const [delivery] = DeliveryPage.parse((await api.call('GET', `/v1/deliveries?receiver=${receiver}`)).body).items;
  expect(delivery).toMatchObject({ receiver, kind: 'firing', status: 'PENDING', attempts: 0, alertId: firing?.id });
  const deliveries = new DeliveryStore(db);
  const claimed = await deliveries.claim(delivery?.id ?? '');
  await deliveries.finish({ id: delivery?.id ?? '', rowVersion: claimed?.rowVersion ?? 0 }, { status: 'DEAD', error: 'no' });
  const replayed = await api.call('POST', `/v1/deliveries/${delivery?.id}/replay`);
  expect([replayed.status, DeliveryView.parse(replayed.body).status]).toEqual([202, 'PENDING']);
  expect((await api.call('POST', '/v1/deliveries/dlv_none/replay')).status).toBe(404);
  expect((await api.call('GET', '/v1/alerts/alr_none')).status).toBe(404);
});

it('shows a webhook’s secret once', async () => {
  const made = await webhook();
  expect(made.secret).toMatch(/^whsec_/);
  const list = await api.call('GET', '/v1/receivers?limit=200');
  expect(ReceiverPage.parse(list.body).items.map(({ name }) => name)).toContain(made.name);
  expect(JSON.stringify(list.body)).not.toContain('whsec_');
  expect(JSON.stringify((await api.call('GET', `/v1/receivers/${made.name}`)).body)).not.toContain('whsec_');
  const twice = await api.call('POST', '/v1/receivers', { kind: 'WEBHOOK', name: made.name, url: 'http://127.0.0.1/' });
  expect(codeOf(twice.body)).toBe('RECEIVER_NAME_TAKEN');
});

it.each([
  'https://2130706434/',
  'https://[::1]/',
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/',
  'http://hooks.example.com/',
  'https://hooks.example.com:8443/',
  'https://user:pass@hooks.example.com/',
])('refuses a webhook to %s before it is stored', async (url) => {
  const answer = await api.call('POST', '/v1/receivers', { kind: 'WEBHOOK', name: 'refused', url });
  expect([answer.status, codeOf(answer.body)]).toEqual([422, 'EGRESS_BLOCKED']);
  expect((await api.call('GET', '/v1/receivers/refused')).status).toBe(404);
});

it.each([
  { name: 'none', given: { kind: 'WEBHOOK' } },
  { name: 'no web address', given: { kind: 'WEBHOOK', url: 'ftp://x/' } },
  { name: 'two addresses in one', given: { kind: 'EMAIL', to: ['a@x.example,b@y.example'] } },
  { name: 'a quoted local part', given: { kind: 'EMAIL', to: ['"a@evil.example"@ok.example'] } },
  { name: 'a line end', given: { kind: 'EMAIL', to: ['a@x.example\r\nBcc: b@y.example'] } },
  { name: 'nobody', given: { kind: 'EMAIL', to: [] } },
  { name: 'ten thousand comments', given: { kind: 'EMAIL', to: [`${'('.repeat(10_000)}a@x.example`] } },
])('refuses a receiver with $name', async ({ given }) => {
  expect((await api.call('POST', '/v1/receivers', { name: 'refused', ...given })).status).toBe(400);
});

it('writes a test notice on the way of every other and answers when it was tried', async () => {
  const server = createServer((_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an AddressInfo.
  const { name } = await webhook(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const testing = api.call('POST', `/v1/receivers/${name}/test`);
  const deliveries = new DeliveryStore(api.database.db);
  const row = await (async () => {
    for (;;) {
      const found = await api.database.db.delivery.findFirst({ where: { receiver: { name }, kind: 'test' } });
      if (found !== null) return found;
    }
  })();
  // No worker runs here: what it would write is written by hand.
  const claimed = await deliveries.claim(row.id);
  await deliveries.finish({ id: row.id, rowVersion: claimed?.rowVersion ?? 0 }, { status: 'DELIVERED', responseCode: 200, durationMs: 3 });
  const answer = await testing;
  expect(DeliveryView.parse(answer.body)).toMatchObject({ kind: 'test', status: 'DELIVERED', responseCode: 200, receiver: name, alertId: null });
  server.close();
  expect((await api.call('POST', '/v1/receivers/nobody/test')).status).toBe(404);
});

it('lets nobody but those who may deploy change rules and receivers', async () => {
  const made = await api.call('POST', '/v1/keys', { name: 'looker', scopes: ['view'] });
  const looker = { authorization: `Bearer ${Reflect.get(Object(made.body), 'secret')}` };
  await waitFor(async () => (await api.call('GET', '/v1/alert-rules', undefined, looker)).status === 200, { what: 'the key to be known' });
  for (const [method, path, body] of [
    ['POST', '/v1/alert-rules', rule()],
    ['DELETE', '/v1/alert-rules/x', undefined],
    ['POST', '/v1/receivers', { kind: 'EMAIL', name: 'x', to: ['a@x.example'] }],
    ['POST', '/v1/receivers/x/test', undefined],
    ['POST', '/v1/deliveries/x/replay', undefined],
  ] as const)
    expect((await api.call(method, path, body, looker)).status).toBe(403);
});
