import type { SlipwayApiError } from './slipway-api-error.js';

export interface RetryOptions {
  /** How often a call is tried in all, the first time included. Default 3. */
  readonly attempts?: number;
  /** The wait grows from this, doubling, unless the server says when to come back. Default 200 ms. */
  readonly baseDelayMs?: number;
  /** No single wait is longer; when the server asks for more, the error is given instead. Default 10 000 ms. */
  readonly maxDelayMs?: number;
}

export interface RetryFacts {
  readonly error: SlipwayApiError;
  /** Tries so far. */
  readonly attempt: number;
  /** Until the whole call must be over. */
  readonly leftMs: number;
  /** From 0 up to 1: spreads callers that failed together. */
  readonly random: number;
}

export const retryDefaults: Required<RetryOptions> = { attempts: 3, baseDelayMs: 200, maxDelayMs: 10_000 };

/**
 * How long to wait before the next try; undefined: give up. Tried again is only what the server asks to come back for (429 and 503 with
 * Retry-After: nothing was run), and what never reached it (a refused connection). An instance that died with the request is no such case:
 * the gateway has already replayed it, and the input may be what it died of.
 */
export function decideRetry(options: Required<RetryOptions>, { error, attempt, leftMs, random }: RetryFacts): number | undefined {
  if (attempt >= options.attempts) return undefined;
  const askedMs = askedDelay(error);
  if (askedMs === undefined || askedMs > options.maxDelayMs) return undefined;
  const backoffMs = Math.min(options.maxDelayMs, options.baseDelayMs * 2 ** (attempt - 1));
  // Never before the time asked for; behind it, spread out over one step of the backoff.
  const delayMs = askedMs + backoffMs * (askedMs === 0 ? 0.5 + random / 2 : random);
  return delayMs < leftMs ? delayMs : undefined;
}

/** What the server asks for, in ms; 0 when it was never reached; undefined when trying again is not safe or not asked for. */
function askedDelay(error: SlipwayApiError): number | undefined {
  if (isConnectionRefused(error)) return 0;
  const isRefusal = (error.status === 429 || error.status === 503) && error.code !== 'INSTANCE_GONE';
  return isRefusal && error.retryAfterSeconds !== undefined ? error.retryAfterSeconds * 1000 : undefined;
}

/** As Node.js says it; a browser does not tell a refused connection from a broken one. */
function isConnectionRefused(error: SlipwayApiError): boolean {
  if (error.code !== 'NETWORK') return false;
  const { cause } = error;
  const inner = cause instanceof Error ? (cause.cause ?? cause) : undefined;
  return typeof inner === 'object' && inner !== null && Reflect.get(inner, 'code') === 'ECONNREFUSED';
}
