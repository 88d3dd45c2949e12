import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const refused = (status: number, code: string) => ({ status, body: expect.objectContaining({ status, code, detail: expect.any(String) }) });

describe('models', () => {
  it('are created, listed, read, changed and deleted', async () => {
    expect(await api.call('POST', '/v1/models', { name: 'Fraud', description: 'cards', tags: { team: 'risk' } })).toMatchObject({
      status: 201,
      body: { name: 'Fraud', description: 'cards', versionCount: 0, latestVersion: null, aliases: [] },
    });
    expect(await api.call('GET', '/v1/models/fraud')).toMatchObject({ status: 200, body: { name: 'Fraud' } });
    expect(await api.call('PATCH', '/v1/models/Fraud', { description: 'all cards' })).toMatchObject({
      status: 200,
      body: { description: 'all cards' },
    });
    expect(await api.call('GET', '/v1/models')).toMatchObject({ status: 200, body: { items: [{ name: 'Fraud' }] } });
    expect(await api.call('GET', '/v1/models/Fraud/versions')).toMatchObject({ status: 200, body: { items: [] } });
    expect(await api.call('GET', '/v1/models/Fraud/aliases')).toMatchObject({ status: 200, body: { items: [] } });
    expect(await api.call('DELETE', '/v1/models/Fraud')).toMatchObject({ status: 204 });
    expect(await api.call('GET', '/v1/models/Fraud')).toMatchObject(refused(404, 'MODEL_NOT_FOUND'));
  });

  it('take a name once, whatever its case, and one creation per Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'make-taken' };
    const first = await api.call('POST', '/v1/models', { name: 'Taken' }, headers);
    expect(await api.call('POST', '/v1/models', { name: 'Taken' }, headers)).toMatchObject({ status: 201, body: first.body });
    expect(await api.call('POST', '/v1/models', { name: 'tAKEN' })).toMatchObject(refused(409, 'MODEL_NAME_TAKEN'));
  });

  it.each(['..', '.', '', ' ', 'a/b', 'a\\b', 'trailing.', 'stats', 'STATS', '__proto__', 'ä', 'x'.repeat(129), 'nul\0'])(
    'do not take the name %j',
    async (name) => {
      expect(await api.call('POST', '/v1/models', { name })).toMatchObject(refused(400, 'REQUEST_INVALID'));
    },
  );

  it.each([
    { name: 'an unknown field', body: { name: 'odd', admin: true } },
    { name: 'an operator for a name', body: { name: { not: '' } } },
    { name: 'a NUL in the description', body: { name: 'odd', description: 'a\0b' } },
    { name: 'half a character in a tag', body: { name: 'odd', tags: { a: '\ud800' } } },
    { name: 'a tag that is no text', body: { name: 'odd', tags: { a: 1 } } },
    { name: 'no name', body: {} },
  ])('refuse $name', async ({ body }) => {
    expect(await api.call('POST', '/v1/models', body)).toMatchObject(refused(400, 'REQUEST_INVALID'));
    expect(await api.call('GET', '/v1/models/odd')).toMatchObject({ status: 404 });
  });

  it.each(['%2e%2e', '..%2fkeys', `${'x'.repeat(300)}`, '%F0%9F%9A%80', "'%20or%201=1"])('are not found under %s', async (path) => {
    expect((await api.call('GET', `/v1/models/${path}`)).status).toBe(404);
    expect((await api.call('GET', `/v1/models/${path}/versions`)).status).toBe(404);
  });

  it.each([
    'limit=0',
    'limit=-1',
    'limit=1000000000',
    'limit=NaN',
    'limit=1&limit=2',
    'cursor=forged',
    'cursor=',
    'sort=hash',
    'project=a&project=b',
  ])('do not list with ?%s', async (query) => {
    expect((await api.call('GET', `/v1/models?${query}`)).status).toBe(400);
  });

  it('page with a cursor', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await api.call('POST', '/v1/models', { name });
    const first = await api.call('GET', '/v1/models?limit=1');
    const cursor: unknown = Reflect.get(Object(first.body), 'nextCursor');
    expect(cursor).toEqual(expect.any(String));
    expect(await api.call('GET', `/v1/models?limit=1&cursor=${cursor}`)).toMatchObject({ status: 200, body: { items: [expect.anything()] } });
  });
});

describe('versions and aliases that are not there', () => {
  beforeAll(() => api.call('POST', '/v1/models', { name: 'bare' }));

  it.each(['0', '-1', '1.5', 'one', '99999999999999', '%D9%A1', '1'])('version %s is not found', async (number) => {
    for (const method of ['GET', 'DELETE']) {
      expect(await api.call(method, `/v1/models/bare/versions/${number}`), method).toMatchObject(refused(404, 'VERSION_NOT_FOUND'));
    }
    expect(await api.call('PATCH', `/v1/models/bare/versions/${number}`, {})).toMatchObject(refused(404, 'VERSION_NOT_FOUND'));
  });

  it('an alias points to nothing', async () => {
    expect(await api.call('PUT', '/v1/models/bare/aliases/champion', { version: 1 })).toMatchObject(refused(404, 'VERSION_NOT_FOUND'));
    expect(await api.call('PUT', '/v1/models/bare/aliases/champion', { version: 9e15 })).toMatchObject({ status: 404 });
    expect(await api.call('PUT', '/v1/models/bare/aliases/champion', { version: 0 })).toMatchObject(refused(400, 'REQUEST_INVALID'));
    expect(await api.call('PUT', '/v1/models/bare/aliases/..%2f', { version: 1 })).toMatchObject({ status: 400 });
    expect(await api.call('DELETE', '/v1/models/bare/aliases/champion')).toMatchObject(refused(404, 'ALIAS_NOT_FOUND'));
  });
});
