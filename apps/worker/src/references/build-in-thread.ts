import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ReferenceBody, Task } from '@slipway/contracts';
import { EvaluationFailure } from '../evaluations/model-process.js';
import type { GatheredReference } from './gathered-rows.js';

export interface BuildOrder {
  readonly task: Task | undefined;
  readonly gathered: GatheredReference;
}

export type BuildReply = { readonly ok: true; readonly body: ReferenceBody } | { readonly ok: false; readonly reason: string };

const program = fileURLToPath(new URL('./build-thread.js', import.meta.url));

/**
 * Makes the body of a reference in a thread: it takes seconds, in which this process has instances to look after.
 * @throws EvaluationFailure when labels and task do not go together; the signal's reason
 */
export async function buildInThread(order: BuildOrder, signal: AbortSignal): Promise<ReferenceBody> {
  signal.throwIfAborted();
  const thread = new Worker(program, { workerData: order, execArgv: [], env: {} });
  try {
    // `once` also rejects with the thread's error.
    const [reply]: BuildReply[] = await once(thread, 'message', { signal });
    if (reply === undefined) throw new Error('the thread that makes the reference said nothing');
    if (!reply.ok) throw new EvaluationFailure(reply.reason);
    return reply.body;
  } finally {
    await thread.terminate();
  }
}
