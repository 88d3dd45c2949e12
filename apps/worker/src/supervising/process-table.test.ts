import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { waitFor } from '@slipway/platform/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { isStopped, preferAsVictim, processorTimes, setLoadingPriority } from './process-table.js';

let child: ChildProcess | undefined;
afterEach(async () => {
  child?.kill('SIGKILL');
  if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
});

/** A process in a session of its own that starts a thread for every line it is told. */
function start(): { pid: number; tell: () => void } {
  const code = `const { Worker } = require('node:worker_threads'); process.stdin.on('data', () => new Worker('setInterval(() => {}, 1e6)', { eval: true }))`;
  const started = spawn(process.execPath, ['-e', code], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child = started;
  return { pid: started.pid ?? 0, tell: () => started.stdin.write('.') };
}

const threads = (pid: number) => readdirSync(`/proc/${pid}/task`).map(Number);
const priorities = (pid: number) => [...new Set(threads(pid).map((thread) => getPriority(thread)))];
const hasSessions = existsSync('/proc/self/autogroup');
const ofSession = (pid: number) => / nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[1];

describe.runIf(process.platform === 'linux')('a process', () => {
  it('is known to be stopped until it is continued', async () => {
    const { pid } = start();
    expect(isStopped(pid)).toBe(false);
    process.kill(pid, 'SIGSTOP');
    await waitFor(() => isStopped(pid), { what: 'the process to be stopped' });
    process.kill(pid, 'SIGCONT');
    await waitFor(() => !isStopped(pid), { what: 'the process to go on' });
  });

  it('is the first to go when memory ends, but never put behind somebody who goes before it', () => {
    const { pid } = start();
    const score = () => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim();
    preferAsVictim(pid);
    expect(score()).toBe('900');
    preferAsVictim(pid);
    expect(score()).toBe('900');
  });

  it('tells for how long it computed and waited', async () => {
    const { pid } = start();
    await waitFor(() => (processorTimes(pid)?.runMs ?? 0) > 10, { what: 'the program to have started' });
    expect(processorTimes(pid)?.waitMs).toBeGreaterThan(0);
  });

  it('that loads comes after others with all its threads, also those it starts later, until it is ready', async () => {
    const { pid, tell } = start();
    const until = (isLoading: boolean) => waitFor(() => setLoadingPriority(pid, isLoading), { what: 'the priority to be set' });
    await until(true);
    if (hasSessions) expect(ofSession(pid)).toBe('10');
    const before = threads(pid).length;
    tell();
    await waitFor(() => threads(pid).length > before, { what: 'one more thread' });
    if (process.getuid?.() === 0) expect(priorities(pid)).toEqual([10]);
    await until(false);
    if (hasSessions) expect(ofSession(pid)).toBe('0');
    expect(priorities(pid)).toEqual([0]);
  });
});

it('says nothing about a process that is not there', () => {
  const gone = 2 ** 22 - 1;
  expect(isStopped(gone)).toBe(false);
  preferAsVictim(gone);
  setLoadingPriority(gone, true);
});
