import { Worker } from 'node:worker_threads';
import { SlipwayError } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { endHungProcess, overdue } from './end-hung-process.js';
import type { Engine, EnginePlan, RunResult, WarmUp } from './engine.js';
import { dataBuffers, type ThreadCommand, type ThreadEvent } from './thread-messages.js';

/**
 * Runs the model in a thread of its own, so that this one reads, decodes and answers meanwhile. The thread is never terminated: doing that
 * during a run aborts the process.
 */
export class ThreadEngine implements Engine {
  readonly isInline = false;
  private done: ((result: RunResult) => void) | undefined;
  private limit: NodeJS.Timeout | undefined;
  private isClosing = false;

  private constructor(
    private readonly thread: Worker,
    readonly warmUp: WarmUp,
  ) {
    thread.on('message', (event: ThreadEvent) => this.onEvent(event));
    // Lost, as when its memory for values of the language is spent: a run in it would never be answered, nor would any after it.
    thread.on('exit', () => {
      if (!this.isClosing) endHungProcess('the thread that runs the model has ended');
    });
  }

  /** Resolves when the model is loaded and warm. @throws SlipwayError when it cannot be loaded */
  static load(plan: EnginePlan): Promise<ThreadEngine> {
    const thread = new Worker(new URL('./runtime-thread.js', import.meta.url), { workerData: plan, env: {} });
    return new Promise((resolve, reject) => {
      thread.on('error', reject);
      thread.once('exit', () => reject(new SlipwayError('ARTEFACT_REFUSED', 'the thread that was to load the model ended')));
      thread.once('message', (event: ThreadEvent) => {
        if (event.kind === 'loaded') resolve(new ThreadEngine(thread, event.warmUp));
        else if (event.kind === 'refused') reject(new SlipwayError(event.code, event.message));
      });
    });
  }

  /** Ends the thread; only while it runs nothing. */
  async close(): Promise<void> {
    this.isClosing = true;
    await this.thread.terminate();
  }

  run(inputs: readonly Tensor[], names: readonly string[], limitAt: number, done: (result: RunResult) => void): void {
    this.done = done;
    if (Number.isFinite(limitAt)) this.limit = setTimeout(() => endHungProcess(overdue), Math.max(0, limitAt - performance.now()));
    const own = inputs.map(withOwnMemory);
    const command: ThreadCommand = { inputs: own, names };
    this.thread.postMessage(command, dataBuffers(own));
  }

  private onEvent(event: ThreadEvent): void {
    const { done } = this;
    this.done = undefined;
    clearTimeout(this.limit);
    if (event.kind === 'result') done?.({ outputs: event.outputs, computeMicros: event.computeMicros });
    else if (event.kind === 'error') done?.({ error: new SlipwayError(event.code, event.message) });
  }
}

/** What is handed over is lost here, and a view of a received frame shares its memory with other requests; such data is copied out first. */
function withOwnMemory(tensor: Tensor): Tensor {
  const { data } = tensor;
  if (!('buffer' in data) || data.byteLength === data.buffer.byteLength) return tensor;
  return { ...tensor, data: data.slice() };
}
