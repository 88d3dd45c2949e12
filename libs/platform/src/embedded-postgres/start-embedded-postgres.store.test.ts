import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, expect, it } from 'vitest';
import { waitFor } from '../testing/wait-for.js';
import { initialiseData } from './initialise-data.js';
import { isLivePostgres } from './postmaster.js';
import { chooseRunAs } from './run-as.js';
import { serverFolder } from './server-folder.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './start-embedded-postgres.js';

const isRoot = process.geteuid?.() === 0;
const servers: EmbeddedPostgres[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(1000)));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-postgres-'));
  folders.push(folder);
  return folder;
}

async function start(home: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ home, settings: ['fsync=off'] });
  servers.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

it('makes a database that asks for a password, keeps its data and its address over a stop', async () => {
  const home = await newFolder();
  const first = await start(home);
  await query(first.url, 'create table kept (n int); insert into kept values (7)');
  const wrong = new URL(first.url);
  wrong.password = 'guessed';
  await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
  expect((await stat(join(home, 'secrets', 'postgres-password'))).mode & 0o777).toBe(0o600);

  await first.stop();
  expect(await first.isAlive()).toBe(false);
  const second = await start(home);
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }]);
});

it('takes over a server that is still running', async () => {
  const home = await newFolder();
  const first = await start(home);
  const second = await startEmbeddedPostgres({ home });
  expect(second).toMatchObject({ adopted: true, pid: first.pid, url: first.url });
});

it('recovers what was committed when the server was killed', async () => {
  const home = await newFolder();
  const first = await start(home);
  await query(first.url, 'create table kept (n int); insert into kept values (7)');
  process.kill(first.pid, 'SIGKILL');
  const second = await start(home);
  expect(second.pid).not.toBe(first.pid);
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }]);
});

it('starts over the lock of a process that is dead but not yet reaped', async () => {
  const home = await newFolder();
  const first = await start(home);
  const dataFolder = await dataFolderOf(home);
  await first.stop();
  const runAs = await chooseRunAs(dataFolder);
  // A parent that never looks after its ended child leaves a zombie with the same user as the server.
  const script = `const c = require('node:child_process').spawn('true', [], ${JSON.stringify(runAs ?? {})});
    process.stdout.write(String(c.pid)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const zombie = Number(await new Promise((resolve) => parent.stdout.once('data', (piece) => resolve(String(piece)))));
    await waitFor(async () => / Z /.test(await readFile(`/proc/${zombie}/stat`, 'utf8').catch(() => ' Z ')));
    expect(await isLivePostgres(zombie)).toBe(false);
    await writeFile(join(dataFolder, 'postmaster.pid'), `${zombie}\n${dataFolder}\n1764000000\n${first.port}\n\n127.0.0.1\n`, { mode: 0o600 });
    const second = await start(home);
    expect(second.adopted).toBe(false);
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    parent.kill('SIGKILL');
  }
});

it('moves to another port when the remembered one is taken', async () => {
  const home = await newFolder();
  const first = await start(home);
  await first.stop();
  const squatter = createServer().listen(first.port, '127.0.0.1');
  try {
    await waitFor(() => squatter.listening);
    const second = await start(home);
    expect(second.port).not.toBe(first.port);
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    squatter.close();
  }
});

it('leaves nothing that looks like a database when making one fails', async () => {
  const folder = await newFolder();
  const options = { folder, dataFolder: join(folder, 'postgres'), logFile: '', runAs: undefined, password: 'x'.repeat(32) };
  await expect(initialiseData({ ...options, binaries: { initdb: '/bin/false', postgres: '' } })).rejects.toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
  });
  expect(await readdir(folder)).toEqual([]);
});

it('says which file is missing when the password is gone', async () => {
  const home = await newFolder();
  await (await start(home)).stop();
  await rm(join(home, 'secrets', 'postgres-password'));
  await expect(start(home)).rejects.toThrow(/postgres-password is missing/);
});

it.runIf(isRoot)('keeps the data outside a home that the server user cannot reach, and finds it again', async () => {
  const closed = await newFolder();
  const outside = await newFolder();
  await chmod(outside, 0o755);
  await chmod(closed, 0o700);
  const home = join(closed, 'home');
  await mkdir(home);
  const runAs = await chooseRunAs(join(home, 'postgres'));
  const chosen = await serverFolder(home, runAs, [outside]);
  expect(chosen.startsWith(outside)).toBe(true);
  expect(await serverFolder(home, runAs, [outside])).toBe(chosen);

  const first = await start(home);
  expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await first.stop();
  await rm(chosen, { recursive: true, force: true });
  await expect(start(home)).rejects.toThrow(/is gone/);
});

async function dataFolderOf(home: string): Promise<string> {
  return join(await serverFolder(home, await chooseRunAs(join(home, 'postgres'))), 'postgres');
}
