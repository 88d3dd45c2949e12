import { EventPage, HistoryComparison, HistoryPage, HistoryRestored, PredictionOrigin, ServedPage } from '@slipway/contracts';
import { HistoryStore, newId, toJson } from '@slipway/platform';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PredictionIds } from '../src/gateway/prediction-id.js';
import { adminKey, startApi, type TestApi } from './start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  const { db } = api.database;
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name: 'fraud', nameFolded: 'fraud', nextVersion: 3 } });
  const signature = toJson({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] });
  for (const number of [1, 2]) {
    const digest = String(number).padStart(64, '0');
    const data = {
      id: newId('ver'),
      modelId,
      number,
      status: 'READY',
      digest,
      sizeBytes: 10n,
      fileName: `v${number}.onnx`,
      signature,
      createdBy: 'key:test',
    };
    await db.version.create({ data });
  }
});
afterAll(() => api.close());

const lastEvent = async () => EventPage.parse((await api.call('GET', '/v1/events?limit=1')).body).items[0]?.sequence ?? 0;
const setAlias = (version: number) => api.call('PUT', '/v1/models/fraud/aliases/champion', { version, reason: `to ${version}` });
const historyOf = async (query: string) => {
  const answer = await api.call('GET', `/v1/history?${query}`);
  expect(answer.status).toBe(200);
  return HistoryPage.parse(answer.body);
};
const restore = (body: object) => api.call('POST', '/v1/history/restore', body);
/** Writes the fact that a worker writes once a revision takes the traffic. */
async function serve(name: string): Promise<void> {
  const { db } = api.database;
  const row = await db.deployment.findFirstOrThrow({ where: { name, deletedAt: null } });
  await db.revision.update({ where: { id: row.desiredRevisionId ?? '' }, data: { activatedAt: new Date() } });
  await db.rollout.updateMany({ where: { deploymentId: row.id, epoch: row.epoch }, data: { status: 'COMPLETED' } });
  await db.deployment.update({ where: { id: row.id }, data: { activeRevisionId: row.desiredRevisionId } });
}

