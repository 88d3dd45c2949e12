import type { Scope } from '@slipway/contracts';
import { scopes as allScopes } from '@slipway/contracts';
import type { Database } from '@slipway/platform';

/** Who calls, as far as a credential says. */
export interface Principal {
  readonly projectId: string;
  /** "key:<name>", "session:<actor>" or "system:<part>". */
  readonly actor: string;
  readonly scopes: readonly Scope[];
}

export interface Credential extends Principal {
  /** SHA-256 of the secret, hex; of internal ones, which are not stored, empty. */
  readonly hash: string;
  readonly kind: 'key' | 'session' | 'internal';
  readonly expiresAtMs: number;
  /** Sessions only: when it was last used, as the database knows it. */
  readonly lastUsedAtMs: number;
}

/** Every credential that counts now. They are few, so the whole table is read and kept in memory. */
export async function readCredentials(db: Database, now: Date): Promise<Credential[]> {
  const [keys, sessions] = await Promise.all([
    db.apiKey.findMany({ where: { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] } }),
    db.session.findMany({ where: { expiresAt: { gt: now } } }),
  ]);
  return [
    ...keys.map(
      (key): Credential => ({
        projectId: key.projectId,
        actor: `key:${key.name}`,
        scopes: knownScopes(key.scopes),
        hash: key.hash,
        kind: 'key',
        expiresAtMs: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
        lastUsedAtMs: 0,
      }),
    ),
    ...sessions.map(
      (session): Credential => ({
        projectId: session.projectId,
        actor: `session:${session.actor}`,
        scopes: knownScopes(session.scopes),
        hash: session.hash,
        kind: 'session',
        expiresAtMs: session.expiresAt.getTime(),
        lastUsedAtMs: session.lastUsedAt.getTime(),
      }),
    ),
  ];
}

function knownScopes(texts: readonly string[]): Scope[] {
  return allScopes.filter((scope) => texts.includes(scope));
}
