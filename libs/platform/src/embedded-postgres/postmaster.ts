import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What a server wrote into `postmaster.pid`. */
export interface PostmasterLock {
  readonly pid: number;
  readonly port: number;
}

/** The lock of the data folder; undefined when there is none or it is unreadable. */
export async function readLock(dataFolder: string): Promise<PostmasterLock | undefined> {
  return parseLock(await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => ''));
}

/** Line 1 is the process, line 4 the port (PostgreSQL: src/include/utils/pidfile.h). */
export function parseLock(text: string): PostmasterLock | undefined {
  const lines = text.split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  const port = Number.parseInt(lines[3] ?? '', 10);
  return pid > 0 ? { pid, port: Number.isNaN(port) ? 0 : port } : undefined;
}

/** Whether the process runs and is a PostgreSQL server: a zombie or a stranger that got the number later is not. */
export async function isLivePostgres(pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    const state = text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
    return name.startsWith('postgres') && state !== 'Z' && state !== 'X';
  }
  const listed = await promisify(execFile)('ps', ['-o', 'stat=,comm=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return /postgres/.test(listed.stdout) && !/^\s*Z/.test(listed.stdout);
}

/**
 * Ends server processes that outlived their killed postmaster; they would hold its shared memory and keep a new server from starting.
 * They are found by their working folder, so only on Linux; elsewhere they end by themselves when they notice.
 */
export async function endOrphans(dataFolder: string): Promise<number> {
  if (process.platform !== 'linux') return 0;
  let ended = 0;
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (folder !== dataFolder || !(await isLivePostgres(pid))) continue;
    if (signal(pid, 'SIGKILL')) ended += 1;
  }
  return ended;
}

/** Sends a signal; false when the process is gone or not ours. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Fast shutdown: clients are cut off, data is written; immediate shutdown after `graceMs`. */
export async function stopServer(pid: number, graceMs: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await gone(pid, graceMs)) return;
  signal(pid, 'SIGQUIT');
  if (await gone(pid, 1000)) return;
  signal(pid, 'SIGKILL');
  await gone(pid, 1000);
}

async function gone(pid: number, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (await isLivePostgres(pid)) {
    if (Date.now() > deadline) return false;
    await pause(10);
  }
  return true;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
