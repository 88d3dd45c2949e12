import { createServer, request } from 'node:http';
import { createDatabase, newInternalToken } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CredentialTable } from '../src/access/credential-table.js';
import { SessionStore } from '../src/access/session.store.js';
import { EventHub } from '../src/events/event-hub.js';
import { openEventStream } from '../src/events/event-stream.js';
import type { Platform } from '../src/platform.js';
import { adminKey, startApi, type TestApi } from './start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const problem = (code: string) =>
  expect.objectContaining({ code, status: expect.any(Number), detail: expect.any(String), requestId: expect.stringMatching(/^req_/) });

describe('keys', () => {
  it('open what their scopes allow and nothing else', async () => {
    const created = await api.call('POST', '/v1/keys', { name: 'viewer', scopes: ['view'] });
    expect(created.status).toBe(201);
    const { secret } = created.body as { secret: string };
    const authorization = `Bearer ${secret}`;
    await waitFor(async () => (await api.call('GET', '/v1/events', undefined, { authorization })).status === 200, { what: 'the key to be known' });
    const refused = await api.call('GET', '/v1/keys', undefined, { authorization });
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual(problem('SCOPE_MISSING'));
  });

  it('never show their secret again', async () => {
    const list = await api.call('GET', '/v1/keys');
    expect(JSON.stringify(list.body)).not.toMatch(/slw_[\w-]{40}/);
  });

  it('stop working within a second after they are revoked', async () => {
    const { secret } = (await api.call('POST', '/v1/keys', { name: 'leaked', scopes: ['view'] })).body as { secret: string };
    const authorization = `Bearer ${secret}`;
    await waitFor(async () => (await api.call('GET', '/v1/events', undefined, { authorization })).status === 200, { what: 'the key to be known' });
    expect((await api.call('DELETE', '/v1/keys/leaked')).status).toBe(204);
    await waitFor(async () => (await api.call('GET', '/v1/events', undefined, { authorization })).status === 401, {
      what: 'the key to be refused',
      timeoutMs: 1_000,
    });
  });

  it('are refused when missing, unknown or mangled', async () => {
    for (const authorization of ['', 'Bearer ', 'Bearer nonsense', 'Basic abc', `Bearer ${'x'.repeat(5_000)}`]) {
      const answer = await api.call('GET', '/v1/keys', undefined, { authorization });
      expect(answer.status, authorization.slice(0, 20)).toBe(401);
    }
  });
});

describe('internal tokens', () => {
  const tokenFor = (key: Uint8Array) => newInternalToken(key, { projectId: 'prj_default', purpose: 'batch-predictions' }, Date.now());

  it("name a part of Slipway to the gateway, and only with the installation's own key", () => {
    const table = api.api.app.get(CredentialTable);
    const good = table.resolve(`Bearer ${tokenFor(api.platform.masterKey)}`, undefined);
    expect(good).toMatchObject({ ok: true, isInternal: true, actor: 'system:batch-predictions', projectId: 'prj_default', scopes: ['predict'] });
    expect(table.resolve(`Bearer ${tokenFor(new Uint8Array(32))}`, undefined)).toMatchObject({ ok: false, code: 'CREDENTIAL_INVALID' });
    expect(table.resolve(undefined, `slipway_session=${tokenFor(api.platform.masterKey)}`)).toMatchObject({ ok: false });
    expect(table.resolve(`Bearer ${adminKey}`, undefined)).toMatchObject({ ok: true, isInternal: false });
  });

  it('open no control route and no session', async () => {
    const key = tokenFor(api.platform.masterKey);
    expect((await api.call('GET', '/v1/models', undefined, { authorization: `Bearer ${key}` })).status).toBe(403);
    expect((await api.call('GET', '/v2/models', undefined, { authorization: `Bearer ${key}` })).status).toBe(200);
    expect((await api.call('POST', '/v1/session', { key }, { authorization: '' })).status).toBe(401);
  });
});

