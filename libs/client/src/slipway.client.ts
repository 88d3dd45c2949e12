import { type RetryOptions, retryDefaults } from './decide-retry.js';
import { callOptions, DeploymentClient, isReady } from './deployment.client.js';
import { type CallOptions, Exchange } from './exchange.client.js';
import type { PredictionRows } from './generated/contract.js';
import { MetadataCache } from './metadata-cache.js';
import { readServerMetadata, type ServerMetadata } from './protocol-metadata.js';

export interface SlipwayClientOptions {
  /** Where the API is: `https://models.example.com`, with a path where a proxy has put it under one. In a page also relative to it. */
  readonly url: string;
  /** A key with the rights that the calls need. Absent: none is sent; in a page of the console's own origin its session speaks instead. */
  readonly apiKey?: string;
  /** Another `fetch`: with a proxy, a certificate, a trace. Absent: that of the platform. */
  readonly fetch?: typeof fetch;
  /** How long a call may take, all tries included. Default 30 000 ms. */
  readonly timeoutMs?: number;
  /** When calls are tried again (see `decideRetry`); false: never. */
  readonly retry?: RetryOptions | false;
  /** A larger answer is not read to its end. Default 256 MiB. */
  readonly maxAnswerBytes?: number;
  /** Headers to send with every call. */
  readonly headers?: Readonly<Record<string, string>>;
}

const defaultTimeoutMs = 30_000;
const defaultMaxAnswerBytes = 256 * 1024 * 1024;

/** A Slipway server. Cheap to make; it keeps nothing open. */
export class SlipwayClient {
  private readonly exchange: Exchange;
  private readonly cache = new MetadataCache();

  /** @throws TypeError when an option is not usable. */
  constructor(options: SlipwayClientOptions) {
    const { apiKey, headers = {} } = options;
    const all = { ...headers, ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) };
    // Throws where a header cannot be sent, without repeating its value.
    for (const [name, value] of Object.entries(all)) checkHeader(name, value);
    this.exchange = new Exchange({
      url: checkedUrl(options.url),
      fetch: options.fetch ?? globalThis.fetch,
      headers: all,
      timeoutMs: atLeast(1, 'timeoutMs', options.timeoutMs ?? defaultTimeoutMs),
      retry: checkedRetry(options.retry),
      maxAnswerBytes: atLeast(1, 'maxAnswerBytes', options.maxAnswerBytes ?? defaultMaxAnswerBytes),
    });
  }

  /** A deployment by its name; nothing is sent by asking for it. */
  deployment(name: string): DeploymentClient {
    if (typeof name !== 'string' || name === '') throw new TypeError('expected the name of a deployment');
    return new DeploymentClient(name, this.exchange, this.cache);
  }

  /** Whether the server can take predictions. @throws SlipwayApiError when it cannot be asked. */
  ready(options: CallOptions = {}): Promise<boolean> {
    return isReady(this.exchange, '/v2/health/ready', options);
  }

  /** Name, version, and the optional parts of the protocol that the server speaks. @throws SlipwayApiError */
  async serverMetadata(options: CallOptions = {}): Promise<ServerMetadata> {
    return readServerMetadata(await this.exchange.json({ method: 'GET', path: '/v2', ...callOptions(options) }));
  }

  /** The rows of a prediction, with their labels once they are known. Needs a key that may view. @throws SlipwayApiError */
  async prediction(predictionId: string, options: CallOptions = {}): Promise<PredictionRows> {
    const path = `/v1/predictions/${encodeURIComponent(predictionId)}`;
    // The server's own shape, which the type was made from.
    return (await this.exchange.json({ method: 'GET', path, ...callOptions(options) })) as PredictionRows;
  }
}

function checkedUrl(text: string): URL {
  const page: unknown = Reflect.get(globalThis, 'location');
  const base = typeof page === 'object' && page !== null ? String(Reflect.get(page, 'href')) : undefined;
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new TypeError(`url: expected an address such as https://models.example.com, given ${JSON.stringify(text)}`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`url: expected http or https, given ${url.protocol}`);
  if (url.username !== '' || url.password !== '') throw new TypeError('url: expected no user and password in it; a key goes into "apiKey"');
  return url;
}

function checkHeader(name: string, value: string): void {
  try {
    new Headers({ [name]: value });
  } catch {
    throw new TypeError(
      name === 'authorization' ? 'apiKey: holds a character that a header cannot carry' : `headers: ${JSON.stringify(name)} cannot be sent`,
    );
  }
}

function checkedRetry(retry: RetryOptions | false | undefined): Required<RetryOptions> {
  const all = { ...retryDefaults, ...(retry === false ? { attempts: 1 } : retry) };
  atLeast(1, 'retry.attempts', all.attempts);
  atLeast(0, 'retry.baseDelayMs', all.baseDelayMs);
  atLeast(0, 'retry.maxDelayMs', all.maxDelayMs);
  return all;
}

function atLeast(least: number, name: string, value: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new TypeError(`${name}: expected a number from ${least} on, given ${value}`);
}
