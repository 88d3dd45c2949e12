import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from '@slipway/platform';
import { afterEach, expect, it } from 'vitest';
import { endOrphanInstances } from './orphan-instances.js';

const homes: string[] = [];
afterEach(() => Promise.all(homes.splice(0).map((home) => rm(home, { recursive: true, force: true }))));

it('ends the processes that the worker wrote down, whatever they call themselves, and no other one', async () => {
  const home = await mkdtemp(join(tmpdir(), 'slipway-orphans-'));
  homes.push(home);
  await mkdir(join(home, 'run'));
  const renamed = () => spawn(process.execPath, ['-e', "process.title = 'slipway instance x/1'; setInterval(() => {}, 1000)"], { stdio: 'ignore' });
  const orphan = renamed();
  const stranger = renamed();
  const write = (name: string, record: unknown) => writeFile(join(home, 'run', name), JSON.stringify(record));
  await write('ins_1.process.json', { instanceId: 'ins_1', pid: orphan.pid, startTime: identify(orphan.pid ?? 0)?.startedAt });
  // The number was used again: same pid, another start.
  await write('ins_2.process.json', { instanceId: 'ins_2', pid: stranger.pid, startTime: 'long ago' });
  await writeFile(join(home, 'run', 'ins_3.process.json'), '{"pid":');
  const ended = new Promise((resolve) => orphan.once('exit', (_code, signal) => resolve(signal)));
  expect(await endOrphanInstances(home)).toBe(1);
  expect(await ended).toBe('SIGKILL');
  expect(stranger.exitCode).toBeNull();
  expect(identify(stranger.pid ?? 0)).toBeDefined();
  stranger.kill('SIGKILL');
});

it('has nothing to end in a home that never ran', async () => {
  expect(await endOrphanInstances(join(tmpdir(), 'slipway-no-such-home'))).toBe(0);
});
