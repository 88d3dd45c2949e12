import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '@slipway/contracts';
import type { Refusal } from './answers.js';
import { BodyPieces } from './body-pieces.js';

const bodyMs = 30_000;

/**
 * Reads a body of at most `maxBytes`; gives undefined as soon as there is more, and 'late' when it did not end in time. A caller that
 * leaves is never called back.
 */
export function readSmallBody(request: IncomingMessage, maxBytes: number, done: (body: Buffer | undefined | 'late') => void, limitMs = bodyMs): void {
  const pieces = new BodyPieces();
  let bytes = 0;
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) pieces.add(chunk);
    else finish(undefined);
  };
  const finish = (body: Buffer | undefined | 'late') => {
    clearTimeout(timer);
    request.off('data', onData).off('end', onEnd);
    done(body);
  };
  const onEnd = () => {
    const body = pieces.take();
    finish(Buffer.isBuffer(body) ? body : Buffer.concat(body));
  };
  const timer = setTimeout(() => finish('late'), limitMs);
  request.on('data', onData).on('end', onEnd);
  request.once('close', () => clearTimeout(timer));
}

/**
 * Reads a body that is a JSON object or nothing at all, whatever its content type says; nothing is the empty object.
 */
export function readSmallObject(
  request: IncomingMessage,
  maxBytes: number,
  done: (value: Readonly<Record<string, unknown>> | Refusal) => void,
  limitMs = bodyMs,
): void {
  const finish = (body: Buffer | undefined | 'late') => done(parseObject(body, maxBytes));
  readSmallBody(request, maxBytes, finish, limitMs);
}

/** Tells the two results of `readSmallObject` apart: a body may well hold a field named "code". */
export function isRefused(value: Readonly<Record<string, unknown>> | Refusal): value is Refusal {
  return value instanceof BodyRefusal;
}

class BodyRefusal implements Refusal {
  constructor(
    readonly code: ErrorCode,
    readonly message: string,
  ) {}
}

function parseObject(body: Buffer | undefined | 'late', maxBytes: number): Readonly<Record<string, unknown>> | Refusal {
  if (body === 'late') return new BodyRefusal('BODY_TIMEOUT', 'the body was not whole in time');
  if (body === undefined) return new BodyRefusal('BODY_TOO_LARGE', `the body is over the limit of ${maxBytes} bytes for this route`);
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  } catch {
    // Said below.
  }
  return new BodyRefusal('REQUEST_INVALID', 'expected a JSON object or no body at all');
}
