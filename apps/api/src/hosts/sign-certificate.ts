import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { messageOf, SlipwayError } from '@slipway/contracts';

/** Elliptic curve P-256 with SHA-256, all over. */
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** So much earlier a certificate begins: the clocks of two machines are never the same. */
const clockToleranceMs = 10 * 60_000;
const authorityLifeMs = 10 * 365 * 86_400_000;

/** What signs: a certificate that may sign others, and its key, both PEM. */
export interface Authority {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateWish {
  /** SPKI, PEM. */
  readonly publicKey: string;
  /** Its only alternative name. */
  readonly uri: string;
  /** Which side of a connection it is for. */
  readonly side: 'server' | 'client';
  readonly notAfter: Date;
}

/** A new key pair, PEM. */
export function newKeyPair(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

/** An authority of this installation's own, which nobody else trusts. */
export async function newAuthority(now: Date): Promise<Authority> {
  const { privateKey, publicKey } = newKeyPair();
  const key = await importPublic(publicKey);
  const name = `CN=Slipway hosts ${randomBytes(4).toString('hex')}`;
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      subject: name,
      issuer: name,
      ...period(now, new Date(now.getTime() + authorityLifeMs)),
      publicKey: key,
      signingKey: await importPrivate(privateKey),
      signingAlgorithm,
      extensions: [
        // It signs certificates of hosts and gateways, and no further authorities.
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(key, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: certificate.toString('pem'), privateKey };
}

/** A certificate for one side of a connection. @returns PEM. @throws SlipwayError REQUEST_INVALID for a key that is not one of P-256 */
export async function signCertificate(authority: Authority, wish: CertificateWish, now: Date): Promise<string> {
  const issuer = new X509Certificate(authority.certificate);
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      subject: `CN=${wish.uri.replace(/^slipway:\/\//, '').replaceAll('/', ' ')}`,
      issuer: issuer.subject,
      ...period(now, wish.notAfter),
      publicKey: await importPublic(wish.publicKey),
      signingKey: await importPrivate(authority.privateKey),
      signingAlgorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([wish.side === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth], true),
        new SubjectAlternativeNameExtension([{ type: 'url', value: wish.uri }]),
      ],
    },
    webcrypto,
  );
  return certificate.toString('pem');
}

function period(now: Date, notAfter: Date) {
  return { notBefore: new Date(now.getTime() - clockToleranceMs), notAfter };
}

/** 128 random bits, positive. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function importPublic(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    return await webcrypto.subtle.importKey('spki', der, keyAlgorithm, true, ['verify']);
  } catch (error) {
    throw new SlipwayError('REQUEST_INVALID', `publicKey: expected a key of the curve P-256 (${messageOf(error)})`, { cause: error });
  }
}

function importPrivate(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), keyAlgorithm, false, ['sign']);
}
