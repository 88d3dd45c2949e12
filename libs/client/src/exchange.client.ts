import { decideRetry, type RetryOptions } from './decide-retry.js';
import { limits, headers as names } from './generated/contract.js';
import { readError } from './read-error.js';
import { SlipwayApiError } from './slipway-api-error.js';

/** Options of every call. */
export interface CallOptions {
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long the whole call may take, all tries included. Absent: that of the client. */
  readonly timeoutMs?: number;
  /** Travels with the request (`x-request-id`) and comes back in answers and errors. */
  readonly requestId?: string;
}

export interface Call extends CallOptions {
  readonly method: 'GET' | 'POST';
  /** From the root of the API on, encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** What the server is told to answer within, in ms from now; it shrinks from try to try. */
  readonly deadlineMs?: number | undefined;
  /** False: this answer is wanted, whatever it says. */
  readonly isRetried?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface ExchangeOptions {
  readonly url: URL;
  readonly fetch: typeof fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retry: Required<RetryOptions>;
  readonly maxAnswerBytes: number;
}

/** How much later than its deadline an answer that says so may come. */
const deadlineGraceMs = 1_000;

/** Sends calls: bounded in time and size, tried again where that is safe. */
export class Exchange {
  constructor(private readonly options: ExchangeOptions) {}

  /**
   * The answer, when it is a success.
   * @throws SlipwayApiError otherwise; the reason of `call.signal` when that ends it.
   */
  async send(call: Call): Promise<Reply> {
    if (call.requestId !== undefined) headerText('requestId', call.requestId);
    const deadlineAt = performance.now() + checkedDeadline(call.deadlineMs);
    const endAt = Math.min(performance.now() + checkedTimeout(call.timeoutMs ?? this.options.timeoutMs), deadlineAt + deadlineGraceMs);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.attempt(call, deadlineAt, endAt);
      if (!(outcome instanceof SlipwayApiError)) return outcome;
      const leftMs = Math.min(deadlineAt, endAt) - performance.now();
      const waitMs =
        call.isRetried === false ? undefined : decideRetry(this.options.retry, { error: outcome, attempt, leftMs, random: Math.random() });
      if (waitMs === undefined) throw outcome;
      await pause(waitMs, call.signal);
    }
  }

  /** Sends JSON or nothing, and reads JSON. */
  async json(call: Call): Promise<unknown> {
    const { body } = await this.send(call);
    try {
      return JSON.parse(new TextDecoder().decode(body));
    } catch (cause) {
      throw new SlipwayApiError('ANSWER_INVALID', `${call.path} answered with something other than JSON`, { status: 200, cause });
    }
  }

  private async attempt(call: Call, deadlineAt: number, endAt: number): Promise<Reply | SlipwayApiError> {
    call.signal?.throwIfAborted();
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), Math.max(0, endAt - performance.now()));
    const forward = () => ending.abort();
    call.signal?.addEventListener('abort', forward);
    try {
      const { fetch } = this.options;
      const response = await fetch(this.address(call.path), this.request(call, deadlineAt, ending.signal));
      const body = await readBody(response, this.options.maxAnswerBytes);
      if (response.status === 200) return { status: response.status, headers: response.headers, body };
      return readError(response.status, response.headers, body, Date.now());
    } catch (cause) {
      if (cause instanceof SlipwayApiError) return cause;
      call.signal?.throwIfAborted();
      if (ending.signal.aborted)
        return new SlipwayApiError('TIMEOUT', `no answer to ${call.method} ${call.path} in time`, { cause, requestId: call.requestId });
      return new SlipwayApiError('NETWORK', `no answer to ${call.method} ${call.path}: ${reasonOf(cause)}`, { cause, requestId: call.requestId });
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', forward);
    }
  }

  private address(path: string): string {
    const { url } = this.options;
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}${path}`;
  }

  private request(call: Call, deadlineAt: number, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = { accept: '*/*', ...this.options.headers, ...call.headers };
    // Tensors hardly shrink, and both sides pay for trying. (Browsers choose for themselves and leave this out.)
    headers['accept-encoding'] = 'identity';
    if (call.requestId !== undefined) headers[names.requestId] = call.requestId;
    if (Number.isFinite(deadlineAt)) headers[names.deadlineMs] = String(Math.max(1, Math.floor(deadlineAt - performance.now())));
    return { method: call.method, headers, signal, ...(call.body === undefined ? {} : { body: call.body }) };
  }
}

/** Reads the body, and stops at the bound without reading on. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new SlipwayApiError('ANSWER_TOO_LARGE', `the answer is over the limit of ${maxBytes} bytes`, { status: response.status });
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    length += piece.value.length;
    if (length > maxBytes) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(piece.value);
  }
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Waits, unless the signal ends it. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
  });
}

/** A text that a header can carry. @throws SlipwayApiError INPUT_INVALID */
export function headerText(name: string, text: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/.test(text)) return text;
  throw new SlipwayApiError('INPUT_INVALID', `${name}: expected 1 to 256 printable ASCII characters, given ${JSON.stringify(text.slice(0, 60))}`);
}

/** Longer waits do not fit the timers of JavaScript. */
const timeoutMsMax = 2 ** 31 - 1;

function checkedTimeout(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= timeoutMsMax) return timeoutMs;
  throw new SlipwayApiError('INPUT_INVALID', `timeoutMs: expected a number above 0 and up to ${timeoutMsMax}, given ${timeoutMs}`);
}

function checkedDeadline(deadlineMs: number | undefined): number {
  if (deadlineMs === undefined) return Number.POSITIVE_INFINITY;
  if (deadlineMs >= 1 && deadlineMs <= limits.deadlineMsMax) return deadlineMs;
  throw new SlipwayApiError('INPUT_INVALID', `deadlineMs: expected a number from 1 to ${limits.deadlineMsMax}, given ${deadlineMs}`);
}

/** `fetch` says "fetch failed" and keeps the reason to itself, in the cause. */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error ? (cause.cause ?? cause) : cause;
  if (!(inner instanceof Error)) return String(inner);
  return inner.message === '' ? String(Reflect.get(inner, 'code') ?? inner.name) : inner.message;
}
