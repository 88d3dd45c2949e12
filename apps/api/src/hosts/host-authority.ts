import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { HostCertificate } from '@slipway/contracts';
import { HostAuthorityStore } from '@slipway/deployments';
import { gatewayUri, hostUri, type TlsIdentity, useInstanceDialling } from '@slipway/inference';
import { seal, unseal } from '@slipway/platform';
import { Platform } from '../platform.js';
import { type Authority, newAuthority, newKeyPair, signCertificate } from './sign-certificate.js';

/** Hosts renew at half of it; a stolen key is worth something for no longer. */
const hostLifeMs = 24 * 3_600_000;
/** This process's own, towards instances on other machines; never leaves its memory. */
const gatewayLifeMs = 24 * 3_600_000;
/** Binds the sealed key to its place. */
const sealedFor = 'host-authority';
/** An instance that is not reached is tried several times a second; told of once in this time. */
const tellEveryMs = 10_000;

/**
 * Signs the certificates by which gateways and hosts that have joined know each other. Its key lies in the database, sealed with the
 * installation's key; it is made when the first host joins.
 */
@Injectable()
export class HostAuthority implements OnModuleInit {
  private readonly store: HostAuthorityStore;
  private identity: { readonly value: TlsIdentity; readonly renewAtMs: number } | undefined;
  private making: Promise<void> | undefined;
  private readonly toldAt = new Map<string, number>();

  constructor(private readonly platform: Platform) {
    this.store = new HostAuthorityStore(platform.db.prisma);
  }

  onModuleInit(): void {
    useInstanceDialling({
      identity: () => this.gatewayIdentity(),
      onRefused: (address, reason) => this.tell(address, reason),
    });
  }

  /** Signs for a host; what is wrong with its key shows at once. @throws SlipwayError REQUEST_INVALID */
  async signer(publicKey: string): Promise<(hostId: string) => Promise<HostCertificate>> {
    const authority = await this.provide();
    const sign = async (hostId: string): Promise<HostCertificate> => {
      const now = new Date();
      const notAfter = new Date(now.getTime() + hostLifeMs);
      const certificate = await signCertificate(authority, { publicKey, uri: hostUri(hostId), side: 'server', notAfter }, now);
      return { certificate, authority: authority.certificate, notAfter: notAfter.toISOString() };
    };
    await sign('nobody');
    return sign;
  }

  /** Undefined until there is an authority, and while the first certificate is being made: whoever asks tries again. */
  private gatewayIdentity(): TlsIdentity | undefined {
    if (this.identity === undefined || Date.now() >= this.identity.renewAtMs) {
      this.making ??= this.makeIdentity()
        .catch((error: unknown) => this.platform.log.warn({ err: error }, 'no certificate for instances on other hosts'))
        .finally(() => {
          this.making = undefined;
        });
    }
    return this.identity?.value;
  }

  private async makeIdentity(): Promise<void> {
    const stored = await this.store.find();
    if (stored === undefined) return;
    const authority = this.open(stored);
    const now = new Date();
    const { privateKey, publicKey } = newKeyPair();
    const notAfter = new Date(now.getTime() + gatewayLifeMs);
    const certificate = await signCertificate(authority, { publicKey, uri: gatewayUri, side: 'client', notAfter }, now);
    this.identity = { value: { certificate, privateKey, authority: authority.certificate }, renewAtMs: now.getTime() + gatewayLifeMs / 2 };
  }

  private async provide(): Promise<Authority> {
    const stored = await this.store.find();
    if (stored !== undefined) return this.open(stored);
    const made = await newAuthority(new Date());
    const sealedKey = seal(this.platform.masterKey, made.privateKey, sealedFor);
    return this.open(await this.store.keep({ certificate: made.certificate, sealedKey }));
  }

  private open({ certificate, sealedKey }: { certificate: string; sealedKey: string }): Authority {
    return { certificate, privateKey: unseal(this.platform.masterKey, sealedKey, sealedFor) };
  }

  private tell(address: string, reason: string): void {
    const now = performance.now();
    if (now - (this.toldAt.get(address) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) return;
    if (this.toldAt.size >= 1_000) this.toldAt.clear();
    this.toldAt.set(address, now);
    this.platform.log.warn({ address, reason }, 'instance not reached');
  }
}
