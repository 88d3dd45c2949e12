import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InspectPhase, InspectResult, type InspectSpec } from './inspect-spec.js';
import { watchRss } from './watch-rss.js';

export interface InspectOptions {
  /** The built validation program, `apps/worker/dist/inspect/main.js`. */
  readonly program: string;
  /** The model in a folder of its own. */
  readonly modelPath: string;
  readonly digest: string;
  /** For loading; default 60 s. */
  readonly loadLimitMs?: number;
  /** For the first runs on generated inputs; default 10 s. */
  readonly runLimitMs?: number;
  /** Resident memory; default 4 GiB. */
  readonly memoryLimitBytes?: number;
  readonly intraOpThreads?: number;
  /** Ends the child early; the result is then a rejection of the promise. */
  readonly signal?: AbortSignal;
}

const defaults = { loadLimitMs: 60_000, runLimitMs: 10_000, memoryLimitBytes: 4 * 1024 ** 3, intraOpThreads: 1 };
const maxOutputBytes = 16 * 1024 * 1024;

/**
 * Loads and tries a model in a child process, which a hostile model can hang, crash or fill with impunity.
 * The child has no environment, its own folder as working directory, and ends with the promise.
 */
export async function inspectModel(options: InspectOptions): Promise<InspectResult> {
  options.signal?.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-inspect-'));
  try {
    const spec: InspectSpec = {
      modelPath: options.modelPath,
      digest: options.digest,
      intraOpThreads: options.intraOpThreads ?? defaults.intraOpThreads,
    };
    const specPath = join(folder, 'spec.json');
    await writeFile(specPath, JSON.stringify(spec));
    const child = spawn(process.execPath, [options.program, specPath], { cwd: folder, env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
    return await watch(child, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function watch(child: ChildProcess, options: InspectOptions): Promise<InspectResult> {
  const loadLimitMs = options.loadLimitMs ?? defaults.loadLimitMs;
  const runLimitMs = options.runLimitMs ?? defaults.runLimitMs;
  const memoryLimitBytes = options.memoryLimitBytes ?? defaults.memoryLimitBytes;
  return new Promise((resolve, reject) => {
    const lines = new LineReader();
    let killedFor: string | undefined;
    let hasLoaded = false;
    const kill = (reason: string): void => {
      killedFor ??= reason;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(() => kill(`The model did not load within ${seconds(loadLimitMs)}.`), loadLimitMs);
    const stopWatching = watchRss(child.pid, memoryLimitBytes, () => kill(`The model needed more than ${megabytes(memoryLimitBytes)} of memory.`));
    const abort = (): void => kill('The check was called off.');
    options.signal?.addEventListener('abort', abort);
    // It may have been called off while the child was being started.
    if (options.signal?.aborted) abort();
    // Decoded as a stream: a letter of several bytes may fall between two pieces.
    child.stdout?.setEncoding('utf8');
    child.stdout?.on('data', (chunk: string) => {
      if (!lines.push(chunk)) return kill('The check gave more output than it ever should.');
      if (hasLoaded || !InspectPhase.safeParse(lines.first).success) return;
      hasLoaded = true;
      clearTimeout(timer);
      timer = setTimeout(() => kill(`A first run on generated inputs did not end within ${seconds(runLimitMs)}.`), runLimitMs);
    });
    child.once('error', (error) => {
      cleanUp();
      reject(error);
    });
    child.once('close', (code, signal) => {
      cleanUp();
      if (options.signal?.aborted) return reject(options.signal.reason);
      if (killedFor !== undefined) return resolve({ ok: false, reasons: [killedFor] });
      resolve(resultOf(lines.last, hasLoaded, code, signal));
    });
    const cleanUp = (): void => {
      clearTimeout(timer);
      stopWatching();
      options.signal?.removeEventListener('abort', abort);
    };
  });
}

function resultOf(last: unknown, hasLoaded: boolean, code: number | null, signal: NodeJS.Signals | null): InspectResult {
  const result = InspectResult.safeParse(last);
  if (result.success) return result.data;
  const how = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
  const when = hasLoaded ? 'running on generated inputs' : 'loading';
  return { ok: false, reasons: [`The runtime crashed while ${when} the model (its process ${how}).`] };
}

/** Keeps the first and the last JSON line of an output, within a bound. */
class LineReader {
  private text = '';
  private bytes = 0;

  push(chunk: string): boolean {
    this.bytes += Buffer.byteLength(chunk);
    if (this.bytes > maxOutputBytes) return false;
    this.text += chunk;
    return true;
  }

  get first(): unknown {
    const end = this.text.indexOf('\n');
    return end < 0 ? undefined : parse(this.text.slice(0, end));
  }

  get last(): unknown {
    return parse(this.text.trimEnd().split('\n').at(-1) ?? '');
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}
