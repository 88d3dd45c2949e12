import { headers, limits, SlipwayError } from '@slipway/contracts';
import { type Transaction, toJson } from '@slipway/platform';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';

/** The key under which a sender repeats an upload. */
export interface UploadKey {
  readonly projectId: string;
  readonly principal: string;
  readonly key: string;
}

/** The Idempotency-Key of a request. @throws SlipwayError REQUEST_INVALID when it is empty, too long or there twice. */
export function uploadKeyOf(request: FastifyRequest, caller: { projectId: string; actor: string }): UploadKey | undefined {
  const given = request.headers[headers.idempotencyKey];
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || given.length === 0 || given.length > limits.idempotencyKeyLength) {
    throw new SlipwayError('REQUEST_INVALID', `Idempotency-Key: expected 1 to ${limits.idempotencyKeyLength} characters, once`);
  }
  return { projectId: caller.projectId, principal: caller.actor, key: given };
}

/**
 * Takes the key in the transaction of the upload, or gives the answer of the upload that had it. A second upload at the same time waits
 * here until the first one's transaction has ended.
 * @throws SlipwayError IDEMPOTENCY_KEY_REUSED when the key was used with another request.
 */
export async function claimUpload<Answer>(
  tx: Transaction,
  key: UploadKey,
  requestHash: string,
  schema: z.ZodType<Answer>,
): Promise<Answer | undefined> {
  const { count } = await tx.idempotencyKey.createMany({ data: [{ ...key, requestHash }], skipDuplicates: true });
  if (count === 1) return undefined;
  const row = await tx.idempotencyKey.findUniqueOrThrow({ where: { projectId_principal_key: key } });
  if (row.requestHash !== requestHash || row.responseBody === null) {
    throw new SlipwayError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was used with another request; take a new one for a new upload');
  }
  return schema.parse(row.responseBody);
}

/** Keeps the answer for the next upload with the key, in the same transaction. */
export async function keepAnswer(tx: Transaction, key: UploadKey, status: number, answer: unknown): Promise<void> {
  await tx.idempotencyKey.update({ where: { projectId_principal_key: key }, data: { responseStatus: status, responseBody: toJson(answer) } });
}
