import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../embedded-postgres/server-port.js';
import { waitFor } from './wait-for.js';

/** Whether a Redis server is installed; tests of the Redis queue run only then (CI installs it). */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

export interface TestRedis {
  readonly url: string;
  close(): Promise<void>;
}

/** A Redis of its own on a free loopback port, without persistence. */
export async function testRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-redis-'));
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
    '--maxmemory-policy',
    'noeviction',
  ];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (piece) => (output += String(piece)));
  await waitFor(() => output.includes('Ready to accept connections'), { what: 'redis-server to be ready' });
  return { url: `redis://127.0.0.1:${port}/0`, close: () => end(child, folder) };
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  await rm(folder, { recursive: true, force: true });
}
