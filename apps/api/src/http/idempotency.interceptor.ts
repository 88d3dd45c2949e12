import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { headers, limits, SlipwayError } from '@slipway/contracts';
import { isUniqueViolation, seal, sha256, unseal } from '@slipway/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { callerOf } from '../access/policy.js';
import { Platform } from '../platform.js';
import { asSlipwayError, problemOf } from './problem.filter.js';

/** A request that never came to an end (its process was killed) frees its key after this long. */
const abandonedMs = 60_000;
interface Key {
  readonly projectId: string;
  readonly principal: string;
  readonly key: string;
}

/**
 * `Idempotency-Key` on a POST with a JSON body: the same request again gets the first one's answer, another request under the same key
 * is refused. Answers of 5xx are not kept, so that they can be tried again.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly platform: Platform) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const given = request.headers[headers.idempotencyKey];
    const caller = callerOf(request);
    const json = request.headers['content-type']?.toLowerCase().startsWith('application/json') ?? request.body === undefined;
    if (request.method !== 'POST' || given === undefined || caller === undefined || !json) return next.handle();
    if (typeof given !== 'string' || given.length === 0 || given.length > limits.idempotencyKeyLength) {
      throw new SlipwayError('REQUEST_INVALID', `Idempotency-Key: expected 1 to ${limits.idempotencyKeyLength} characters, once`);
    }
    const key: Key = { projectId: caller.projectId, principal: caller.actor, key: given };
    return from(this.once(key, request, context.switchToHttp().getResponse<FastifyReply>(), next));
  }

  private async once(key: Key, request: FastifyRequest, reply: FastifyReply, next: CallHandler): Promise<unknown> {
    const requestHash = sha256(`${request.method}\n${request.url}\n${JSON.stringify(request.body ?? null)}`);
    const stored = await this.claim(key, requestHash);
    if (stored !== undefined) {
      reply.code(stored.status);
      if (stored.status >= 400) reply.type('application/problem+json');
      return stored.body;
    }
    try {
      const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      await this.store(key, reply.statusCode, body);
      return body;
    } catch (thrown) {
      const error = asSlipwayError(thrown);
      if (error.status >= 500) await this.platform.db.prisma.idempotencyKey.deleteMany({ where: key });
      else await this.store(key, error.status, problemOf(error, request.id));
      throw error;
    }
  }

  /** Takes the key, or gives the answer that is stored under it. */
  private async claim(key: Key, requestHash: string): Promise<{ status: number; body: unknown } | undefined> {
    const { prisma } = this.platform.db;
    try {
      await prisma.idempotencyKey.create({ data: { ...key, requestHash } });
      return undefined;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    const row = await prisma.idempotencyKey.findUnique({ where: { projectId_principal_key: key } });
    if (row === null) return this.claim(key, requestHash);
    if (row.requestHash !== requestHash)
      throw new SlipwayError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was used with another request; take a new one for a new request');
    if (row.responseStatus !== null) return { status: row.responseStatus, body: this.open(key, row.responseBody) };
    const taken = await prisma.idempotencyKey.updateMany({
      where: { ...key, responseStatus: null, createdAt: { lt: new Date(Date.now() - abandonedMs) } },
      data: { createdAt: new Date() },
    });
    if (taken.count === 1) return undefined;
    throw new SlipwayError('IDEMPOTENCY_IN_PROGRESS', 'the first request with this Idempotency-Key is still running; ask again in a moment', {
      retryAfterSeconds: 1,
    });
  }

  private async store(key: Key, status: number, body: unknown): Promise<void> {
    await this.platform.db.prisma.idempotencyKey.updateMany({ where: key, data: { responseStatus: status, responseBody: this.close(key, body) } });
  }

  /** Answers can hold a secret that is shown once (a new key, a webhook's secret), so they are kept encrypted, bound to their key. */
  private close(key: Key, body: unknown): string {
    return seal(this.platform.masterKey, JSON.stringify(body ?? null), purposeOf(key));
  }

  private open(key: Key, stored: unknown): unknown {
    if (typeof stored !== 'string') return undefined;
    return JSON.parse(unseal(this.platform.masterKey, stored, purposeOf(key))) ?? undefined;
  }
}

function purposeOf(key: Key): string {
  return `idempotency:${key.projectId}:${key.principal}:${key.key}`;
}
