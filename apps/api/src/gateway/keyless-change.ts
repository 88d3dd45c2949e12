import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from './answers.js';

/** What is looked at of a request that brings no key. */
export interface KeylessRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/**
 * Whether a request without a key may load and unload models, where keys are switched off for unmodified clients. The switch alone is
 * only possible on a loopback listener; this also turns away what comes through one from elsewhere: forwarded requests, and pages of
 * other sites, which a browser on this machine would otherwise let send a POST without asking anybody.
 * @returns undefined when it may.
 */
export function refusalOfKeylessChange({ headers, socket }: KeylessRequest): Refusal | undefined {
  if (!isLoopback(socket.remoteAddress ?? '')) return refused('it comes from another machine');
  if (forwardedBy.some((name) => headers[name] !== undefined)) return refused('it was forwarded from elsewhere');
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return refused('it comes from the page of another site');
  const { origin, host } = headers;
  if (origin !== undefined && hostOf(origin) !== host) return refused('it comes from the page of another site');
  return undefined;
}

const forwardedBy = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function refused(why: string): Refusal {
  return { code: 'CREDENTIAL_MISSING', message: `a change without a key is taken from clients on this machine alone, and ${why}; send a key` };
}
