import { isIP } from 'node:net';
import { SlipwayError } from '@slipway/contracts';
import { allowsAddress, allowsHost, type EgressAllow } from './egress-allow.js';
import { isPublicAddress } from './public-address.js';

export interface EgressPolicy {
  readonly allow: readonly EgressAllow[];
  /** Names under which this installation is reached from outside: a notice to itself would be a loop. */
  readonly ownHosts: readonly string[];
}

/** A web address that passed the checks that need no look-up. */
export interface EgressUrl {
  readonly url: URL;
  /** Canonical host: lower case, punycode, no trailing dot, no brackets; numbers in any notation have become an address. */
  readonly host: string;
  readonly port: number;
  readonly isAddress: boolean;
}

const defaultPort = 443;
const localNames = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home\.arpa)$/;
const maxUrlLength = 2048;

/**
 * Checks what the text alone tells: scheme, user-info, host, port.
 * @throws EGRESS_BLOCKED with what was expected.
 */
export function checkEgressUrl(text: string, policy: EgressPolicy): EgressUrl {
  const url = text.length <= maxUrlLength && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw blocked('is not a web address');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw blocked(`has the scheme "${url.protocol.slice(0, -1)}", expected https`);
  if (url.username !== '' || url.password !== '') throw blocked('holds a user name or password, which is not allowed in it');
  const host = canonicalHost(url.hostname);
  if (!isUsableHost(host)) throw blocked('has no usable host name');
  const isAddress = isIP(host) !== 0;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const target = { url, host, port, isAddress };
  const named = allowsHost(policy.allow, host, port);
  if (named) return target;
  const mayBeInRange = policy.allow.some((entry) => entry.kind === 'range' && (entry.port ?? port) === port);
  if (policy.ownHosts.includes(host)) throw blocked('leads back to this installation');
  if (mayBeInRange) return target;
  if (url.protocol !== 'https:') throw blocked('uses http, expected https');
  if (port !== defaultPort) throw blocked(`uses port ${port}, expected ${defaultPort}`);
  if (isLocalName(host)) throw blocked('names a host of the local network');
  return target;
}

/**
 * Checks the addresses that a host has. Every one of them must be allowed: a name with a public and a private address is refused.
 * @throws EGRESS_BLOCKED
 */
export function checkEgressAddresses(target: EgressUrl, addresses: readonly string[], policy: EgressPolicy): void {
  const { url, host, port } = target;
  if (allowsHost(policy.allow, host, port)) return;
  if (addresses.length > 0 && addresses.every((address) => allowsAddress(policy.allow, address, port))) return;
  if (isLocalName(host)) throw blocked('names a host of the local network');
  const inside = addresses.find((address) => !isPublicAddress(address) && !allowsAddress(policy.allow, address, port));
  if (inside !== undefined) throw blocked('leads to an address that is not public');
  if (url.protocol !== 'https:') throw blocked('uses http, expected https');
  if (port !== defaultPort) throw blocked(`uses port ${port}, expected ${defaultPort}`);
}

/** The host in one form, so that rules see what the connection will see. */
export function canonicalHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function isUsableHost(host: string): boolean {
  if (isIP(host) !== 0) return true;
  return host.length <= 253 && host.split('.').every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

function isLocalName(host: string): boolean {
  return localNames.test(host) || (isIP(host) === 0 && !host.includes('.'));
}

function blocked(why: string): SlipwayError {
  return new SlipwayError('EGRESS_BLOCKED', `The address ${why}. The operator can allow hosts with SLIPWAY_EGRESS_ALLOW.`);
}
