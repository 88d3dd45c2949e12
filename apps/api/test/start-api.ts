import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { KeyStore } from '../src/access/key.store.js';
import { type Api, createApi } from '../src/create-app.js';
import { Platform } from '../src/platform.js';

export const adminKey = 'test-admin-key-of-more-than-32-characters';

export interface TestApi {
  readonly api: Api;
  readonly platform: Platform;
  readonly database: TestDatabase;
  readonly home: string;
  /** http://127.0.0.1:<port> */
  readonly url: string;
  /** A request with the admin key; a body that is an object goes as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown; headers: Headers }>;
  close(): Promise<void>;
}

/** The whole API on a database, a home and a port of its own. */
export async function startApi(settings: Record<string, string> = {}): Promise<TestApi> {
  const database = await testDatabase();
  const home = await mkdtemp(join(tmpdir(), 'slipway-api-'));
  const loaded = loadSettings({ SLIPWAY_HOME: home, SLIPWAY_LOG_LEVEL: 'silent', SLIPWAY_API_PORT: '0', ...settings });
  const platform = Platform.open(loaded, database.url);
  await platform.nudges.start();
  await new KeyStore(platform.db.prisma).ensureBootstrap(adminKey);
  const api = await createApi(platform);
  const port = await api.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  return {
    api,
    platform,
    database,
    home,
    url,
    call: async (method, path, body, headers = {}) => {
      const isJson = body !== undefined && !(body instanceof Uint8Array) && typeof body !== 'string';
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${adminKey}`, ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers },
        ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as string | Uint8Array<ArrayBuffer>) }),
      });
      const text = await answer.text();
      const json = answer.headers.get('content-type')?.includes('json') === true && text !== '';
      return { status: answer.status, body: json ? JSON.parse(text) : text, headers: answer.headers };
    },
    close: async () => {
      await api.close();
      await platform.shutdown.run();
      await database.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
