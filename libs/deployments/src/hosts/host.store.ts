import type { HostView, Page, PageQuery } from '@slipway/contracts';
import { channels, type Database, decodeCursor, newId, nudge, pageFrom } from '@slipway/platform';
import { databaseNow } from '../rows/database-clock.store.js';
import { isLive } from './host.js';

/** A host's present holder. A worker that starts takes the lease; one that was thought dead and comes back finds that it lost it. */
export interface HostLease {
  readonly hostId: string;
  readonly startedAt: Date;
}

export interface HostFacts {
  /** The identity this host has had, if any; a known name keeps the identity it has in the database. */
  readonly id?: string | undefined;
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** Hosts: registered and kept alive by their own worker, listed by the API. */
export class HostStore {
  constructor(private readonly db: Database) {}

  /** Registers the host, or takes it over from an earlier worker. */
  async register(facts: HostFacts): Promise<HostLease> {
    const now = await databaseNow(this.db);
    const present = { cores: facts.cores, memoryBytes: facts.memoryBytes, lastSeenAt: now, startedAt: now };
    const id = facts.id ?? newId('hst');
    const row = await this.db.host.upsert({ where: { name: facts.name }, create: { id, name: facts.name, ...present }, update: present });
    await nudge(this.db, channels.instances);
    return { hostId: row.id, startedAt: row.startedAt };
  }

  /** Says "I am here" on the database's clock. @returns false when another worker has taken the host over. */
  async heartbeat(lease: HostLease): Promise<boolean> {
    const lastSeenAt = await databaseNow(this.db);
    const { count } = await this.db.host.updateMany({ where: { id: lease.hostId, startedAt: lease.startedAt }, data: { lastSeenAt } });
    return count === 1;
  }

  /** One page, ordered by name. Hosts serve all projects, so every caller sees them all. */
  async list(page: PageQuery): Promise<Page<HostView>> {
    const now = await databaseNow(this.db);
    const after = decodeCursor('hosts', page.cursor);
    const rows = await this.db.host.findMany({
      where: after === undefined ? {} : { name: { gt: after } },
      orderBy: { name: 'asc' },
      take: page.limit + 1,
      include: { instances: { where: { status: { notIn: ['GONE', 'FAILED'] } }, select: { threads: true } } },
    });
    return pageFrom(rows, {
      list: 'hosts',
      limit: page.limit,
      positionOf: (row) => row.name,
      toView: (row) => ({
        id: row.id,
        name: row.name,
        cores: row.cores,
        memoryBytes: Number(row.memoryBytes),
        lastSeenAt: row.lastSeenAt.toISOString(),
        live: isLive(row, now),
        instances: row.instances.length,
        threads: row.instances.reduce((sum, { threads }) => sum + (threads ?? 0), 0),
      }),
    });
  }
}
