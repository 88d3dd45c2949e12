import { type Transaction, toJson } from '../database/database.js';
import { channels, nudge } from '../nudges/nudges.client.js';
import type { JobContract } from './job.js';

/**
 * Enqueues a job by writing an outbox row in the caller's transaction; the relay publishes it after commit.
 * @param jobId names the work (letters, digits, `.`, `-`, `_`), so that publishing it twice is harmless.
 */
export async function enqueue<Payload>(tx: Transaction, job: JobContract<Payload>, payload: Payload, jobId: string): Promise<void> {
  await tx.outboxMessage.create({ data: { queue: job.queue, name: job.name, jobId, payload: toJson(job.payload.parse(payload)) } });
  await nudge(tx, channels.outbox);
}
