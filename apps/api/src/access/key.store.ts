import { type CreateKey, type KeyView, type Page, type PageQuery, SlipwayError } from '@slipway/contracts';
import {
  channels,
  type Database,
  decodeCursor,
  isUniqueViolation,
  newApiKey,
  newId,
  nudge,
  pageFrom,
  recordEvent,
  sha256,
  type Transaction,
} from '@slipway/platform';
import type { Caller } from './policy.js';

type Row = {
  id: string;
  name: string;
  hint: string;
  scopes: string[];
  createdAt: Date;
  createdBy: string;
  expiresAt: Date | null;
  revokedAt: Date | null;
};

/** API keys: only a hash is stored; the secret leaves once, in the answer to its creation. */
export class KeyStore {
  constructor(private readonly db: Database) {}

  async create(caller: Caller, wish: CreateKey): Promise<{ view: KeyView; secret: string }> {
    const secret = newApiKey();
    const data = {
      id: newId('key'),
      projectId: caller.projectId,
      name: wish.name,
      hash: sha256(secret),
      hint: secret.slice(0, 8),
      scopes: wish.scopes,
      createdBy: caller.actor,
      expiresAt: wish.expiresAt === undefined ? null : new Date(wish.expiresAt),
    };
    try {
      const row = await this.db.$transaction(async (tx) => {
        const created = await tx.apiKey.create({ data });
        await recordEvent(tx, {
          projectId: caller.projectId,
          actor: caller.actor,
          action: 'key.created',
          subject: { kind: 'key', id: created.id, name: created.name },
          after: toView(created),
          requestId: caller.requestId,
        });
        await nudge(tx, channels.access);
        return created;
      });
      return { view: toView(row), secret };
    } catch (error) {
      if (isUniqueViolation(error))
        throw new SlipwayError(
          'KEY_NAME_TAKEN',
          `a key named "${wish.name}" exists already; names of revoked keys stay taken, so that the history is clear`,
          { cause: error },
        );
      throw error;
    }
  }

  async list(projectId: string, query: PageQuery): Promise<Page<KeyView>> {
    const after = decodeCursor(listOf(projectId), query.cursor);
    const rows = await this.db.apiKey.findMany({
      where: { projectId, ...(after === undefined ? {} : { id: { gt: after } }) },
      orderBy: { id: 'asc' },
      take: query.limit + 1,
    });
    return pageFrom(rows, { list: listOf(projectId), limit: query.limit, positionOf: (row) => row.id, toView });
  }

  /** Ends a key, and with it the console sessions that were opened with it. @throws KEY_NOT_FOUND */
  async revoke(caller: Caller, name: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const row = await tx.apiKey.findUnique({ where: { projectId_name: { projectId: caller.projectId, name } } });
      if (row === null) throw new SlipwayError('KEY_NOT_FOUND', `there is no key named "${name}" in this project`);
      if (row.revokedAt !== null) return;
      const revoked = await tx.apiKey.update({ where: { id: row.id }, data: { revokedAt: new Date() } });
      await endSessionsOf(tx, row);
      await recordEvent(tx, {
        projectId: caller.projectId,
        actor: caller.actor,
        action: 'key.revoked',
        subject: { kind: 'key', id: row.id, name },
        before: toView(row),
        after: toView(revoked),
        requestId: caller.requestId,
      });
      await nudge(tx, channels.access);
    });
  }

  /** Makes the installation's own admin key valid: any string of at least 32 characters. */
  async ensureBootstrap(secret: string): Promise<void> {
    const hash = sha256(secret);
    const where = { projectId_name: { projectId: 'prj_default', name: 'bootstrap' } };
    const existing = await this.db.apiKey.findUnique({ where });
    if (existing?.hash === hash && existing.revokedAt === null) return;
    await this.db.$transaction(async (tx) => {
      const key = await tx.apiKey.upsert({
        where,
        create: {
          id: newId('key'),
          projectId: 'prj_default',
          name: 'bootstrap',
          hash,
          hint: secret.slice(0, 8),
          scopes: ['admin'],
          createdBy: 'system:start',
        },
        update: { hash, hint: secret.slice(0, 8), revokedAt: null, expiresAt: null },
      });
      if (existing !== null) await endSessionsOf(tx, key);
      await recordEvent(tx, {
        projectId: key.projectId,
        actor: 'system:start',
        action: existing === null ? 'key.created' : 'key.changed',
        subject: { kind: 'key', id: key.id, name: key.name },
        ...(existing === null ? {} : { before: toView(existing) }),
        after: toView(key),
      });
      await nudge(tx, channels.access);
    });
  }
}

/** A session has the rights of the key it was opened with, so it ends with that key. */
async function endSessionsOf(tx: Transaction, key: { projectId: string; name: string }): Promise<void> {
  await tx.session.deleteMany({ where: { projectId: key.projectId, actor: `key:${key.name}` } });
}

const listOf = (projectId: string) => `keys:${projectId}`;

function toView(row: Row): KeyView {
  return {
    id: row.id,
    name: row.name,
    hint: row.hint,
    scopes: row.scopes,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
