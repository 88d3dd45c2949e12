import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { headers as names } from '@slipway/contracts';
import { newInternalToken } from '@slipway/platform';
import type { InferBody } from '@slipway/tables';
import type { InferOutcome } from './judge-answer.js';

export interface PredictClientOptions {
  /** Of the gateway, without a trailing slash. */
  readonly url: string;
  readonly masterKey: Uint8Array;
  /** Connections at once. */
  readonly connections: number;
}

/** Where rows go. */
export interface PredictTarget {
  readonly projectId: string;
  readonly deployment: string;
  readonly version: number;
}

export interface PredictAnswer extends InferOutcome {
  readonly body: Buffer;
  /** Of the JSON part, when binary tensors follow it. */
  readonly headerBytes: number | undefined;
  /** The model's own time for these rows, where the gateway says it. */
  readonly computeMs: number | undefined;
}

/** Time for queue and run together. Work of the lowest priority may stand in the queue for long. */
const deadlineMs = 120_000;
/** The gateway ends a request at its deadline; without a word for this long after it, it is gone. */
const silenceMs = deadlineMs + 15_000;
/** A token counts for a quarter of an hour. */
const tokenAgeMs = 5 * 60_000;
const maxAnswerBytes = 512 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;

class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

const nothing = { code: undefined, retryAfterSeconds: undefined, body: Buffer.alloc(0), headerBytes: undefined, computeMs: undefined };

/** Sends rows through the gateway's own queue, at the lowest priority, like any other caller. */
export class PredictClient {
  private readonly agent: HttpAgent | HttpsAgent;
  private readonly base: URL;
  private readonly tokens = new Map<string, { readonly token: string; readonly madeAtMs: number }>();

  constructor(private readonly options: PredictClientOptions) {
    this.base = new URL(options.url);
    const how = { keepAlive: true, maxSockets: options.connections };
    this.agent = this.base.protocol === 'https:' ? new HttpsAgent(how) : new HttpAgent(how);
  }

  /** One request; an answer that is an error, or none, is a value. Rejects only with the signal's reason. */
  async infer(target: PredictTarget, { body, headerBytes }: InferBody, signal: AbortSignal): Promise<PredictAnswer> {
    const path = `${this.base.pathname.replace(/\/$/, '')}/v2/models/${encodeURIComponent(target.deployment)}/versions/${target.version}/infer`;
    const headers = {
      authorization: `Bearer ${this.tokenFor(target.projectId)}`,
      'content-type': 'application/octet-stream',
      'content-length': body.length,
      [names.inferenceHeaderContentLength]: headerBytes,
      [names.deadlineMs]: deadlineMs,
      [names.kind]: 'batch',
    };
    try {
      return await this.send(path, headers, body, AbortSignal.any([signal, AbortSignal.timeout(silenceMs)]));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AnswerTooLarge) return { ...nothing, status: 413, message: error.message };
      const message = `the gateway at ${this.base.origin} cannot be reached: ${reasonOf(error)}`;
      return { ...nothing, status: 0, message };
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private send(path: string, headers: Record<string, string | number>, body: Buffer, signal: AbortSignal): Promise<PredictAnswer> {
    return new Promise((resolve, reject) => {
      const send = this.base.protocol === 'https:' ? httpsRequest : httpRequest;
      const { hostname, port } = this.base;
      const place = { protocol: this.base.protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port, path };
      const request = send({ ...place, method: 'POST', headers, agent: this.agent, signal }, (response) => {
        readAnswer(response).then(resolve, reject);
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  private tokenFor(projectId: string): string {
    const now = Date.now();
    const known = this.tokens.get(projectId);
    if (known !== undefined && now - known.madeAtMs < tokenAgeMs) return known.token;
    const token = newInternalToken(this.options.masterKey, { projectId, purpose: 'batch-predictions' }, now);
    this.tokens.set(projectId, { token, madeAtMs: now });
    return token;
  }
}

async function readAnswer(response: IncomingMessage): Promise<PredictAnswer> {
  const status = response.statusCode ?? 0;
  const body = await readBody(response, status === 200 ? maxAnswerBytes : maxErrorBytes);
  const headerBytes = Number(response.headers[names.inferenceHeaderContentLength]);
  const retryAfter = Number(response.headers['retry-after']);
  const computeMicros = Number(response.headers[names.computeMicros]);
  const code = response.headers[names.error];
  return {
    status,
    code: typeof code === 'string' ? code : undefined,
    message: status === 200 ? '' : errorText(body),
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
    body,
    headerBytes: Number.isFinite(headerBytes) ? headerBytes : undefined,
    computeMs: Number.isFinite(computeMicros) ? computeMicros / 1e3 : undefined,
  };
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new AnswerTooLarge(`the answer has more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The protocol's errors are `{"error": "…"}`. */
function errorText(body: Buffer): string {
  const text = body.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    const error: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'error') : undefined;
    return typeof error === 'string' ? error : text.slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${silenceMs / 1_000} s`;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error.message;
}
