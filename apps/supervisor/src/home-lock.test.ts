import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isRunning } from '@slipway/platform';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureBootstrapKey } from './bootstrap-key.js';
import { asDiskFull, prepareHome } from './free-space.js';
import { lockHome } from './home-lock.js';
import { boundLog } from './log-files.js';
import { PidFiles } from './pid-files.js';
import { claimPorts } from './ports.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-supervisor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function sleeper() {
  return spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); process.send("up")'], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

it('lets one supervisor at a time have a home', async () => {
  const file = join(folder, 'run', 'supervisor.lock');
  const lock = await lockHome(file);
  await expect(lockHome(file)).rejects.toThrow(`Slipway already runs on ${folder} (process ${process.pid}); stop it first`);
  await lock.release();
  await (await lockHome(file)).release();
  expect(await readdir(join(folder, 'run'))).toEqual([]);
});

it('gives the home to one of many that find the lock of a dead supervisor', async () => {
  const file = join(folder, 'run', 'supervisor.lock');
  await mkdir(join(folder, 'run'));
  await writeFile(file, JSON.stringify({ pid: process.pid, startedAt: 'another boot' }));
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockHome(file)));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
});

it('waits for a supervisor that is about to end', async () => {
  const file = join(folder, 'run', 'supervisor.lock');
  const lock = await lockHome(file);
  await lock.leaving();
  const next = lockHome(file);
  setTimeout(() => void lock.release(), 150);
  await (await next).release();
});

it('ends what a killed run left, and nobody who only has its number', async () => {
  const child = sleeper();
  await once(child, 'message');
  const files = new PidFiles(folder);
  await files.write('api', child.pid ?? 0);
  await writeFile(join(folder, 'worker.pid'), JSON.stringify({ pid: process.pid, startedAt: 'another boot' }));
  await writeFile(join(folder, 'console.pid'), 'half a fi');
  const ended = once(child, 'exit');
  expect(await files.endLeftovers(['api', 'worker', 'console'], 100)).toBe(1);
  expect((await ended)[1]).toBe('SIGKILL');
  expect(await readdir(folder)).toEqual([]);
});

it('knows a process by number and start', () => {
  const own = identify(process.pid);
  expect(own && isRunning(own)).toBe(true);
  expect(isRunning({ pid: process.pid, startedAt: 'x' })).toBe(false);
  expect(identify(2 ** 22 + 1)).toBeUndefined();
});

it('names the setting of a port in use, a doubled port and a foreign address', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const wish = { setting: 'SLIPWAY_API_PORT', port, host: '127.0.0.1' };
  await expect(claimPorts([wish])).rejects.toThrow(
    `Port ${port} on 127.0.0.1 is in use by another program; stop that program, or set SLIPWAY_API_PORT`,
  );
  server.close();
  await expect(claimPorts([wish, { ...wish, setting: 'SLIPWAY_WORKER_PORT' }])).rejects.toThrow(/SLIPWAY_API_PORT and SLIPWAY_WORKER_PORT are both/);
  await expect(claimPorts([{ ...wish, host: '203.0.113.9' }])).rejects.toThrow(/not an address of this machine/);
  expect((await claimPorts([{ ...wish, port: 0 }]))[0]).toBeGreaterThan(0);
});

it('says that the disk is full in one sentence, before and after the fact', async () => {
  await expect(prepareHome(folder, Number.MAX_SAFE_INTEGER)).rejects.toThrow(/is full \(\d+ MB free, 300 MB needed\); free some space/);
  const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
  expect(asDiskFull(new Error('outer', { cause: full }), folder)?.code).toBe('DISK_FULL');
  expect(asDiskFull(new Error('other'), folder)).toBeUndefined();
});

it('makes a key once, keeps it closed to others, and prefers the one that was set', async () => {
  const file = join(folder, 'secrets', 'bootstrap-key');
  const first = await ensureBootstrapKey(file, undefined);
  expect(first).toMatchObject({ origin: 'made', key: expect.stringMatching(/^slw_[\w-]{43}$/) });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await ensureBootstrapKey(file, undefined)).toEqual({ key: first.key, origin: 'kept' });
  expect(await ensureBootstrapKey(file, 'g'.repeat(32))).toEqual({ key: 'g'.repeat(32), origin: 'given' });
});

it('bounds a log at the written size and keeps the part before', async () => {
  const file = join(folder, 'api.log');
  await writeFile(file, 'x'.repeat(100));
  expect(await boundLog(file, 100)).toBe(false);
  expect(await boundLog(file, 99)).toBe(true);
  expect([(await stat(file)).size, (await stat(`${file}.1`)).size]).toEqual([0, 100]);
});
