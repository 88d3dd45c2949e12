import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, say } from '../steps/command.mjs';

const installMs = 240_000;

/**
 * A Python with the packages of a requirements file, in an environment of its own below `folder`; kept until the file changes.
 * @returns {python, seconds}, or {why} in a sentence when this machine has none
 */
export async function preparePython(requirements, folder) {
  const found = await run('python3', ['-c', 'import sys, venv, ensurepip; print(*sys.version_info[:2])']);
  if (found.code !== 0) return { why: 'there is no python3 with venv and pip.' };
  const [major, minor] = found.output.trim().split(' ').map(Number);
  if (major !== 3 || minor < 11) return { why: `python3 is ${major}.${minor}, the packages need 3.11 or newer.` };
  const digest = createHash('sha256').update(readFileSync(requirements)).update(found.output).digest('hex').slice(0, 16);
  const place = join(folder, digest);
  const python = join(place, 'bin', 'python');
  if (existsSync(join(place, 'complete'))) return { python, seconds: 0 };
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  const startedAt = performance.now();
  const made = await run('python3', ['-m', 'venv', place], { timeoutMs: 60_000 });
  if (made.code !== 0) return { why: `an environment could not be made: ${lastLine(made.output)}` };
  say('Installing the Python clients …');
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--quiet', '--no-deps', '-r', requirements];
  const installed = await run(python, pip, { label: 'pip install', timeoutMs: installMs });
  if (installed.code !== 0) {
    rmSync(place, { recursive: true, force: true });
    return { why: `the packages could not be installed: ${lastLine(installed.output)}` };
  }
  mkdirSync(join(place, 'complete'));
  return { python, seconds: (performance.now() - startedAt) / 1000 };
}

function lastLine(text) {
  return text.trim().split('\n').at(-1).slice(0, 200);
}