describe('sessions', () => {
  const token = 'one-time-token-of-more-than-32-characters';

  it('open with a one-time link, once', async () => {
    await new SessionStore(api.platform.db.prisma).allowSignIn(token);
    const answers = await Promise.all([1, 2, 3].map(() => api.call('POST', '/v1/session', { token }, { authorization: '' })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 401, 401]);
    const cookie = answers.find((answer) => answer.status === 201)?.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly; SameSite=Lax/);
    const session = cookie.split(';')[0] ?? '';
    const bare = (method: string, path: string, headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        request(`${api.url}${path}`, { method, headers: { cookie: session, ...headers } }, (response) => resolve(response.resume().statusCode ?? 0))
          .on('error', reject)
          .end(method === 'POST' ? '{"name":"from-console","scopes":["view"]}' : undefined);
      });
    expect(await bare('GET', '/v1/keys', {})).toBe(200);
    const json = { 'content-type': 'application/json' };
    // A change with the cookie must come from our own page.
    expect(await bare('POST', '/v1/keys', json)).toBe(403);
    expect(await bare('POST', '/v1/keys', { ...json, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await bare('POST', '/v1/keys', { ...json, origin: 'https://elsewhere.example' })).toBe(403);
    expect(await bare('POST', '/v1/keys', { ...json, 'sec-fetch-site': 'same-origin' })).toBe(201);
    expect(await bare('DELETE', '/v1/session', { 'sec-fetch-site': 'same-origin' })).toBe(204);
    expect(await bare('GET', '/v1/keys', {})).toBe(401);
  });

  it('open with a key and carry its scopes', async () => {
    const { secret } = (await api.call('POST', '/v1/keys', { name: 'person', scopes: ['deploy'] })).body as { secret: string };
    await waitFor(async () => (await api.call('POST', '/v1/session', { key: secret }, { authorization: '' })).status === 201, {
      what: 'the key to be known',
    });
    expect((await api.call('POST', '/v1/session', { key: 'k'.repeat(40) }, { authorization: '' })).status).toBe(401);
  });

  it('end with the key they were opened with', async () => {
    const { secret } = (await api.call('POST', '/v1/keys', { name: 'leaver', scopes: ['view'] })).body as { secret: string };
    const opened = await waitFor(
      async () => {
        const answer = await api.call('POST', '/v1/session', { key: secret }, { authorization: '' });
        return answer.status === 201 ? answer : undefined;
      },
      { what: 'the key to be known' },
    );
    const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const status = () =>
      new Promise<number>((resolve, reject) => {
        request(`${api.url}/v1/events`, { headers: { cookie } }, (response) => resolve(response.resume().statusCode ?? 0))
          .on('error', reject)
          .end();
      });
    expect(await status()).toBe(200);
    expect((await api.call('DELETE', '/v1/keys/leaver')).status).toBe(204);
    await waitFor(async () => (await status()) === 401, { what: 'the session to be over', timeoutMs: 1_000 });
  });

  it('are known when the sign-in is answered, also during a reading of the table', async () => {
    const table = api.api.app.get(CredentialTable);
    const sessions = new SessionStore(api.platform.db.prisma);
    for (let round = 0; round < 5; round += 1) {
      const underWay = table.refresh();
      const { token: cookie } = await sessions.openFor({ projectId: 'prj_default', actor: 'key:bootstrap', scopes: ['view'] });
      await table.refresh();
      expect(table.resolve(undefined, `slipway_session=${cookie}`).ok).toBe(true);
      await underWay;
    }
  });

  it('leave an event when they end', async () => {
    await new SessionStore(api.platform.db.prisma).allowSignIn(`${token}-again`);
    const opened = await api.call('POST', '/v1/session', { token: `${token}-again` }, { authorization: '' });
    const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0]?.split('=')[1] ?? '';
    await new SessionStore(api.platform.db.prisma).close(cookie);
    const page = (await api.call('GET', '/v1/events?subjectKind=session&limit=1')).body as { items: { action: string }[] };
    expect(page.items[0]?.action).toBe('session.closed');
  });
});

