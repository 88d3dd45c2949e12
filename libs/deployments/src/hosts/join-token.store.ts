import { type CreateJoinToken, type JoinTokenView, type Page, type PageQuery, SlipwayError } from '@slipway/contracts';
import {
  type ChangeBy,
  channels,
  type Database,
  decodeCursor,
  newId,
  newToken,
  nudge,
  type Prisma,
  pageFrom,
  recordEvent,
  sha256,
  type Transaction,
} from '@slipway/platform';
import { databaseNow } from '../rows/database-clock.store.js';
import { isLive } from './host.js';

const defaultLifeMs = 86_400_000;
const tokenPrefix = 'slwj_';
const credentialPrefix = 'slwh_';

/** What a joined host is told once. */
export interface Joined {
  readonly hostId: string;
  readonly name: string;
  /** Its bearer credential towards the API; only a hash of it stays. */
  readonly credential: string;
}

/** How hosts join: tokens that an admin makes, and what hosts get for them. Only hashes are stored. */
export class JoinTokenStore {
  constructor(private readonly db: Database) {}

  async create(by: ChangeBy, wish: CreateJoinToken): Promise<{ view: JoinTokenView; token: string }> {
    const token = `${tokenPrefix}${newToken()}`;
    const now = await databaseNow(this.db);
    const expiresAt = wish.expiresAt === undefined ? new Date(now.getTime() + defaultLifeMs) : new Date(wish.expiresAt);
    if (expiresAt <= now) throw new SlipwayError('REQUEST_INVALID', `expiresAt: expected a time to come, not ${expiresAt.toISOString()}`);
    const view = await this.db.$transaction(async (tx) => {
      const row = await tx.hostJoinToken.create({
        data: {
          id: newId('jtk'),
          projectId: by.projectId,
          hash: sha256(token),
          hint: token.slice(0, 9),
          uses: wish.uses,
          createdBy: by.actor,
          createdAt: now,
          expiresAt,
        },
      });
      const after = toView(row);
      await recordEvent(tx, { ...by, action: 'join_token.created', subject: subjectOf(row), reason: wish.reason, after });
      return after;
    });
    return { view, token };
  }

  async list(projectId: string, page: PageQuery): Promise<Page<JoinTokenView>> {
    const list = `join-tokens:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    const rows = await this.db.hostJoinToken.findMany({
      where: { projectId, ...(after === undefined ? {} : { id: { gt: after } }) },
      orderBy: { id: 'asc' },
      take: page.limit + 1,
    });
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.id, toView });
  }

  /** Hosts that have joined with it stay. @throws SlipwayError JOIN_TOKEN_NOT_FOUND */
  async revoke(by: ChangeBy, id: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const row = await tx.hostJoinToken.findFirst({ where: { id, projectId: by.projectId } });
      if (row === null) throw new SlipwayError('JOIN_TOKEN_NOT_FOUND', `there is no join token with the id "${id}"`);
      if (row.revokedAt !== null) return;
      const revoked = await tx.hostJoinToken.update({ where: { id }, data: { revokedAt: await databaseNow(tx) } });
      await recordEvent(tx, { ...by, action: 'join_token.revoked', subject: subjectOf(row), before: toView(row), after: toView(revoked) });
    });
  }

  /** Whether a host could join with it right now; spends nothing. @throws SlipwayError JOIN_TOKEN_INVALID */
  async check(token: string): Promise<void> {
    const usable = await this.db.hostJoinToken.count({ where: usableAt(this.db, token, await databaseNow(this.db)) });
    if (usable === 0) throw invalidToken();
  }

  /**
   * Spends one use of a token on a host. A host that joins again (its home was lost) gets its old row when it is silent.
   * @throws SlipwayError JOIN_TOKEN_INVALID; HOST_NAME_TAKEN
   */
  async join(token: string, name: string, requestId: string): Promise<Joined> {
    return this.db.$transaction(async (tx) => {
      const now = await databaseNow(tx);
      const { count } = await tx.hostJoinToken.updateMany({ where: usableAt(tx, token, now), data: { used: { increment: 1 } } });
      if (count === 0) throw invalidToken();
      const { projectId, id: tokenId } = await tx.hostJoinToken.findUniqueOrThrow({ where: { hash: sha256(token) } });
      const credential = `${credentialPrefix}${newToken()}`;
      const hostId = await admit(tx, name, sha256(credential), now);
      await recordEvent(tx, {
        projectId,
        actor: `host:${name}`,
        requestId,
        action: 'host.joined',
        subject: { kind: 'host', id: hostId, name },
        after: { name, joinToken: tokenId },
      });
      await nudge(tx, channels.instances);
      return { hostId, name, credential };
    });
  }

  /** The joined host that a credential belongs to; undefined for anything else. */
  async hostOf(credential: string): Promise<{ readonly hostId: string; readonly name: string } | undefined> {
    if (!credential.startsWith(credentialPrefix)) return undefined;
    const row = await this.db.host.findUnique({ where: { credentialHash: sha256(credential) }, select: { id: true, name: true } });
    return row === null ? undefined : { hostId: row.id, name: row.name };
  }
}

function usableAt(db: Database | Transaction, token: string, now: Date): Prisma.HostJoinTokenWhereInput {
  return { hash: sha256(token), revokedAt: null, expiresAt: { gt: now }, used: { lt: db.hostJoinToken.fields.uses } };
}

function invalidToken(): SlipwayError {
  return new SlipwayError('JOIN_TOKEN_INVALID', 'this join token is not known here: it may be mistyped, used up, expired or revoked');
}

async function admit(tx: Transaction, name: string, credentialHash: string, now: Date): Promise<string> {
  const existing = await tx.host.findUnique({ where: { name } });
  const joined = { credentialHash, joinedAt: now, lastSeenAt: now };
  if (existing === null) {
    const id = newId('hst');
    // It has nothing yet, so that nothing is placed on it before its worker has registered.
    await tx.host.create({ data: { id, name, cores: 0, memoryBytes: 0, remote: true, ...joined } });
    return id;
  }
  if (!existing.remote || isLive(existing, now)) {
    throw new SlipwayError('HOST_NAME_TAKEN', `there is a host named "${name}" already: choose another SLIPWAY_HOST_NAME, or remove that one`);
  }
  await tx.host.update({ where: { id: existing.id }, data: joined });
  return existing.id;
}

type Row = Prisma.HostJoinTokenGetPayload<object>;

function toView(row: Row): JoinTokenView {
  return {
    id: row.id,
    hint: row.hint,
    uses: row.uses,
    used: row.used,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    expiresAt: row.expiresAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

function subjectOf(row: Row) {
  return { kind: 'join_token', id: row.id, name: row.hint };
}
