import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pause } from './load.mjs';

/** The environment of a new user: nothing of ours, nothing of the npm that runs us, except where npm finds packages. */
export function cleanEnvironment(extra = {}) {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(SLIPWAY_|DATABASE_URL|QUEUE_URL|ARTEFACT_URL|INIT_CWD|npm_(lifecycle|package|command|execpath|node_execpath)|VITEST|NODE_OPTIONS)/i.test(
        name,
      ),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

/** The default ports when they are free, as a new user finds them; else settings with other ones. */
export async function portSettings() {
  const defaults = { SLIPWAY_API_PORT: 4000, SLIPWAY_GRPC_PORT: 4001, SLIPWAY_WORKER_PORT: 4100, SLIPWAY_CONSOLE_PORT: 3000 };
  if ((await Promise.all(Object.values(defaults).map(isFree))).every(Boolean)) return { api: 4000, grpc: 4001, worker: 4100, console: 3000, env: {} };
  const [api, grpc, worker, console] = await Promise.all([anyFree(), anyFree(), anyFree(), anyFree()]);
  const env = { SLIPWAY_API_PORT: api, SLIPWAY_GRPC_PORT: grpc, SLIPWAY_WORKER_PORT: worker, SLIPWAY_CONSOLE_PORT: console };
  return { api, grpc, worker, console, env: Object.fromEntries(Object.entries(env).map(([name, port]) => [name, String(port)])) };
}

/** `npm start` in a checkout, as at a terminal: a process group of its own that Ctrl-C reaches as a whole. */
export class Product {
  output = '';
  exitCode = undefined;

  constructor(checkout, ports, { env = {}, show = true, account = {} } = {}) {
    this.checkout = checkout;
    this.home = env.SLIPWAY_HOME ?? join(checkout, '.slipway');
    this.ports = ports;
    this.url = `http://127.0.0.1:${ports.api}`;
    this.startedAt = performance.now();
    this.child = spawn('npm', ['start'], {
      cwd: checkout,
      env: cleanEnvironment({ ...ports.env, ...env }),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...account,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (piece) => {
        this.output += piece;
        if (show) process.stdout.write(String(piece).replace(/^(?=.)/gm, '    | '));
      });
    }
    this.child.once('close', (code) => {
      this.exitCode = code;
    });
  }

  async ready(withinMs) {
    const deadline = performance.now() + withinMs;
    while (!this.output.includes('Ctrl-C stops everything')) {
      if (this.exitCode !== undefined) throw new Error(`npm start ended with ${this.exitCode}: ${this.output.slice(-500)}`);
      if (performance.now() > deadline) throw new Error(`npm start was not ready within ${withinMs / 1000} s`);
      await pause(20);
    }
    return this;
  }

  get key() {
    return readFileSync(join(this.home, 'secrets', 'bootstrap-key'), 'utf8').trim();
  }

  /** Resolves with the time of the first answered prediction. */
  async firstPrediction(path, body, withinMs) {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline && this.exitCode === undefined) {
      const answer = existsSync(join(this.home, 'secrets', 'bootstrap-key')) ? await this.call('POST', path, body) : undefined;
      if (answer?.status === 200) return performance.now();
      await pause(50);
    }
    if (this.exitCode !== undefined) throw new Error(`npm start ended with ${this.exitCode}: ${this.output.slice(-500)}`);
    throw new Error(`no prediction was answered within ${withinMs / 1000} s`);
  }

  /** A request with the admin key; undefined when nothing answered. */
  async call(method, path, body) {
    const isText = typeof body === 'string' || body === undefined;
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': isText ? 'application/json' : 'application/octet-stream' };
    try {
      const answer = await fetch(`${this.url}${path}`, { method, headers, body, signal: AbortSignal.timeout(10_000) });
      const text = await answer.text();
      return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
    } catch {
      return undefined;
    }
  }

  /** Like `call`, but the answer must be a success. */
  async ask(method, path, body) {
    const answer = await this.call(method, path, body);
    if (answer === undefined || answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)?.slice(0, 300) ?? 'no answer'}`);
    return answer.body;
  }

  async untilTrue(what, withinMs, check) {
    const deadline = performance.now() + withinMs;
    while (!(await check())) {
      if (performance.now() > deadline) throw new Error(`waited ${withinMs / 1000} s for ${what}`);
      await pause(100);
    }
  }

  /** Pid of a program; undefined while its note is not there. */
  pidOf(name) {
    try {
      if (name !== 'postgres') return JSON.parse(readFileSync(join(this.home, 'run', `${name}.pid`), 'utf8')).pid;
      return Number(readFileSync(join(this.folder ?? this.home, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
    } catch {
      return undefined;
    }
  }

  /** Ctrl-C: the terminal sends it to the whole group. Answers the seconds until npm returned. */
  async interrupt(withinMs = 20_000) {
    const startedAt = performance.now();
    process.kill(-this.child.pid, 'SIGINT');
    while (this.exitCode === undefined && performance.now() - startedAt < withinMs) await pause(10);
    return (performance.now() - startedAt) / 1000;
  }

  /** kill -9 of every process of this product. */
  killAll() {
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended by itself meanwhile.
      }
    }
  }

  /** Processes that belong to this checkout or home, found by command line and working folder (Linux). */
  processes() {
    if (!existsSync('/proc/self')) return [];
    const places = [this.checkout, this.home, this.folder].filter((place) => place !== undefined);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map((name) => ({ pid: Number(name), ...readProcess(name) }))
      .filter(({ command, cwd }) => command !== '' && places.some((place) => command.includes(place) || cwd.startsWith(place)));
  }

  /** Where root's database lies when the home is below a closed folder. */
  get folder() {
    const note = join(this.home, 'postgres-folder');
    return existsSync(note) ? readFileSync(note, 'utf8').trim() : undefined;
  }
}

function readProcess(pid) {
  try {
    return { command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '), cwd: readlinkSync(`/proc/${pid}/cwd`) };
  } catch {
    return { command: '', cwd: '' };
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function anyFree() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
