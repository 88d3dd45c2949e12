import ipaddr from 'ipaddr.js';

/** Inside clouds these answer with credentials or control although they look like any other address. */
const cloudServices = new Set(['168.63.129.16']);

/**
 * Whether an address belongs to the public internet. Everything else is refused: loopback, private, link-local with the metadata services,
 * carrier NAT, multicast, reserved, documentation, and every form that carries an IPv4 address inside an IPv6 one (mapped, compatible, NAT64,
 * 6to4, Teredo), since those lead to the address inside.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text) || cloudServices.has(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  // Global unicast of IPv6 is 2000::/3 alone (RFC 4291 and the IANA registry); ::/96, for one, counts as unicast for the library.
  return address.kind() === 'ipv4' || address.match([ipaddr.parse('2000::'), 3]);
}
