import { type ChangeHost, type HostGpu, type HostView, type Page, type PageQuery, SlipwayError } from '@slipway/contracts';
import {
  type ChangeBy,
  channels,
  type Database,
  decodeCursor,
  newId,
  nudge,
  pageFrom,
  recordEvent,
  type Transaction,
  toJson,
} from '@slipway/platform';
import { databaseNow } from '../rows/database-clock.store.js';
import { isLive } from './host.js';
import { hostViewInclude, toHostView } from './host-rows.js';

/** A host's present holder. A worker that starts takes the lease; one that was thought dead and comes back finds that it lost it. */
export interface HostLease {
  readonly hostId: string;
  readonly startedAt: Date;
}

export interface HostFacts {
  /** The identity of a host that has joined; any other one is known by its name. */
  readonly id?: string | undefined;
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly gpus?: readonly HostGpu[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly version?: string | undefined;
}

/** Hosts: registered and kept alive by their own worker; listed, cordoned, drained and removed by the API. */
export class HostStore {
  constructor(private readonly db: Database) {}

  /**
   * Registers the host, or takes it over from an earlier worker.
   * @throws SlipwayError HOST_NOT_FOUND when a joined host was removed since; HOST_NAME_TAKEN when a joined one is called like this one.
   */
  async register(facts: HostFacts): Promise<HostLease> {
    const now = await databaseNow(this.db);
    const present = {
      cores: facts.cores,
      memoryBytes: facts.memoryBytes,
      gpus: toJson(facts.gpus ?? []),
      labels: toJson(facts.labels ?? {}),
      version: facts.version ?? null,
      lastSeenAt: now,
      startedAt: now,
    };
    const hostId = facts.id === undefined ? await this.registerByName(facts.name, present) : await this.registerJoined(facts.id, present);
    await nudge(this.db, channels.instances);
    return { hostId, startedAt: now };
  }

  private async registerByName(name: string, present: Present): Promise<string> {
    const taken = await this.db.host.findFirst({ where: { name, remote: true }, select: { id: true } });
    if (taken !== null)
      throw new SlipwayError('HOST_NAME_TAKEN', `a host that has joined is called "${name}": set SLIPWAY_HOST_NAME to another name`);
    const row = await this.db.host.upsert({ where: { name }, create: { id: newId('hst'), name, ...present }, update: present });
    return row.id;
  }

  private async registerJoined(id: string, present: Present): Promise<string> {
    const { count } = await this.db.host.updateMany({ where: { id, remote: true }, data: present });
    if (count === 0) throw new SlipwayError('HOST_NOT_FOUND', 'this host was removed: remove its identity file and join with a new token');
    return id;
  }

  /**
   * Says "I am here" on the database's clock.
   * @returns the database's time; undefined when another worker has taken the host over, or the host was removed.
   */
  async heartbeat(lease: HostLease): Promise<Date | undefined> {
    const rows = await this.db.$queryRaw<{ lastSeenAt: Date }[]>`
      update "Host" set "lastSeenAt" = clock_timestamp() at time zone 'UTC'
      where "id" = ${lease.hostId} and "startedAt" = ${lease.startedAt} returning "lastSeenAt"`;
    return rows[0]?.lastSeenAt;
  }

  /** One page, ordered by name. Hosts serve all projects, so every caller sees them all. */
  async list(page: PageQuery): Promise<Page<HostView>> {
    const now = await databaseNow(this.db);
    const after = decodeCursor('hosts', page.cursor);
    const rows = await this.db.host.findMany({
      where: after === undefined ? {} : { name: { gt: after } },
      orderBy: { name: 'asc' },
      take: page.limit + 1,
      include: hostViewInclude,
    });
    return pageFrom(rows, { list: 'hosts', limit: page.limit, positionOf: (row) => row.name, toView: (row) => toHostView(row, now) });
  }

  /** Names and cores by id, for charts of what ran where. */
  async describeAll(): Promise<ReadonlyMap<string, { readonly name: string; readonly cores: number }>> {
    const rows = await this.db.host.findMany({ select: { id: true, name: true, cores: true } });
    return new Map(rows.map(({ id, name, cores }) => [id, { name, cores }]));
  }

