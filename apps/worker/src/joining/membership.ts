import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostCertificate, messageOf, type RecordKeys, SlipwayError } from '@slipway/contracts';
import type { TlsIdentity } from '@slipway/inference';
import { type Logger, SettingsError } from '@slipway/platform';
import { z } from 'zod';
import { writeJson } from '../supervising/process-record.js';
import { Repeater } from '../supervising/repeater.js';
import { ApiClient } from './api.client.js';

const joinRetryMs = 2_000;
const renewLookMs = 60_000;

/** Injection token of the membership of a host that has joined; null on one that has not. */
export const MEMBERSHIP = Symbol('membership');

/** What a joined host keeps in its home, readable by its owner only. */
const Kept = z.object({
  hostId: z.string(),
  name: z.string(),
  credential: z.string(),
  /** Where gateways reach this machine, as far as it can tell. */
  address: z.string(),
  privateKey: z.string(),
  publicKey: z.string(),
  certificate: HostCertificate,
  renewedAt: z.number(),
});
type Kept = z.infer<typeof Kept>;

export interface MembershipOptions {
  readonly home: string;
  readonly apiUrl: string;
  readonly joinToken: string | undefined;
  readonly name: string;
  readonly log: Logger;
  /** Aborts the waiting for an API that is away. */
  readonly signal: AbortSignal;
}

/** This machine as a member of an installation whose API runs elsewhere: joins once, then keeps its certificate fresh. */
export class Membership {
  private readonly loop: Repeater;

  private constructor(
    private readonly options: MembershipOptions,
    private readonly api: ApiClient,
    private kept: Kept,
  ) {
    this.writeIdentity();
    this.loop = new Repeater('renew certificate', () => this.renewWhenDue(), options.log);
  }

  /**
   * Takes up the membership that the home holds, or joins with the token; waits while the API is away.
   * @throws SettingsError without either; SlipwayError JOIN_TOKEN_INVALID, HOST_NAME_TAKEN as the API says
   */
  static async open(options: MembershipOptions): Promise<Membership> {
    const api = new ApiClient(options.apiUrl);
    mkdirSync(secretsOf(options.home), { recursive: true, mode: 0o700 });
    return new Membership(options, api, readKept(options.home) ?? (await joinAnew(options, api)));
  }

  get hostId(): string {
    return this.kept.hostId;
  }

  get name(): string {
    return this.kept.name;
  }

  /** Its bearer credential towards the API. */
  get credential(): string {
    return this.kept.credential;
  }

  get address(): string {
    return this.kept.address;
  }

  get client(): ApiClient {
    return this.api;
  }

  /** The keys with which instances of a deployment here keep inputs in their records; the installation's own never leaves the API. */
  recordKeys(deploymentId: string): Promise<RecordKeys> {
    return this.api.recordKeys(this.kept.hostId, this.kept.credential, { deploymentId });
  }

  /** The file from which instances read who this host is. */
  get identityFile(): string {
    return join(secretsOf(this.options.home), 'host-tls.json');
  }

  start(): void {
    this.loop.start({ everyMs: renewLookMs });
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  /** At half of its life, so that an API that is away for hours does no harm. */
  private async renewWhenDue(): Promise<void> {
    const { hostId, credential, publicKey, certificate, renewedAt } = this.kept;
    const half = (renewedAt + Date.parse(certificate.notAfter)) / 2;
    if (Date.now() < half) return;
    const renewed = await this.api.renew(hostId, credential, { publicKey });
    this.kept = { ...this.kept, certificate: renewed, renewedAt: Date.now() };
    writeJson(keptFile(this.options.home), this.kept);
    this.writeIdentity();
    this.options.log.info({ host: hostId, notAfter: renewed.notAfter }, 'host certificate renewed');
  }

  private writeIdentity(): void {
    const { privateKey, certificate } = this.kept;
    const identity: TlsIdentity = { privateKey, certificate: certificate.certificate, authority: certificate.authority };
    writeJson(this.identityFile, identity);
  }
}

async function joinAnew(options: MembershipOptions, api: ApiClient): Promise<Kept> {
  const { joinToken: token, name, home, log, signal } = options;
  if (token === undefined) throw new SettingsError('SLIPWAY_JOIN_TOKEN is needed here: this machine has not joined yet (docs/hosts.md)');
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  for (;;) {
    signal.throwIfAborted();
    try {
      const { joined, localAddress } = await api.join({ token, name, publicKey });
      const { hostId, credential, certificate } = joined;
      const kept = { hostId, name, credential, address: localAddress, privateKey, publicKey, certificate, renewedAt: Date.now() };
      writeJson(keptFile(home), kept);
      log.info({ host: hostId, name }, 'host joined');
      return kept;
    } catch (error) {
      if (error instanceof SlipwayError) throw error;
      log.warn({ reason: messageOf(error) }, 'the API is not reached; this machine goes on trying to join');
      await new Promise((resolve) => setTimeout(resolve, joinRetryMs));
    }
  }
}

function readKept(home: string): Kept | undefined {
  const file = keptFile(home);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const parsed = Kept.safeParse(JSON.parse(text));
  if (!parsed.success) throw new SlipwayError('START_REFUSED', `${file} is damaged: remove it and join with a new token`);
  return parsed.data;
}

function keptFile(home: string): string {
  return join(secretsOf(home), 'host.json');
}

function secretsOf(home: string): string {
  return join(home, 'secrets');
}