describe('requests', () => {
  it('with unknown fields or of a wrong shape name the place', async () => {
    const answer = await api.call('POST', '/v1/keys', { name: 'a b', scopes: ['fly'], admin: true });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const { errors, detail } = answer.body as { errors: { path: string }[]; detail: string };
    expect(errors.map((place) => place.path)).toEqual(expect.arrayContaining(['name', 'scopes.0']));
    expect(detail).toMatch(/admin/);
  });

  it.each([
    ['POST', '/v1/keys', '{"name":', { 'content-type': 'application/json' }, 400],
    ['POST', '/v1/keys', '{"__proto__":{"a":1}}', { 'content-type': 'application/json' }, 400],
    ['POST', '/v1/keys', 'name=a', { 'content-type': 'text/plain' }, 415],
    ['GET', '/v1/nothing', undefined, {}, 404],
    ['GET', '/v1/keys?limit=0', undefined, {}, 400],
    ['GET', '/v1/keys?limit=1e9', undefined, {}, 400],
    ['GET', '/v1/keys?cursor=forged!', undefined, {}, 400],
    ['GET', '/v1/keys?sort=hash', undefined, {}, 400],
  ])('%s %s is answered with a problem document', async (method, path, body, headers, status) => {
    const answer = await api.call(method, path, body, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual(expect.objectContaining({ code: expect.any(String), detail: expect.any(String) }));
  });

  it('that say JSON and have no body are taken as such', async () => {
    await api.call('POST', '/v1/keys', { name: 'short-lived', scopes: ['view'] });
    expect((await api.call('DELETE', '/v1/keys/short-lived', undefined, { 'content-type': 'application/json' })).status).toBe(204);
    expect((await api.call('POST', '/v1/keys', undefined, { 'content-type': 'application/json' })).status).toBe(400);
  });

  it('under a foreign host name are refused', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      request(`${api.url}/v1/keys`, { headers: { host: 'evil.example' } }, (response) => resolve(response.resume().statusCode ?? 0))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(421);
  });

  it('page through a list without gaps or repeats', async () => {
    for (let k = 0; k < 7; k += 1) await api.call('POST', '/v1/keys', { name: `page-${k}`, scopes: ['view'] });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = (await api.call('GET', `/v1/keys?limit=3${cursor === undefined ? '' : `&cursor=${cursor}`}`)).body as {
        items: { name: string }[];
        nextCursor?: string;
      };
      seen.push(...page.items.map((item) => item.name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((name) => name.startsWith('page-'))).toHaveLength(7);
  });
});

describe('Idempotency-Key', () => {
  it('gives the first answer again, also to twenty at once, and makes one key', async () => {
    const headers = { 'idempotency-key': 'make-one' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.call('POST', '/v1/keys', { name: 'only-one', scopes: ['view'] }, headers)),
    );
    expect(answers.every((answer) => answer.status === 201 || answer.status === 409)).toBe(true);
    const again = await api.call('POST', '/v1/keys', { name: 'only-one', scopes: ['view'] }, headers);
    expect(again.status).toBe(201);
    expect(again.body).toEqual(answers.find((answer) => answer.status === 201)?.body);
    expect(await api.database.db.apiKey.count({ where: { name: 'only-one' } })).toBe(1);
  });

  it('keeps no secret in the clear', async () => {
    const created = await api.call('POST', '/v1/keys', { name: 'sealed', scopes: ['view'] }, { 'idempotency-key': 'secret-answer' });
    const { secret } = created.body as { secret: string };
    const row = await api.database.db.idempotencyKey.findFirstOrThrow({ where: { key: 'secret-answer' } });
    expect(row.responseStatus).toBe(201);
    expect(JSON.stringify(row)).not.toContain(secret.slice(4, 20));
    const again = await api.call('POST', '/v1/keys', { name: 'sealed', scopes: ['view'] }, { 'idempotency-key': 'secret-answer' });
    expect(again.body).toEqual(created.body);
  });

  it('refuses another request under the same key', async () => {
    const headers = { 'idempotency-key': 'reused' };
    expect((await api.call('POST', '/v1/keys', { name: 'first-use', scopes: ['view'] }, headers)).status).toBe(201);
    const other = await api.call('POST', '/v1/keys', { name: 'second-use', scopes: ['view'] }, headers);
    expect(other.status).toBe(422);
    expect(other.body).toEqual(problem('IDEMPOTENCY_KEY_REUSED'));
  });

  it('repeats a refusal as well', async () => {
    const headers = { 'idempotency-key': 'refused' };
    const body = { name: 'first-use', scopes: ['view'] };
    const first = await api.call('POST', '/v1/keys', body, headers);
    const second = await api.call('POST', '/v1/keys', body, headers);
    expect([first.status, second.status]).toEqual([409, 409]);
    expect(second.body).toEqual(first.body);
  });

  it('is refused when empty or too long', async () => {
    const answer = await api.call('POST', '/v1/keys', { name: 'x', scopes: ['view'] }, { 'idempotency-key': 'k'.repeat(256) });
    expect(answer.status).toBe(400);
  });
});

