import { lookup } from 'node:dns/promises';
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { messageOf, SlipwayError } from '@slipway/contracts';
import ipaddr from 'ipaddr.js';
import { checkEgressAddresses, checkEgressUrl, type EgressPolicy, type EgressUrl } from './egress-target.js';

/** What a receiver answered. The body is kept only for whoever asks for it. */
export interface EgressReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly durationMs: number;
  /** At most 64 KiB of it, as UTF-8; only with `wantsBody`. */
  readonly body?: string;
}

export interface EgressMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal?: AbortSignal;
  readonly wantsBody?: boolean;
}

export interface EgressOptions extends EgressPolicy {
  /** For tests: finds the addresses of a name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly timeoutMs?: number;
}

const timeoutMs = 15_000;
/** What is read of an answer before the connection is closed. */
const maxReplyBytes = 64 * 1024;

/**
 * The one way out of the installation. Names are resolved once, every address is checked, and the connection goes to a checked address with
 * the name kept for TLS; redirects are never followed.
 */
export class Egress {
  private readonly resolve: (host: string) => Promise<readonly string[]>;
  private readonly timeoutMs: number;

  constructor(private readonly options: EgressOptions) {
    this.resolve = options.resolve ?? resolveAll;
    this.timeoutMs = options.timeoutMs ?? timeoutMs;
  }

  /**
   * Checks an address before it is stored. A name that does not resolve now passes: it is checked again at each delivery.
   * @throws EGRESS_BLOCKED
   */
  async check(url: string): Promise<void> {
    const target = checkEgressUrl(url, this.options);
    const addresses = target.isAddress ? [target.host] : await withDeadline(this.resolve(target.host), AbortSignal.timeout(5_000)).catch(() => []);
    checkEgressAddresses(target, addresses, this.options);
  }

  /**
   * Sends one POST.
   * @throws EGRESS_BLOCKED when the address is not allowed; nothing was sent then.
   * @throws DELIVERY_FAILED when there was no answer in time.
   */
  async post(url: string, message: EgressMessage): Promise<EgressReply> {
    const target = checkEgressUrl(url, this.options);
    const timeout = AbortSignal.timeout(this.timeoutMs);
    const signal = message.signal === undefined ? timeout : AbortSignal.any([timeout, message.signal]);
    const startedAt = performance.now();
    try {
      const addresses = target.isAddress ? [target.host] : await withDeadline(this.resolve(target.host), signal);
      checkEgressAddresses(target, addresses, this.options);
      const [address] = addresses;
      if (address === undefined) throw new SlipwayError('DELIVERY_FAILED', `The name ${target.host} has no address.`);
      const { status, headers, body } = await exchange(target, address, { ...message, signal });
      return { status, headers, durationMs: Math.round(performance.now() - startedAt), ...(message.wantsBody === true ? { body } : {}) };
    } catch (error) {
      if (error instanceof SlipwayError) throw error;
      const why = timeout.aborted ? `no answer within ${this.timeoutMs / 1000} s` : reasonOf(error);
      throw new SlipwayError('DELIVERY_FAILED', `The receiver did not take the notice: ${why}.`, { cause: error });
    }
  }
}

async function resolveAll(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}

/** A look-up cannot be cancelled; waiting for it can. */
function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function exchange(
  { url, host, port, isAddress }: EgressUrl,
  address: string,
  message: { headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal },
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  const body = Buffer.from(message.body, 'utf8');
  const options = {
    method: 'POST',
    host: address,
    port,
    path: `${url.pathname}${url.search}`,
    headers: { ...message.headers, host: url.host, 'content-length': String(body.length), connection: 'close' },
    // A connection of its own: a pooled one could lead to an address that is not allowed any more.
    agent: false,
    signal: message.signal,
    maxHeaderSize: 16_384,
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest =
      url.protocol === 'https:' ? requestHttps({ ...options, ...(isAddress ? {} : { servername: host }) }) : requestHttp(options);
    request.on('socket', (socket) => socket.once('connect', () => refuseOtherAddress(socket, address)));
    request.on('response', (response) =>
      readBounded(response).then((text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }), reject),
    );
    request.on('error', reject);
    request.end(body);
  });
}

function refuseOtherAddress(socket: Socket, address: string): void {
  if (ipaddr.parse(socket.remoteAddress ?? '::').toNormalizedString() === ipaddr.parse(address).toNormalizedString()) return;
  socket.destroy(new SlipwayError('EGRESS_BLOCKED', 'The connection led to another address than the checked one.'));
}

/** Reads an answer to its end or to the bound, whichever comes first; the status is known either way. */
async function readBounded(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    const read = Buffer.from(piece);
    bytes += read.length;
    if (bytes > maxReplyBytes) {
      response.destroy();
      break;
    }
    pieces.push(read);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** The reason without addresses: a message about somebody's inner network must not become a map of it. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name could not be resolved';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was cut';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'the network has no way there';
    default:
      return typeof code === 'string' && /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code) ? `the certificate is not good (${code})` : messageOf(error);
  }
}
