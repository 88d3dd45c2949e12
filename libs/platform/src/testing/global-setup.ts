import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../database/migrate.js';
import { isLivePostgres, readLock, signal, stopServer } from '../embedded-postgres/postmaster.js';
import { startEmbeddedPostgres } from '../embedded-postgres/start-embedded-postgres.js';
import { administer, type TestServer, withDatabase } from './test-database.js';

const prefix = 'slipway-test-';
const template = 'slipway_template';

interface Running {
  readonly server: TestServer;
  stop(): Promise<void>;
}

declare global {
  // Several vitest projects use this setup; each loads its own copy of this module, and only the process is shared.
  var slipwayTestServer: { users: number; running: Promise<Running> } | undefined;
}

/** Starts the one PostgreSQL of the test run, with fsync off and a migrated template. */
export async function setup(project: TestProject): Promise<void> {
  globalThis.slipwayTestServer ??= { users: 0, running: start() };
  const entry = globalThis.slipwayTestServer;
  entry.users += 1;
  project.provide('testServer', (await entry.running).server);
}

/** Stops it after the last project. */
export async function teardown(): Promise<void> {
  const entry = globalThis.slipwayTestServer;
  if (entry === undefined) return;
  entry.users -= 1;
  if (entry.users > 0) return;
  globalThis.slipwayTestServer = undefined;
  await (await entry.running).stop();
}

async function start(): Promise<Running> {
  await removeAbandoned();
  const home = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const postgres = await startEmbeddedPostgres({ home, database: 'postgres', settings });
  await administer(postgres.url, `create database ${template}`);
  await migrate(withDatabase(postgres.url, template));
  return {
    server: { adminUrl: postgres.url, template },
    stop: async () => {
      await postgres.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Servers and folders of test runs that were killed before they could clean up. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = Number(name.match(/^slipway-test-(\d+)-/)?.[1]);
    if (!Number.isInteger(owner) || signal(owner, 0)) continue;
    const home = join(tmpdir(), name);
    const lock = await readLock(join(home, 'postgres'));
    if (lock !== undefined && (await isLivePostgres(lock.pid))) await stopServer(lock.pid, 2000);
    await rm(home, { recursive: true, force: true }).catch(() => undefined);
  }
}