describe('the past', () => {
  it('is shown, compared and put back by a change of its own', async () => {
    await setAlias(1);
    const first = await lastEvent();
    await setAlias(2);
    const second = await lastEvent();
    const then = await historyOf(`at=${first}&kind=alias&name=fraud/champion`);
    expect(then.items).toMatchObject([{ kind: 'alias', name: 'fraud/champion', state: { model: 'fraud', version: 1 } }]);
    expect(then.place).toMatchObject({ sequence: first, event: { action: 'alias.set', reason: 'to 1', actor: 'key:bootstrap' } });
    expect((await historyOf(`kind=alias`)).items).toMatchObject([{ state: { version: 2 } }]);

    const compared = HistoryComparison.parse((await api.call('GET', `/v1/history/compare?from=${first}&to=${second}`)).body);
    expect(compared.items.map((item) => item.differences.filter((each) => each.path === 'version'))).toEqual([
      [{ path: 'version', before: 1, after: 2 }],
    ]);

    const wish = { at: String(first), what: 'alias', name: 'fraud/champion', reason: 'v2 was worse' };
    const differences = [{ path: 'version', before: 2, after: 1 }];
    expect(await restore({ ...wish, dryRun: true })).toMatchObject({ status: 200, body: { done: false, differences, refusals: [] } });
    expect(await lastEvent()).toBe(second);
    // Whoever may deploy may not set an alias, nor put one back.
    const { secret } = (await api.call('POST', '/v1/keys', { name: 'deployer', scopes: ['deploy'] })).body as { secret: string };
    const asDeployer = { authorization: `Bearer ${secret}` };
    await vi.waitFor(async () =>
      expect(await api.call('POST', '/v1/history/restore', wish, asDeployer)).toMatchObject({ status: 403, body: { code: 'SCOPE_MISSING' } }),
    );
    // Keys and join tokens are listed for admins alone, and their past is no way round that.
    expect((await historyOf('kind=key')).items.map(({ name }) => name)).toContain('deployer');
    expect(await api.call('GET', '/v1/history?kind=key', undefined, asDeployer)).toMatchObject({ status: 200, body: { items: [] } });
    expect(await api.call('GET', '/v1/history/compare?from=0&kind=key', undefined, asDeployer)).toMatchObject({ status: 200, body: { items: [] } });
    expect(HistoryRestored.parse((await restore(wish)).body)).toMatchObject({ done: true, differences });
    const [event] = EventPage.parse((await api.call('GET', '/v1/events?limit=1')).body).items;
    expect(event).toMatchObject({
      action: 'alias.set',
      before: { version: 2 },
      after: { version: 1 },
      reason: expect.stringContaining('v2 was worse'),
    });
    expect(await restore(wish)).toMatchObject({ status: 200, body: { done: false, differences: [] } });
  });

  it('is shown page by page and not before it began', async () => {
    const whole = await historyOf('limit=200');
    const first = await historyOf('limit=1');
    const rest = await historyOf(`limit=199&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items].map((item) => item.id)).toEqual(whole.items.map((item) => item.id));
    expect(await api.call('GET', '/v1/history?at=2001-01-01T00:00:00Z')).toMatchObject({ status: 404, body: { code: 'HISTORY_UNAVAILABLE' } });
    expect(await api.call('GET', '/v1/history?at=yesterday')).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
  });
});

describe('what served', () => {
  it('is known for each moment and each prediction, also of a deployment that is gone', async () => {
    await api.call('POST', '/v1/deployments', { name: 'gone', model: 'fraud', version: 1, reason: 'the first' });
    await serve('gone');
    const predictedAt = Date.now() + 2;
    const id = new PredictionIds().next(predictedAt);
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(predictedAt), { interval: 1 });
    expect(await api.call('POST', '/v1/deployments/gone/revisions', { version: 2 })).toMatchObject({ status: 202 });
    await serve('gone');
    expect(await api.call('DELETE', '/v1/deployments/gone')).toMatchObject({ status: 204 });

    const served = ServedPage.parse((await api.call('GET', '/v1/deployments/GONE/served')).body).items;
    expect(served).toMatchObject([
      { revision: 1, version: 1, digest: '1'.padStart(64, '0'), weightPercent: 100 },
      { revision: 2, version: 2, digest: '2'.padStart(64, '0'), weightPercent: 100, cause: null },
    ]);
    expect(served[0]?.to).toBe(served[1]?.from);
    expect(Date.parse(served[1]?.to ?? '')).toBeLessThanOrEqual(Date.now());

    const origin = PredictionOrigin.parse((await api.call('GET', `/v1/predictions/${id}/origin?deployment=gone`)).body);
    expect(origin).toMatchObject({
      id,
      basis: 'derived',
      sources: [
        { deployment: 'gone', model: 'fraud', version: 1, fileName: 'v1.onnx', weightPercent: 100, deployedBy: 'key:bootstrap', reason: 'the first' },
      ],
    });
    const tooEarly = new PredictionIds().next(Date.parse('2001-01-01T00:00:00Z'));
    expect(await api.call('GET', `/v1/predictions/${tooEarly}/origin`)).toMatchObject({ status: 404, body: { code: 'HISTORY_UNAVAILABLE' } });
    expect(await api.call('GET', '/v1/predictions/other/origin')).toMatchObject({ status: 404, body: { code: 'PREDICTION_NOT_FOUND' } });
    expect(await api.call('GET', '/v1/deployments/never/served')).toMatchObject({ status: 404, body: { code: 'DEPLOYMENT_NOT_FOUND' } });
  });

  it('is served again when it is put back, and refused with a reason when it cannot be', async () => {
    await api.call('POST', '/v1/deployments', { name: 'back', model: 'fraud', version: 1 });
    await serve('back');
    const at = new Date().toISOString();
    expect(await api.call('POST', '/v1/deployments/back/revisions', { version: 2 })).toMatchObject({ status: 202 });
    await serve('back');
    const wish = { at, what: 'deployment', name: 'back' };
    const differences = expect.arrayContaining([{ path: 'version', before: 2, after: 1 }]);
    expect(await restore({ ...wish, dryRun: true })).toMatchObject({ body: { done: false, differences } });
    expect(await restore(wish)).toMatchObject({ status: 200, body: { done: true } });
    const [event] = EventPage.parse((await api.call('GET', '/v1/events?action=deployment.*&subjectName=back&limit=1')).body).items;
    expect(event).toMatchObject({ action: 'deployment.rolled_back', after: { revision: 1 }, reason: expect.stringContaining('put back') });
    await api.call('DELETE', '/v1/deployments/back');
    expect(await restore({ ...wish, dryRun: true })).toMatchObject({ status: 200, body: { refusals: [expect.stringContaining('deleted')] } });
    expect(await restore(wish)).toMatchObject({ status: 409, body: { code: 'RESTORE_REFUSED', detail: expect.stringContaining('deleted') } });
  });
});

describe('events', () => {
  it('are found by actor, action and time, and exported', async () => {
    const all = EventPage.parse((await api.call('GET', '/v1/events?limit=200')).body).items;
    const count = async (query: string) => EventPage.parse((await api.call('GET', `/v1/events?limit=200&${query}`)).body).items.length;
    expect(await count('action=alias.*')).toBe(all.filter((event) => event.subjectKind === 'alias').length);
    expect(await count('action=alias.removed')).toBe(0);
    expect(await count('actor=system:start')).toBe(all.filter((event) => event.actor === 'system:start').length);
    const at = all[1]?.at ?? '';
    expect((await count(`from=${at}`)) + (await count(`to=${at}`))).toBe(all.length);
    expect(await api.call('GET', '/v1/events?action=x;drop')).toMatchObject({ status: 400 });
    const exported = await fetch(`${api.url}/v1/events/export?action=alias.*`, { headers: { authorization: `Bearer ${adminKey}` } });
    const lines = (await exported.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).sequence)).toEqual(
      all
        .filter((event) => event.subjectKind === 'alias')
        .map((event) => event.sequence)
        .reverse(),
    );
    expect((await api.call('GET', '/v1/events/export?format=csv')).body).toMatch(/^sequence,id,at,actor/);
  });

  it('have a recorded state beside them', async () => {
    const history = new HistoryStore(api.database.pool);
    expect(await history.takeSnapshot('prj_default')).toBe(true);
    expect(await history.dueProjects()).toEqual([]);
  });
});
