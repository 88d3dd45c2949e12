import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Disagreement, type ErrorCode, SlipwayError } from '@slipway/contracts';
import type { Difference } from '@slipway/metrics';

/** The built program, also for those who run from sources. */
const program = fileURLToPath(new URL('../../dist/evaluations/compare-thread.js', import.meta.url));
/** Resampling a million rows takes seconds; longer than this it does not help anybody. */
const withinMs = 60_000;

export type CompareReply =
  | { readonly ok: true; readonly differences: readonly Difference[]; readonly disagreement: Disagreement }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** Compares files of predictions in a thread, because this process answers predictions. @throws SlipwayError COMPARISON_REFUSED */
export async function compareInThread(files: readonly Uint8Array[]): Promise<Extract<CompareReply, { ok: true }>> {
  const thread = new Worker(program, { workerData: files, execArgv: [], env: {} });
  try {
    // `once` also rejects with the thread's error.
    const [reply]: CompareReply[] = await once(thread, 'message', { signal: AbortSignal.timeout(withinMs) });
    if (reply === undefined) throw new Error('the thread that compares said nothing');
    if (!reply.ok) throw new SlipwayError(reply.code, reply.message);
    return reply;
  } finally {
    await thread.terminate();
  }
}
