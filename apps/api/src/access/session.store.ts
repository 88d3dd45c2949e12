import { type Scope, SlipwayError } from '@slipway/contracts';
import { channels, type Database, newToken, nudge, recordEvent, sha256, type Transaction } from '@slipway/platform';
import type { Principal } from './credential.store.js';

/** A session ends at the latest after this long. */
export const sessionAbsoluteMs = 12 * 3_600_000;
const signInTokenMs = 15 * 60_000;

export interface NewSession {
  readonly token: string;
  readonly expiresAt: Date;
  readonly principal: Principal;
}

/** Console sessions and the one-time links that open them; both are stored as hashes. */
export class SessionStore {
  constructor(private readonly db: Database) {}

  /** Makes a one-time link's token valid for 15 minutes. */
  async allowSignIn(token: string): Promise<void> {
    const now = Date.now();
    await this.db.signInToken.deleteMany({ where: { expiresAt: { lt: new Date(now) } } });
    await this.db.signInToken.create({
      data: { hash: sha256(token), projectId: 'prj_default', actor: 'owner', scopes: ['admin'], expiresAt: new Date(now + signInTokenMs) },
    });
  }

  /** Exchanges a one-time token for a session. @throws SIGN_IN_TOKEN_INVALID when it is unknown, used or expired. */
  async redeem(token: string): Promise<NewSession> {
    const hash = sha256(token);
    const now = new Date();
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.signInToken.updateMany({ where: { hash, usedAt: null, expiresAt: { gt: now } }, data: { usedAt: now } });
      const row = count === 1 ? await tx.signInToken.findUnique({ where: { hash } }) : null;
      if (row === null)
        throw new SlipwayError(
          'SIGN_IN_TOKEN_INVALID',
          'this sign-in link was used already or is too old; start Slipway again for a new one, or sign in with an API key',
        );
      return this.open(tx, { projectId: row.projectId, actor: row.actor, scopes: row.scopes });
    });
  }

  /** Opens a session with the rights of an API key. */
  async openFor(principal: Principal): Promise<NewSession> {
    return this.db.$transaction((tx) => this.open(tx, { ...principal, scopes: [...principal.scopes] }));
  }

  /** Signs out; a token that is no session's changes nothing. */
  async close(token: string): Promise<void> {
    const hash = sha256(token);
    await this.db.$transaction(async (tx) => {
      const session = await tx.session.findUnique({ where: { hash } });
      const { count } = await tx.session.deleteMany({ where: { hash } });
      if (session === null || count === 0) return;
      await recordEvent(tx, {
        projectId: session.projectId,
        actor: `session:${session.actor}`,
        action: 'session.closed',
        subject: { kind: 'session', id: session.actor, name: session.actor },
      });
      await nudge(tx, channels.access);
    });
  }

  async deleteExpired(): Promise<void> {
    await this.db.session.deleteMany({ where: { expiresAt: { lt: new Date() } } });
  }

  private async open(tx: Transaction, who: { projectId: string; actor: string; scopes: string[] }): Promise<NewSession> {
    const token = newToken();
    const expiresAt = new Date(Date.now() + sessionAbsoluteMs);
    await tx.session.create({ data: { hash: sha256(token), projectId: who.projectId, actor: who.actor, scopes: who.scopes, expiresAt } });
    await recordEvent(tx, {
      projectId: who.projectId,
      actor: `session:${who.actor}`,
      action: 'session.opened',
      subject: { kind: 'session', id: who.actor, name: who.actor },
    });
    await nudge(tx, channels.access);
    // The scopes were checked against the catalogue when the key or token was made.
    return { token, expiresAt, principal: { projectId: who.projectId, actor: `session:${who.actor}`, scopes: who.scopes as Scope[] } };
  }
}
