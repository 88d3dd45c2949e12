import { SlipwayError } from '@slipway/contracts';

/** Where an instance listens. */
export type InstanceAddress =
  | { readonly kind: 'unix'; readonly path: string }
  /** On a host that has joined; whoever answers must prove that it is this host. */
  | { readonly kind: 'tls'; readonly hostId: string; readonly host: string; readonly port: number };

/** The text of an address: `unix:/path`, or `tls://<host id>@<name or IP>:<port>`. */
export function formatInstanceAddress(address: InstanceAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const { hostId, host, port } = address;
  return `tls://${hostId}@${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws SlipwayError INTERNAL for anything that `formatInstanceAddress` does not write. */
export function parseInstanceAddress(text: string): InstanceAddress {
  if (text.startsWith('unix:')) return { kind: 'unix', path: text.slice('unix:'.length) };
  const [, hostId, bracketed, plain, port] = /^tls:\/\/([A-Za-z0-9_]+)@(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (hostId === undefined || host === undefined || port === undefined) {
    throw new SlipwayError('INTERNAL', `an instance's address is expected as unix:/path or tls://host-id@name:port, not "${text}"`);
  }
  return { kind: 'tls', hostId, host, port: Number(port) };
}
