import { readFileSync } from 'node:fs';
import type { PeerCertificate } from 'node:tls';
import { z } from 'zod';

/** Who a process is towards the other side of a TLS connection; all three are PEM texts. */
export const TlsIdentity = z.object({
  certificate: z.string(),
  privateKey: z.string(),
  /** Signs the certificates of both sides, and no others. */
  authority: z.string(),
});
export type TlsIdentity = z.infer<typeof TlsIdentity>;

/** What stands in a gateway's certificate, as its only alternative name. */
export const gatewayUri = 'slipway://gateway';

/** What stands in a host's certificate, as its only alternative name. */
export function hostUri(hostId: string): string {
  return `slipway://host/${hostId}`;
}

/** Whether a certificate, which must have been verified, was made for this name. */
export function isFor(certificate: Pick<PeerCertificate, 'subjectaltname'>, uri: string): boolean {
  return certificate.subjectaltname === `URI:${uri}`;
}

/** Reads an identity from its file. */
export function readTlsIdentity(file: string): TlsIdentity {
  return TlsIdentity.parse(JSON.parse(readFileSync(file, 'utf8')));
}
