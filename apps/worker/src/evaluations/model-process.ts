import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchRss } from '@slipway/inference';
import type { InferBody } from '@slipway/tables';
import { encodeFrame, type Frame, RunReply, readFrames } from './run-frames.js';
import type { RunRequest, RunSpec } from './run-spec.js';

/** The model cannot be run, now or later. The message is a sentence for whoever wished it. */
export class EvaluationFailure extends Error {
  override readonly name = 'EvaluationFailure';
}

/** The process ended while it had rows, which may be their fault. */
export class ProcessEnded extends Error {
  override readonly name = 'ProcessEnded';
}

export interface ModelProcessOptions {
  /** The built program, `apps/worker/dist/evaluations/run-model.js`. */
  readonly program: string;
  readonly spec: RunSpec;
  readonly loadLimitMs: number;
  /** For one request. */
  readonly runLimitMs: number;
  readonly memoryLimitBytes: number;
  readonly signal: AbortSignal;
}

/** What the model said about the rows of a request. */
export type RowsReply = Extract<RunReply, { kind: 'answered' | 'failed' }> & { readonly body: Buffer };

/** A model in a process of its own, without environment, at low priority: no model can do more than end that. */
export class ModelProcess {
  private readonly frames: AsyncGenerator<Frame, void>;
  private readonly ended: Promise<unknown>;
  private readonly stopWatching: () => void;
  private killedFor: string | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly options: ModelProcessOptions,
  ) {
    this.frames = readFrames(child.stdout ?? nothing());
    this.ended = once(child, 'close');
    this.ended.catch(() => undefined);
    // One that ended before it read its rows says so by ending.
    child.stdin?.on('error', () => undefined);
    const { memoryLimitBytes } = options;
    this.stopWatching = watchRss(child.pid, memoryLimitBytes, () =>
      this.kill(`the model needed more than ${Math.round(memoryLimitBytes / 1024 / 1024)} MB of memory`),
    );
  }

  /** Starts it and loads the model. @throws EvaluationFailure when the model cannot be loaded */
  static async start(options: ModelProcessOptions): Promise<ModelProcess> {
    options.signal.throwIfAborted();
    const folder = await mkdtemp(join(tmpdir(), 'slipway-evaluate-'));
    const specPath = join(folder, 'spec.json');
    await writeFile(specPath, JSON.stringify(options.spec));
    const child = spawn(process.execPath, [options.program, specPath], { cwd: folder, env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
    const model = new ModelProcess(child, folder, options);
    try {
      const { head } = await model.next(options.loadLimitMs, `the model did not load within ${options.loadLimitMs / 1000} s`);
      const loaded = RunReply.parse(head);
      if (loaded.kind === 'refused') throw new EvaluationFailure(`the model could not be loaded: ${loaded.reason}`);
      return model;
    } catch (error) {
      await model.close();
      if (error instanceof ProcessEnded) throw new EvaluationFailure(error.message);
      throw error;
    }
  }

  /** @throws ProcessEnded when it ends on these rows, or has to be ended; the signal's reason */
  async run(body: InferBody, rows: number): Promise<RowsReply> {
    const frame = await this.ask(body, { rows });
    const reply = RunReply.parse(frame.head);
    if (reply.kind !== 'answered' && reply.kind !== 'failed') throw new Error(`expected an answer from the model's process, got "${reply.kind}"`);
    return { ...reply, body: frame.body };
  }

  /**
   * How far answers to one row lie apart; undefined for a row that the model does not take.
   * @throws as `run`
   */
  async measure(body: InferBody, noise: NonNullable<RunRequest['noise']>): Promise<Extract<RunReply, { kind: 'measured' }> | undefined> {
    const reply = RunReply.parse((await this.ask(body, { rows: 1, noise })).head);
    return reply.kind === 'measured' ? reply : undefined;
  }

  private ask({ body, headerBytes }: InferBody, head: Omit<RunRequest, 'headerBytes'>): Promise<Frame> {
    for (const piece of encodeFrame({ headerBytes, ...head }, body)) this.child.stdin?.write(piece);
    const { runLimitMs } = this.options;
    return this.next(runLimitMs, `the model did not answer within ${runLimitMs / 1000} s`);
  }

  /** Ends it; harmless when it has ended. */
  async close(): Promise<void> {
    this.stopWatching();
    this.child.kill('SIGKILL');
    this.child.stdout?.destroy();
    await this.ended.catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async next(limitMs: number, why: string): Promise<Frame> {
    const timer = setTimeout(() => this.kill(why), limitMs);
    const abort = () => this.kill('the evaluation was called off');
    this.options.signal.addEventListener('abort', abort, { once: true });
    // It may have been called off a moment ago.
    if (this.options.signal.aborted) abort();
    try {
      const { value } = await this.frames.next();
      if (value !== undefined) return value;
      await this.ended;
      this.options.signal.throwIfAborted();
      const { exitCode, signalCode } = this.child;
      throw new ProcessEnded(this.killedFor ?? `the model's process ended (${signalCode ?? `status ${exitCode}`})`);
    } finally {
      clearTimeout(timer);
      this.options.signal.removeEventListener('abort', abort);
    }
  }

  private kill(why: string): void {
    this.killedFor ??= why;
    this.child.kill('SIGKILL');
  }
}

async function* nothing(): AsyncGenerator<Buffer, void> {}
