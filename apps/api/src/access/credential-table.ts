import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { ErrorCode } from '@slipway/contracts';
import { channels, looksInternal, readInternalToken, sha256 } from '@slipway/platform';
import { Platform } from '../platform.js';
import { type Credential, type Principal, readCredentials } from './credential.store.js';

export type Resolved =
  | ({
      readonly ok: true;
      readonly viaCookie: boolean;
      /** A part of Slipway itself, by a token made from the master key; it may predict in its project and nothing else. */
      readonly isInternal: boolean;
    } & Principal)
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

export const sessionCookie = 'slipway_session';
/** A session that was not used for this long is over. */
export const sessionIdleMs = 30 * 60_000;
const pollMs = 5_000;
/** Bound of the map from header text to credential, which saves a hash per request. */
const cacheMax = 10_000;

const missing: Resolved = {
  ok: false,
  code: 'CREDENTIAL_MISSING',
  message: 'a key is needed: send "Authorization: Bearer <key>", or sign in to the console',
};
const invalid: Resolved = {
  ok: false,
  code: 'CREDENTIAL_INVALID',
  message: 'this credential is not known here: it may be mistyped, expired or revoked',
};

/**
 * All credentials in memory, so that a request is checked without the database. A change takes effect by nudge within a second, by
 * poll within five; while the database is away what is known holds, revocations included.
 */
@Injectable()
export class CredentialTable implements OnModuleInit {
  private byHash: ReadonlyMap<string, Credential> = new Map();
  private cache = new Map<string, Credential>();
  private lastTouched = new Map<string, number>();
  private reading: Promise<void> | undefined;
  private again = false;
  private loaded = false;

  constructor(private readonly platform: Platform) {}

  async onModuleInit(): Promise<void> {
    const stop = this.platform.nudges.on(channels.access, () => void this.refresh());
    const timer = setInterval(() => void this.refresh(), pollMs);
    this.platform.shutdown.add('credentials', () => {
      stop();
      clearInterval(timer);
    });
    await this.refresh();
  }

  /** Whether the table was read at least once since the start. */
  get ready(): boolean {
    return this.loaded;
  }

  /** The principal behind a request's headers. Never waits and never asks the database. */
  resolve(authorization: string | undefined, cookie: string | undefined): Resolved {
    if (authorization !== undefined) return this.lookUp(authorization, () => bearerOf(authorization), false);
    const token = cookie === undefined ? undefined : cookieOf(cookie, sessionCookie);
    if (token === undefined) return missing;
    return this.lookUp(token, () => token, true);
  }

  /** Whether what let a request in still counts, for streams that outlive the moment they were opened in. Does not keep a session alive. */
  stillHolds(authorization: string | undefined, cookie: string | undefined): boolean {
    const secret = authorization === undefined ? cookieOf(cookie ?? '', sessionCookie) : bearerOf(authorization);
    const credential = secret === undefined ? undefined : this.byHash.get(sha256(secret));
    const now = Date.now();
    if (credential === undefined || credential.expiresAtMs <= now) return false;
    return credential.kind === 'key' || now - this.lastUseOf(credential) <= sessionIdleMs;
  }

  /** Reads the table again; resolves when it shows at least what was committed before the call. Calls made during a reading share one more. */
  refresh(): Promise<void> {
    this.again = true;
    this.reading ??= this.readUntilCalm();
    return this.reading;
  }

  private async readUntilCalm(): Promise<void> {
    while (this.again) {
      this.again = false;
      await this.read();
    }
    this.reading = undefined;
  }

  private async read(): Promise<void> {
    try {
      const credentials = await readCredentials(this.platform.db.prisma, new Date());
      this.byHash = new Map(credentials.map((credential) => [credential.hash, credential]));
      this.cache = new Map();
      for (const hash of this.lastTouched.keys()) if (!this.byHash.has(hash)) this.lastTouched.delete(hash);
      this.loaded = true;
    } catch (error) {
      this.platform.log.warn({ err: error }, 'credentials not refreshed');
    }
  }

  private lookUp(cacheKey: string, secretOf: () => string | undefined, viaCookie: boolean): Resolved {
    let credential = this.cache.get(cacheKey);
    if (credential === undefined) {
      const secret = secretOf();
      credential = secret === undefined || secret.length > 512 ? undefined : this.find(secret);
      if (credential === undefined || (credential.kind === 'session') !== viaCookie) return invalid;
      if (this.cache.size >= cacheMax) this.cache.clear();
      this.cache.set(cacheKey, credential);
    }
    const now = Date.now();
    if (credential.expiresAtMs <= now) return invalid;
    if (viaCookie && !this.touch(credential, now)) return invalid;
    const { projectId, actor, scopes, kind } = credential;
    return { ok: true, viaCookie, isInternal: kind === 'internal', projectId, actor, scopes };
  }

  private find(secret: string): Credential | undefined {
    if (!looksInternal(secret)) return this.byHash.get(sha256(secret));
    const caller = readInternalToken(this.platform.masterKey, secret, Date.now());
    if (caller === undefined) return undefined;
    const { projectId, purpose, expiresAtMs } = caller;
    return { projectId, actor: `system:${purpose}`, scopes: ['predict'], hash: '', kind: 'internal', expiresAtMs, lastUsedAtMs: 0 };
  }

  private lastUseOf(session: Credential): number {
    return Math.max(session.lastUsedAtMs, this.lastTouched.get(session.hash) ?? 0);
  }

  /** Keeps a session alive; false when it had been idle for too long. The row is written at most once a minute. */
  private touch(session: Credential, now: number): boolean {
    const last = this.lastUseOf(session);
    if (now - last > sessionIdleMs) return false;
    if (now - last < 60_000) return true;
    this.lastTouched.set(session.hash, now);
    this.platform.db.prisma.session
      .updateMany({ where: { hash: session.hash }, data: { lastUsedAt: new Date(now) } })
      .catch((error: unknown) => this.platform.log.warn({ err: error }, 'session not touched'));
    return true;
  }
}

function bearerOf(authorization: string): string | undefined {
  const match = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization);
  return match?.[1];
}

function cookieOf(cookie: string, name: string): string | undefined {
  for (const part of cookie.split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}