  /** @throws SlipwayError HOST_NOT_FOUND */
  async view(name: string): Promise<HostView> {
    return viewOf(this.db, name);
  }

  /**
   * Whether hosts need the artefact with this digest to run what is deployed: a version's own file or one of its further files. Labelled sets,
   * recorded predictions and what batch predictions read and write lie in the same store, and are none of a host's business.
   */
  async mayFetch(digest: string): Promise<boolean> {
    const [row] = await this.db.$queryRaw<{ isRun: boolean }[]>`
      select exists (select 1 from "Revision" where "versionId" in (
        select "id" from "Version" where "digest" = ${digest} union select "versionId" from "VersionFile" where "digest" = ${digest})) as "isRun"`;
    return row?.isRun === true;
  }

  /** Cordons, drains, labels. @throws SlipwayError HOST_NOT_FOUND */
  async change(by: ChangeBy, name: string, change: ChangeHost): Promise<HostView> {
    return this.db.$transaction(async (tx) => {
      await lockHost(tx, name);
      const before = await viewOf(tx, name);
      await tx.host.update({
        where: { name },
        data: {
          ...(change.schedulable === undefined ? {} : { schedulable: change.schedulable }),
          ...(change.drain === undefined ? {} : { draining: change.drain }),
          ...(change.labels === undefined ? {} : { addedLabels: toJson(change.labels) }),
        },
      });
      const after = await viewOf(tx, name);
      await recordEvent(tx, {
        ...by,
        action: 'host.changed',
        subject: { kind: 'host', id: after.id, name },
        reason: change.reason,
        before: wishesOf(before),
        after: wishesOf(after),
      });
      await nudge(tx, channels.instances);
      return after;
    });
  }

  /**
   * Removes a host, its credential with it. Its worker finds that it holds nothing any more. What is left of the rows of a silent host's
   * instances goes along, once nobody wants them to run there.
   * @throws SlipwayError HOST_NOT_FOUND; HOST_IN_USE while it has instances
   */
  async remove(by: ChangeBy, name: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      await lockHost(tx, name);
      const before = await viewOf(tx, name);
      const now = await databaseNow(tx);
      const isSilent = !isLive({ lastSeenAt: new Date(before.lastSeenAt) }, now);
      const running = { hostId: before.id, status: { notIn: ['GONE', 'FAILED'] } };
      const used = await tx.instance.count({ where: { ...running, ...(isSilent ? { wish: 'RUN' } : {}) } });
      if (used > 0) {
        throw new SlipwayError(
          'HOST_IN_USE',
          `host "${name}" has ${used} instance${used === 1 ? '' : 's'}: drain it, and wait until they are replaced`,
        );
      }
      await tx.instance.deleteMany({ where: { hostId: before.id } });
      await tx.host.delete({ where: { id: before.id } });
      await recordEvent(tx, { ...by, action: 'host.removed', subject: { kind: 'host', id: before.id, name }, before });
      await nudge(tx, channels.instances);
      await nudge(tx, channels.routing);
    });
  }
}

type Present = Pick<Required<HostFacts>, 'cores' | 'memoryBytes'> & {
  readonly gpus: ReturnType<typeof toJson>;
  readonly labels: ReturnType<typeof toJson>;
  readonly version: string | null;
  readonly lastSeenAt: Date;
  readonly startedAt: Date;
};

/** The planner inserts instances under a share of this row, by their foreign key: none comes while it is held. */
async function lockHost(tx: Transaction, name: string): Promise<void> {
  await tx.$executeRaw`select 1 from "Host" where "name" = ${name} for update`;
}

async function viewOf(db: Transaction, name: string): Promise<HostView> {
  const row = await db.host.findUnique({ where: { name }, include: hostViewInclude });
  if (row === null) throw new SlipwayError('HOST_NOT_FOUND', `there is no host named "${name}"`);
  return toHostView(row, await databaseNow(db));
}

function wishesOf({ schedulable, drain, labels }: HostView) {
  return { schedulable, drain, labels };
}
