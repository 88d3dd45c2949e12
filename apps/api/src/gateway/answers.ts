import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, headers as names, statusOf } from '@slipway/contracts';

/** Clients of the protocol compare this text as a whole: no charset. */
const json = 'application/json';

/** A body that has not arrived yet and is longer than this is not waited for after a refusal. */
const patienceBytes = 64 * 1024;
/** How long, and how much of, a refused body is read and dropped, so that the caller can read the refusal before the connection closes. */
const lingerMs = 2_000;
const lingerBytes = 32 * 1024 * 1024;
/** The rest of a short body may take this long. */
const restMs = 30_000;

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** Further headers, name and value in turn. */
  readonly headers?: readonly string[];
  readonly retryAfterSeconds?: number;
  /** The caller waits for `100 Continue` and has not sent its body, so there is nothing to drop. */
  readonly isBodyHeldBack?: boolean;
}

/** Answers 200 (or `status`) with JSON. */
export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  response.writeHead(status, ['content-type', json, 'content-length', String(Buffer.byteLength(body))]);
  response.end(body);
}

/** Answers with the protocol's error shape: `{"error": "…"}`, exactly `application/json`, never compressed. */
export function answerError(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  const { code } = refusal;
  const status = statusOf(code);
  const body = JSON.stringify({ error: refusal.message });
  const head = ['content-type', json, 'content-length', String(Buffer.byteLength(body)), names.error, code];
  if (refusal.headers !== undefined) head.push(...refusal.headers);
  if (refusal.retryAfterSeconds !== undefined) head.push('retry-after', String(refusal.retryAfterSeconds));
  else if (status === 503 || status === 429) head.push('retry-after', '1');
  if (status === 401) head.push('www-authenticate', 'Bearer');
  if (code === 'ENCODING_UNSUPPORTED') head.push('accept-encoding', 'gzip, deflate, identity');
  if (refusal.isBodyHeldBack === true) response.writeHead(status, [...head, 'connection', 'close']).end(body);
  else if (code === 'BODY_TIMEOUT' || isBodyPending(request)) lingerAndClose(request, response, status, head, body);
  else {
    response.writeHead(status, head).end(body);
    closeWhenSlow(request);
  }
}

/** What is left of a short body is read for the sake of the connection, but not for as long as its sender likes. */
function closeWhenSlow(request: IncomingMessage): void {
  if (request.complete || request.headers['content-length'] === undefined) return;
  const timer = setTimeout(() => request.destroy(), restMs);
  const stop = () => clearTimeout(timer);
  request.once('end', stop).once('close', stop);
}

/** Whether so much of the body is still to come that reading it to its end is not worth keeping the connection. */
function isBodyPending(request: IncomingMessage): boolean {
  if (request.complete || request.destroyed) return false;
  const length = request.headers['content-length'];
  if (length !== undefined) return Number(length) > patienceBytes;
  return request.headers['transfer-encoding'] !== undefined;
}

/** The whole answer goes out at once; the connection is closed a little later, since closing on a sender makes it lose the answer. */
function lingerAndClose(request: IncomingMessage, response: ServerResponse, status: number, head: string[], body: string): void {
  let dropped = 0;
  const end = () => {
    clearTimeout(timer);
    request.off('data', drop);
    request.off('end', end);
    response.end();
    if (!request.complete) request.destroy();
  };
  const drop = (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > lingerBytes) end();
  };
  const timer = setTimeout(end, lingerMs);
  response.writeHead(status, [...head, 'connection', 'close']);
  response.write(body);
  request.on('data', drop);
  request.on('end', end);
  response.on('close', end);
}
