import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningWorker } from './running-worker.js';

const program = fileURLToPath(new URL('../../api/dist/main.js', import.meta.url));
const key = 'test-admin-key-of-more-than-32-characters';

/** A real API process on the database and the home of a worker. */
export class RunningApi {
  private constructor(
    readonly process: ChildProcess,
    readonly url: string,
  ) {}

  static async start({ home, database }: RunningWorker, settings: Record<string, string> = {}): Promise<RunningApi> {
    if (!existsSync(program)) throw new Error('the API is not built: run "npm run build" first');
    const log = join(home, 'api.log');
    const output = openSync(log, 'a');
    const ports = { SLIPWAY_API_PORT: '0', SLIPWAY_GRPC_PORT: '0' };
    const env = { PATH: '/usr/bin:/bin', SLIPWAY_HOME: home, DATABASE_URL: database.url, SLIPWAY_BOOTSTRAP_API_KEY: key, ...ports, ...settings };
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', output, output, 'ipc'] });
    const died = once(child, 'exit').then(async ([code]) => {
      throw new Error(`the API died (${code}): ${(await readFile(log, 'utf8')).slice(-4000)}`);
    });
    died.catch(() => undefined);
    const [message] = await Promise.race([once(child, 'message'), died]);
    return new RunningApi(child, `http://127.0.0.1:${Reflect.get(Object(message), 'port')}`);
  }

  /** A request with an admin key; an object goes as JSON. */
  async call(
    method: string,
    path: string,
    body?: object | Buffer,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string; json: () => unknown }> {
    const type = body instanceof Buffer ? 'application/octet-stream' : 'application/json';
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': type }), ...headers },
      ...(body === undefined ? {} : { body: body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, text, json: () => JSON.parse(text) };
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}
