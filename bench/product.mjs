// The product as `npm start` runs it, on a new home and free ports of its own: PostgreSQL, API with gateway, worker, console, instances.
// Models and deployments are made through /v1 like anybody's.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../scripts/verify/product.mjs';
import { withDescendants } from './process-cost.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const homePrefix = 'slipway-bench-';
const readyWithinMs = 120_000;
const stopWithinMs = 15_000;

/** Starts it; resolves when it is ready for requests. */
export async function startProduct(settings = {}) {
  removeLeftHomes();
  const home = mkdtempSync(join(tmpdir(), `${homePrefix}${process.pid}-`));
  // The database's own account must be able to reach its folder below.
  chmodSync(home, 0o755);
  const [port, grpcPort, workerPort, consolePort] = await freePorts(4);
  const env = cleanEnvironment({
    SLIPWAY_HOME: home,
    SLIPWAY_EXAMPLES: 'off',
    SLIPWAY_API_PORT: String(port),
    SLIPWAY_GRPC_PORT: String(grpcPort),
    SLIPWAY_WORKER_PORT: String(workerPort),
    SLIPWAY_CONSOLE_PORT: String(consolePort),
    // As under npm: it leaves with its parent, so that a killed benchmark leaves nothing behind.
    npm_lifecycle_event: 'bench',
    ...settings,
  });
  const child = spawn(process.execPath, [join(root, 'apps/supervisor/dist/main.js')], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const product = new Product(child, { home, port, grpcPort, workerPort });
  try {
    await product.ready();
  } catch (error) {
    await product.stop();
    throw error;
  }
  return product;
}

class Product {
  #output = '';
  #models = new Set();

  constructor(child, ports) {
    Object.assign(this, { child, ...ports });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece) => {
        this.#output = (this.#output + piece).slice(-20_000);
      });
    }
  }

  /** Headers that every request to it needs. */
  get headers() {
    this.key ??= readFileSync(join(this.home, 'secrets', 'bootstrap-key'), 'utf8').trim();
    return { authorization: `Bearer ${this.key}` };
  }

  async ready() {
    await until('npm start to be ready', readyWithinMs, () => {
      if (this.child.exitCode !== null) throw new Error(`the product ended with ${this.child.exitCode}:\n${this.#output}`);
      return this.#output.includes('Ctrl-C stops everything');
    });
  }

  /** A call to the control API that must succeed. */
  async ask(method, path, body) {
    const isBytes = Buffer.isBuffer(body);
    const headers = { ...this.headers, ...(body === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }) };
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers,
      body: body === undefined || isBytes ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Uploads a model file under a name, once, and waits until it may be deployed. */
  async addModel(name, file) {
    if (this.#models.has(name)) return;
    await this.ask('POST', '/v1/models', { name });
    await this.addVersion(name, file);
    this.#models.add(name);
  }

  /** Uploads a further version of a model and waits until it may be deployed. */
  async addVersion(name, file) {
    const { version } = await this.ask('POST', `/v1/models/${name}/versions`, readFileSync(file));
    await until(`version ${version} of ${name} to be READY`, readyWithinMs, async () => {
      const { status, reasons } = await this.ask('GET', `/v1/models/${name}/versions/${version}`);
      if (status === 'REJECTED') throw new Error(`${name} was rejected: ${JSON.stringify(reasons)}`);
      return status === 'READY';
    });
  }

  /** Deploys a model and waits until it serves. @returns a row's server: port, path, headers and the processes that belong to it */
  async deploy(name, { model, spec = {}, replicas = 1 }) {
    await this.ask('POST', '/v1/deployments', { name, model, version: 1, spec, replicas });
    await this.untilServing(name, replicas);
    return {
      port: this.port,
      grpcPort: this.grpcPort,
      path: `/v2/models/${name}/infer`,
      headers: this.headers,
      pids: () => Object.values(this.#partsFor(name)).flat(),
      parts: () => this.#partsFor(name),
    };
  }

  /** All processes, by what they are there for; without the instances of other deployments. */
  #partsFor(deployment) {
    const parts = { gateway: [], instance: [], rest: [] };
    for (const pid of withDescendants(this.child.pid)) {
      const command = commandOf(pid);
      if (command.startsWith(`slipway instance ${deployment}/`)) parts.instance.push(pid);
      else if (command.includes('apps/api/dist/main.js')) parts.gateway.push(pid);
      else if (!command.startsWith('slipway instance ')) parts.rest.push(pid);
    }
    return parts;
  }

  async untilServing(name, replicas) {
    await until(`deployment ${name} to serve`, readyWithinMs, async () => {
      const { status, replicas: counts, statusReason } = await this.ask('GET', `/v1/deployments/${name}`);
      if (status === 'UNAVAILABLE') throw new Error(`${name} cannot be served: ${statusReason}`);
      return status === 'READY' && counts.ready >= replicas;
    });
  }

  async remove(name) {
    await this.ask('DELETE', `/v1/deployments/${name}`);
    await until(`deployment ${name} to be gone`, readyWithinMs, async () => {
      const answer = await fetch(`http://127.0.0.1:${this.port}/v1/deployments/${name}`, { headers: this.headers });
      await answer.arrayBuffer();
      return answer.status === 404;
    });
  }

  async stop() {
    if (this.child.exitCode === null) {
      const ended = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill('SIGTERM');
      const kill = setTimeout(() => {
        for (const pid of withDescendants(this.child.pid).toReversed()) process.kill(pid, 'SIGKILL');
      }, stopWithinMs);
      await ended;
      clearTimeout(kill);
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Homes of runs that were killed; their names hold the process id. */
function removeLeftHomes() {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${homePrefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Asks again and again until it is so. */
export async function until(what, withinMs, isSo) {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Different ports that were free a moment ago. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
