import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EvaluationResult, Task } from '@slipway/contracts';
import type { AnsweredRows } from '@slipway/metrics';
import { EvaluationFailure } from './model-process.js';

export interface MeasureOrder {
  readonly task: Task;
  readonly answered: AnsweredRows;
  readonly rowNumbers: Uint32Array;
  readonly ids: readonly (string | number | null)[] | undefined;
}

export type MeasureReply =
  | { readonly ok: true; readonly result: EvaluationResult; readonly file: Uint8Array }
  | { readonly ok: false; readonly reason: string };

/**
 * Measures in a thread: a million rows take seconds, in which this process has instances to look after.
 * @throws EvaluationFailure when labels and task do not go together; the signal's reason
 */
export async function measureInThread(program: string, order: MeasureOrder, signal: AbortSignal): Promise<Extract<MeasureReply, { ok: true }>> {
  signal.throwIfAborted();
  const thread = new Worker(program, { workerData: order, execArgv: [], env: {} });
  try {
    // `once` also rejects with the thread's error.
    const [reply]: MeasureReply[] = await once(thread, 'message', { signal });
    if (reply === undefined) throw new Error('the thread that measures said nothing');
    if (!reply.ok) throw new EvaluationFailure(reply.reason);
    return reply;
  } finally {
    await thread.terminate();
  }
}
