import { spawn, spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What went wrong, in one sentence for the person at the terminal. */
export class Problem extends Error {}

/** One line of progress. */
export function say(line) {
  process.stdout.write(`${line}\n`);
}

/**
 * Runs a program and resolves with its exit code and output; says every 10 s that it still runs. The output is only kept, unless `show`.
 */
export function run(program, args, { label, show = false, env = process.env, cwd = root, timeoutMs } = {}) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    const keep = (stream) => (piece) => {
      output.push(piece);
      if (show) stream.write(piece);
    };
    child.stdout.on('data', keep(process.stdout));
    child.stderr.on('data', keep(process.stderr));
    const ticker = setInterval(() => {
      if (label !== undefined) say(`  ${label} … ${Math.round((Date.now() - startedAt) / 1000)} s`);
    }, 10_000);
    const limit = timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const forward = (signal) => child.kill(signal);
    process.once('SIGINT', forward);
    process.once('SIGTERM', forward);
    const finish = (code, extra) => {
      clearInterval(ticker);
      clearTimeout(limit);
      process.off('SIGINT', forward);
      process.off('SIGTERM', forward);
      resolve({ code, output: Buffer.concat(output).toString('utf8') + extra, seconds: (Date.now() - startedAt) / 1000 });
    };
    child.once('error', (error) => finish(127, error.message));
    child.once('close', (code, signal) => {
      if (signal === 'SIGINT' || signal === 'SIGTERM') process.exit(130);
      finish(code ?? 1, '');
    });
  });
}

/** Runs the npm that started us, else the one on the path. */
export function npm(args, options) {
  const own = process.env.npm_execpath;
  if (own?.endsWith('.js')) return run(process.execPath, [own, ...args], options);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options);
}

/** Whether a program can be run at all. */
export function isRunnable(program, args = ['--version']) {
  const result = spawnSync(program, args, { stdio: 'ignore' });
  return result.error === undefined && result.status === 0;
}

/** Throws a Problem when the disk that holds `folder` has less room than `megabytes`. */
export function requireSpace(folder, megabytes, why) {
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 1024 / 1024);
  if (free < megabytes) throw new Problem(`The disk that holds ${folder} is full: ${why} needs ${megabytes} MB and ${free} MB are free.`);
}

/** Runs a script's main part: a Problem becomes one sentence and a non-zero exit. */
export async function main(part) {
  try {
    await part();
  } catch (error) {
    if (error?.code === 'ENOSPC') process.stderr.write(`The disk that holds ${root} is full; free some space and try again.\n`);
    else if (error instanceof Problem) process.stderr.write(`${error.message}\n`);
    else throw error;
    process.exit(1);
  }
}