describe('events', () => {
  it('tell who did what, newest first, and stream what is new after Last-Event-ID', async () => {
    await api.call('POST', '/v1/keys', { name: 'watched', scopes: ['view'] });
    const page = (await api.call('GET', '/v1/events?subjectKind=key&subjectName=watched')).body as {
      items: { action: string; actor: string; sequence: number }[];
    };
    expect(page.items[0]).toMatchObject({ action: 'key.created', actor: 'key:bootstrap' });
    const since = page.items[0]?.sequence ?? 0;
    await api.call('DELETE', '/v1/keys/watched');
    const lines: string[] = [];
    const stream = request(
      `${api.url}/v1/events`,
      { headers: { authorization: 'Bearer test-admin-key-of-more-than-32-characters', accept: 'text/event-stream', 'last-event-id': String(since) } },
      (response) => {
        expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
        response.on('data', (piece) => lines.push(String(piece)));
      },
    );
    stream.on('error', () => undefined);
    stream.end();
    await waitFor(() => lines.join('').includes('event: key.revoked'), { what: 'the missed event' });
    await api.call('POST', '/v1/keys', { name: 'live', scopes: ['view'] });
    await waitFor(() => lines.join('').includes('"subjectName":"live"'), { what: 'the new event' });
    const ids = [...lines.join('').matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBeGreaterThan(since);
    stream.destroy();
  });

  it('are not told any more to a reader whose key was revoked', async () => {
    const { secret } = (await api.call('POST', '/v1/keys', { name: 'reader', scopes: ['view'] })).body as { secret: string };
    const headers = { authorization: `Bearer ${secret}` };
    await waitFor(async () => (await api.call('GET', '/v1/events', undefined, headers)).status === 200, { what: 'the key to be known' });
    let text = '';
    let isOver = false;
    const stream = request(`${api.url}/v1/events`, { headers: { ...headers, accept: 'text/event-stream' } }, (response) => {
      response.on('data', (piece) => {
        text += String(piece);
      });
      response.on('end', () => {
        isOver = true;
      });
    });
    stream.on('error', () => undefined);
    stream.end();
    await waitFor(() => text.includes('retry:'), { what: 'the stream to be open' });
    await api.call('DELETE', '/v1/keys/reader');
    await waitFor(async () => (await api.call('GET', '/v1/events', undefined, headers)).status === 401, { what: 'the key to be refused' });
    await api.call('POST', '/v1/keys', { name: 'unseen', scopes: ['view'] });
    await waitFor(() => isOver, { what: 'the stream to end' });
    expect(text).not.toContain('"subjectName":"unseen"');
  });

  it('end a stream whose missed events cannot be read, so that its reader comes back', async () => {
    const away = createDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none' });
    const platform: Platform = Object.assign(Object.create(api.platform), { db: away });
    const hub = api.api.app.get(EventHub);
    const server = createServer(
      (_request, response) => void openEventStream({ platform, hub, projectId: 'prj_default', lastEventId: '1', response, mayRead: () => true }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(10_000) });
    expect(await answer.text()).toContain('retry: 2000');
    server.close();
    await away.close();
  });
});

describe('documents', () => {
  it('describe the routes', async () => {
    const document = (await api.call('GET', '/v1/openapi.json')).body as { paths: Record<string, unknown> };
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/v1/keys', '/v1/events', '/v1/session']));
    expect((await api.call('GET', '/docs')).status).toBe(200);
  });

  it('say live and ready', async () => {
    expect((await api.call('GET', '/health/live')).body).toEqual({ live: true });
    expect((await api.call('GET', '/health/ready')).body).toEqual({ ready: true });
  });
});
