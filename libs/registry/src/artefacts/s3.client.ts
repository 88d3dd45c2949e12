import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SlipwayError } from '@slipway/contracts';
import { AwsV4Signer } from 'aws4fetch';
import { type S3Place, urlOf } from './s3-place.js';
import { textOf } from './s3-xml.js';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  /** In memory: its length and hash go before it, and it can be sent again. */
  readonly body?: Uint8Array;
}

export interface S3ClientOptions {
  readonly place: S3Place;
  readonly credentials: S3Credentials;
  /** Until the headers of the answer; a part of 8 MiB has to be sent within it. Default 60 s. */
  readonly answerMs?: number;
  /** Before the first repetition; doubled each time. Default 100 ms. */
  readonly backoffMs?: number;
}

/** What the service says when it does not do what was asked. */
export class S3Refusal extends Error {
  override readonly name = 'S3Refusal';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const tries = 4;
const errorBytes = 64 * 1024;
const listBytes = 8 * 1024 * 1024;
const fullCodes = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage']);

/** Signed requests to an S3-compatible service. What may be over soon (no connection, 429, 5xx) is tried four times altogether. */
export class S3Client {
  private readonly keys = new Map<string, ArrayBuffer>();

  constructor(private readonly options: S3ClientOptions) {}

  /**
   * The answer with its body unread; the caller reads or cancels it.
   * @throws S3Refusal for 4xx; SlipwayError ARTEFACT_STORE_FULL, ARTEFACT_STORE_UNAVAILABLE
   */
  async send(request: S3Request): Promise<Response> {
    let failure: unknown;
    for (let attempt = 0; attempt < tries; attempt += 1) {
      if (attempt > 0) await pause((this.options.backoffMs ?? 100) * 2 ** (attempt - 1) * (0.5 + Math.random()));
      try {
        const response = await this.sendOnce(request);
        if (response.ok) return response;
        const refusal = await refusalOf(response);
        if (refusal.status === 507 || fullCodes.has(refusal.code)) throw full(refusal);
        if (refusal.status < 500 && refusal.status !== 429) throw refusal;
        failure = refusal;
      } catch (error) {
        if (error instanceof S3Refusal || error instanceof SlipwayError) throw error;
        failure = error;
      }
    }
    throw new SlipwayError('ARTEFACT_STORE_UNAVAILABLE', `the artefact store did not answer ${tries} times in a row; send it again in a moment`, {
      cause: failure,
      details: { endpoint: this.options.place.endpoint.host, bucket: this.options.place.bucket },
    });
  }

  /** The answer's text, of a bounded length. @throws as `send` */
  async text(request: S3Request): Promise<string> {
    return readText(await this.send(request), listBytes);
  }

  private async sendOnce({ method, key, query, body }: S3Request): Promise<Response> {
    const { place, credentials } = this.options;
    const signer = new AwsV4Signer({
      method,
      url: urlOf(place, key, query).href,
      // Signed with the request, so that the service refuses bytes that changed on the way.
      headers: { 'x-amz-content-sha256': sha256(body ?? Buffer.alloc(0)) },
      service: 's3',
      region: place.region,
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      cache: this.keys,
    });
    const signed = await signer.sign();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('no answer in time')), this.options.answerMs ?? 60_000);
    try {
      return await fetch(signed.url, {
        method,
        headers: signed.headers,
        // Never to another host with this signature.
        redirect: 'error',
        signal: late.signal,
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** An answer's text. @throws Error when it is longer than `maxBytes`. */
async function readText(response: Response, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw new Error(`the artefact store answered with more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function refusalOf(response: Response): Promise<S3Refusal> {
  const text = await readText(response, errorBytes).catch(() => '');
  const code = textOf(text, 'Code') ?? `HTTP ${response.status}`;
  return new S3Refusal(response.status, code, `${code}: ${textOf(text, 'Message') ?? 'no message'}`.slice(0, 500));
}

function full(cause: S3Refusal): SlipwayError {
  return new SlipwayError(
    'ARTEFACT_STORE_FULL',
    'the artefact store is full; nothing was kept. Delete versions that are not needed or give it more room, then send it again',
    { cause },
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
