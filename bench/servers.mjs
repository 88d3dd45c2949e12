// The programs that stand beside Slipway in a table: each start resolves with a port, the processes that belong to it, and a way to stop it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { withDescendants } from './process-cost.mjs';
import { freePorts, until } from './product.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..');
const cache = join(root, 'node_modules', '.cache', 'slipway-bench');

/** The plain server (bare.mjs). */
export async function startBare(file) {
  const server = await startProgram([join(here, 'bare.mjs'), file]);
  return { ...server, port: Number(server.line), path: '/', headers: {} };
}

/** Gateway and instance without database and console (gateway.mjs), for what the product cannot be asked for. */
export async function startGateway({ file, signature }, options = {}) {
  const server = await startProgram([join(here, 'gateway.mjs'), file, JSON.stringify(signature), JSON.stringify(options)]);
  return { ...server, port: Number(server.line.split(' ')[0]), path: '/v2/models/bench/infer', headers: { authorization: 'Bearer bench' } };
}

/** `session.run` in a process of its own (direct.mjs); `measure(seconds)` instead of a port. */
export async function startDirect(file, threads, inputs) {
  const server = await startProgram([join(here, 'direct.mjs'), file, String(threads), JSON.stringify(inputs)], { readsInput: true });
  return {
    ...server,
    measure: async (seconds) => {
      server.child.stdin.write(`${seconds}\n`);
      const outcome = JSON.parse(await server.nextLine());
      return { ...outcome, ratePerSecond: outcome.requests / outcome.seconds, failures: 0 };
    },
  };
}

/** A grpc-js server that does nothing (grpc-empty.mjs). */
export async function startEmptyGrpc() {
  const server = await startProgram([join(here, 'grpc-empty.mjs')]);
  return { ...server, port: Number(server.line) };
}

/** A client that loads a gRPC server (grpc-load.mjs). */
export async function startGrpcLoad() {
  const program = await startProgram([join(here, 'grpc-load.mjs')], { readsInput: true });
  return {
    ...program,
    measure: async (wish) => {
      program.child.stdin.write(`${JSON.stringify(wish)}\n`);
      return JSON.parse(await program.nextLine());
    },
  };
}

export const peers = ['fastapi', 'mlserver', 'bentoml', 'litserve'];

/** A Python server from its own environment. @throws Unavailable with a sentence when it cannot be installed or does not start */
export async function startPeer(name, file, request) {
  const python = await environmentOf(name);
  const [port] = await freePorts(1);
  const child = spawn(python, [join(here, 'peers', name, 'serve.py'), file, String(port)], {
    cwd: join(here, 'peers', name),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr.on('data', (piece) => {
    said = (said + piece).slice(-2_000);
  });
  const server = { child, port, path: '/v2/models/bench/infer', headers: {}, pids: () => withDescendants(child.pid), stop: () => stopGroup(child) };
  try {
    await until(`${name} to answer`, 60_000, async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said.split('\n').slice(-3).join(' ')}`);
      const answer = await fetch(`http://127.0.0.1:${port}${server.path}`, { method: 'POST', ...request }).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok === true;
    });
  } catch (error) {
    await server.stop();
    throw new Unavailable(`${name} does not start: ${error.message}`);
  }
  return server;
}

/** Something that this machine does not have; the case is skipped with this sentence. */
export class Unavailable extends Error {}

/** The Python of a virtual environment with exactly the peer's requirements; made when they have changed. */
async function environmentOf(name) {
  const requirements = join(here, 'peers', name, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  const folder = join(cache, name);
  const stamp = join(folder, 'requirements.txt');
  const python = join(folder, 'bin', 'python');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return python;
  mkdirSync(cache, { recursive: true });
  const base = process.env.PYTHON ?? 'python3';
  if (!(await succeeds(base, ['-m', 'venv', '--clear', folder]))) throw new Unavailable(`${name}: there is no Python 3 with venv here`);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  if (!(await succeeds(python, install))) throw new Unavailable(`${name}: its packages could not be installed from ${requirements}`);
  writeFileSync(stamp, wanted);
  return python;
}

function succeeds(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
}

/** A Node.js program of ours that prints one line when it is ready. One that reads its input ends with it by itself. */
async function startProgram(args, { readsInput = false } = {}) {
  const preload = readsInput ? [] : ['--import', new URL('./end-with-parent.mjs', import.meta.url).href];
  const child = spawn(process.execPath, [...preload, ...args], { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
  createInterface({ input: child.stderr }).on('line', (line) => {
    // What Node.js says when its inspector opens and closes, which a profile makes it do.
    if (!/^(Debugger |For help, see)/.test(line)) process.stderr.write(`${line}\n`);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${args[0]} ended`);
    return value;
  };
  const line = await nextLine();
  return { child, line, nextLine, pids: () => withDescendants(child.pid), stop: () => stopChild(child) };
}

function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return ended;
}

/** Python servers have workers, which not all of them take along when they end. */
async function stopGroup(child) {
  const pids = withDescendants(child.pid);
  await stopChild(child);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended with its parent.
    }
  }
}
