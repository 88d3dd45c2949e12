import { randomBytes } from 'node:crypto';
import { Client, type Pool } from 'pg';
import { inject } from 'vitest';
import { createDatabase, type Database } from '../database/database.js';

/** What the global setup tells the test files. */
export interface TestServer {
  /** Connection to the maintenance database of the shared server. */
  readonly adminUrl: string;
  /** A migrated database that new ones are copied from. */
  readonly template: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer;
  }
}

export interface TestDatabase {
  readonly url: string;
  readonly db: Database;
  readonly pool: Pool;
  /** Closes the connections and drops the database. */
  close(): Promise<void>;
}

/** A fresh migrated database of its own on the one PostgreSQL of this test run (see `global-setup.ts`). */
export async function testDatabase(options: { max?: number } = {}): Promise<TestDatabase> {
  const { adminUrl, template } = inject('testServer');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(adminUrl, `create database ${name} template ${template}`);
  const url = withDatabase(adminUrl, name);
  const handle = createDatabase({ url, max: options.max ?? 5 });
  return {
    url,
    db: handle.prisma,
    pool: handle.pool,
    close: async () => {
      await handle.close();
      await administer(adminUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

/** One statement on the maintenance database; several test files at a time copy the template, so being refused for that is retried. */
export async function administer(adminUrl: string, statement: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const client = new Client({ connectionString: adminUrl });
    await client.connect();
    try {
      await client.query(statement);
      return;
    } catch (error) {
      if (!(error instanceof Error) || !/being accessed by other users/.test(error.message) || Date.now() > deadline) throw error;
    } finally {
      await client.end();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
