import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '@slipway/platform/testing';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A supervisor as `npm start` runs it, on a home of its own and free ports. */
export class RunningSlipway {
  output = '';
  exitCode: number | null | undefined;
  private readonly child: ChildProcess;

  constructor(
    readonly home: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    const inherited = Object.fromEntries(
      // biome-ignore lint/style/noProcessEnv: the programs of a test inherit the environment, less our own settings
      Object.entries(process.env).filter(([name]) => !/^(SLIPWAY_|DATABASE_URL|QUEUE_URL|VITEST|npm_lifecycle_event|NODE_OPTIONS)/.test(name)),
    );
    const ports = { SLIPWAY_API_PORT: '0', SLIPWAY_GRPC_PORT: '0', SLIPWAY_WORKER_PORT: '0', SLIPWAY_CONSOLE_PORT: '0' };
    this.child = spawn(process.execPath, [join(root, 'apps/supervisor/dist/main.js')], {
      env: { ...inherited, ...ports, SLIPWAY_EXAMPLES: 'off', SLIPWAY_HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (piece) => (this.output += String(piece)));
    this.child.stderr?.on('data', (piece) => (this.output += String(piece)));
    this.child.once('close', (code) => (this.exitCode = code));
  }

  async ready(timeoutMs = 60_000): Promise<this> {
    await waitFor(() => this.output.includes('Ctrl-C stops everything') || this.exitCode !== undefined, { timeoutMs, what: 'the announcement' });
    if (this.exitCode !== undefined) throw new Error(`the supervisor ended (${this.exitCode}): ${this.output}`);
    return this;
  }

  get url(): string {
    return this.found(/API {7}(http:\/\/[\d.:]+)/);
  }

  get signInToken(): string {
    return this.found(/sign-in\?token=([\w-]+)/);
  }

  async key(): Promise<string> {
    return (await readFile(join(this.home, 'secrets', 'bootstrap-key'), 'utf8')).trim();
  }

  /** Pid of the supervisor, or of one of its programs. */
  async pid(name: 'supervisor' | 'api' | 'worker' | 'console' | 'postgres'): Promise<number> {
    if (name === 'supervisor') return this.child.pid ?? 0;
    const { pid }: { pid: number } =
      name === 'postgres' ? { pid: await this.postgresPid() } : JSON.parse(await readFile(join(this.home, 'run', `${name}.pid`), 'utf8'));
    return pid;
  }

  /** A call on the control API; undefined while nothing answers. */
  async call(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown } | undefined> {
    const headers = { authorization: `Bearer ${await this.key()}`, 'content-type': 'application/json' };
    try {
      const answer = await fetch(`${this.url}${path}`, { headers, ...init, signal: AbortSignal.timeout(5_000) });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
    } catch {
      return undefined;
    }
  }

  /** Sends a signal to the supervisor and resolves with its exit code and how long it took. */
  async end(signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }> {
    const startedAt = Date.now();
    this.child.kill(signal);
    await waitFor(() => this.exitCode !== undefined, { timeoutMs: 15_000, what: `the supervisor to end after ${signal}` });
    return { code: this.exitCode ?? null, tookMs: Date.now() - startedAt };
  }

  async ended(timeoutMs = 20_000): Promise<number | null> {
    await waitFor(() => this.exitCode !== undefined, { timeoutMs, what: 'the supervisor to end' });
    return this.exitCode ?? null;
  }

  private async postgresPid(): Promise<number> {
    const folder = (await readFile(join(this.home, 'postgres-folder'), 'utf8').catch(() => this.home)).trim();
    return Number((await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  }

  private found(pattern: RegExp): string {
    const match = this.output.match(pattern)?.[1];
    if (match === undefined) throw new Error(`${pattern} is not in: ${this.output}`);
    return match;
  }
}
