import ipaddr from 'ipaddr.js';

/** One entry of SLIPWAY_EGRESS_ALLOW: a host or a range of addresses, with one port or any. */
export type EgressAllow =
  | { readonly kind: 'host'; readonly host: string; readonly port: number | undefined }
  | { readonly kind: 'range'; readonly range: readonly [Address, number]; readonly port: number | undefined };

type Address = ReturnType<typeof ipaddr.parse>;

const entryPattern = /^(?:\[([^\]]+)\](?:\/(\d{1,3}))?|([0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*(?:\/\d{1,3})?)|([^:[\]]+))(?::(\d{1,5}))?$/i;
const hostPattern = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62})?)*$/;

/**
 * Reads the entries of SLIPWAY_EGRESS_ALLOW: `host`, `host:port`, an address, a CIDR range, each optionally with a port (`10.0.0.0/8:8080`,
 * `[fd00::/8]:443`). What they match may be reached by http and at private addresses. Only the operator sets them.
 * @throws Error naming the entry that is none of these.
 */
export function parseEgressAllow(entries: readonly string[]): EgressAllow[] {
  return entries.map((entry) => {
    const [, bracketed, bits, bare, name, portText] = entryPattern.exec(entry) ?? [];
    const target = bracketed === undefined ? (bare ?? name) : bits === undefined ? bracketed : `${bracketed}/${bits}`;
    const port = portText === undefined ? undefined : Number(portText);
    const allow = target === undefined || (port !== undefined && port > 65_535) ? undefined : allowOf(target.toLowerCase(), port);
    if (allow === undefined)
      throw new Error(`SLIPWAY_EGRESS_ALLOW: expected a host, an address or a CIDR range, each with or without a port, but got "${entry}"`);
    return allow;
  });
}

function allowOf(target: string, port: number | undefined): EgressAllow | undefined {
  if (target.includes('/')) return ipaddr.isValidCIDR(target) ? { kind: 'range', range: ipaddr.parseCIDR(target), port } : undefined;
  if (isAddress(target)) {
    const address = ipaddr.parse(target);
    return { kind: 'range', range: [address, address.kind() === 'ipv4' ? 32 : 128], port };
  }
  const host = target.replace(/\.$/, '');
  return hostPattern.test(host) ? { kind: 'host', host, port } : undefined;
}

function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/** Whether the operator allows a host by name, on this port. */
export function allowsHost(allow: readonly EgressAllow[], host: string, port: number): boolean {
  return allow.some((entry) => entry.kind === 'host' && entry.host === host && (entry.port ?? port) === port);
}

/** Whether the operator allows an address, on this port. */
export function allowsAddress(allow: readonly EgressAllow[], address: string, port: number): boolean {
  const parsed = ipaddr.parse(address);
  return allow.some(
    (entry) => entry.kind === 'range' && (entry.port ?? port) === port && parsed.kind() === entry.range[0].kind() && parsed.match([...entry.range]),
  );
}
