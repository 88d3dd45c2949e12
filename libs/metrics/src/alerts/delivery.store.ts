import { type DeliveryView, type Page, type PageQuery, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, enqueue, newId, pageFrom, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { deliverNotification } from './deliver-notification.job.js';
import type { HookNotice } from './hook-notice.js';
import type { WebhookPayload } from './webhook-payload.js';

export interface NewDelivery {
  readonly projectId: string;
  readonly receiverId: string;
  readonly alertId: string | null;
  /** Names the notice; also the webhook-id and the Message-ID. */
  readonly key: string;
  readonly kind: DeliveryView['kind'];
  readonly payload: WebhookPayload | HookNotice;
}

/** A delivery that this process may attempt now. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly projectId: string;
  readonly key: string;
  readonly kind: string;
  readonly payload: unknown;
  /** Counting this one. */
  readonly attempts: number;
  readonly rowVersion: number;
  readonly receiver: {
    readonly id: string;
    readonly kind: string;
    readonly settings: unknown;
    readonly secretSealed: string | null;
    readonly enabled: boolean;
  };
  readonly alert: { readonly state: string; readonly resolvedAt: Date | null; readonly firingAt: Date | null } | null;
}

/** How an attempt ended. */
export interface AttemptResult {
  readonly status: 'DELIVERED' | 'PENDING' | 'DEAD';
  readonly retryInMs?: number;
  readonly error?: string;
  readonly responseCode?: number;
  readonly durationMs?: number;
}

/** Longer than any attempt takes: the sweep finds a delivery again whose process was killed in between. */
const leaseSeconds = 60;
const sweepBatch = 100;

/** Writes notices and their first jobs in the transaction of what they tell of. A notice that exists already is left as it is. */
export async function createDeliveries(tx: Transaction, deliveries: readonly NewDelivery[]): Promise<void> {
  for (const delivery of deliveries) {
    const id = newId('dlv');
    const { count } = await tx.delivery.createMany({ data: [{ ...delivery, id, payload: toJson(delivery.payload) }], skipDuplicates: true });
    if (count === 1) await enqueue(tx, deliverNotification, { deliveryId: id }, jobIdOf(id, 0));
  }
}

function jobIdOf(id: string, attempts: number): string {
  return `deliver.${id}.${attempts}`;
}

const include = { receiver: { select: { name: true } } } as const;
type Row = NonNullable<Awaited<ReturnType<DeliveryStore['read']>>>;

/** Deliveries: a log of every notice, and the queue of those that are not yet through. Times are the database's. */
export class DeliveryStore {
  constructor(private readonly db: Database) {}

  /**
   * Takes a delivery for one attempt, if it is due and nobody else has it.
   * The lease is the time of the next attempt: a process that dies in between loses it, and the sweep finds the delivery again.
   */
  async claim(deliveryId: string): Promise<ClaimedDelivery | undefined> {
    const taken = await this.db.$executeRaw`
      update "Delivery" set "attempts" = "attempts" + 1, "rowVersion" = "rowVersion" + 1,
        "nextAttemptAt" = (now() at time zone 'UTC') + make_interval(secs => ${leaseSeconds}::integer)
      where "id" = ${deliveryId} and "status" = 'PENDING' and "nextAttemptAt" <= (now() at time zone 'UTC')`;
    if (taken === 0) return undefined;
    const select = { state: true, resolvedAt: true, firingAt: true };
    const row = await this.db.delivery.findUnique({ where: { id: deliveryId }, include: { receiver: true, alert: { select } } });
    return row ?? undefined;
  }

  /** Writes how an attempt ended; false when somebody else has taken the delivery meanwhile. */
  async finish(claimed: Pick<ClaimedDelivery, 'id' | 'rowVersion'>, result: AttemptResult): Promise<boolean> {
    const written = await this.db.$executeRaw`
      update "Delivery" set "status" = ${result.status}, "rowVersion" = "rowVersion" + 1, "lastError" = ${result.error ?? null},
        "responseCode" = ${result.responseCode ?? null}::integer, "durationMs" = ${result.durationMs ?? null}::integer,
        "nextAttemptAt" = (now() at time zone 'UTC') + make_interval(secs => ${(result.retryInMs ?? 0) / 1000}::double precision),
        "deliveredAt" = case when ${result.status} = 'DELIVERED' then now() at time zone 'UTC' end
      where "id" = ${claimed.id} and "rowVersion" = ${claimed.rowVersion}`;
    return written === 1;
  }

  /** Enqueues what is due; returns how many. */
  async sweep(): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const due = await tx.$queryRaw<{ id: string; attempts: number }[]>`
        select "id", "attempts" from "Delivery" where "status" = 'PENDING' and "nextAttemptAt" <= (now() at time zone 'UTC') - interval '1 second'
        order by "nextAttemptAt" limit ${sweepBatch} for update skip locked`;
      for (const { id, attempts } of due) await enqueue(tx, deliverNotification, { deliveryId: id }, jobIdOf(id, attempts));
      return due.length;
    });
  }

  /** One page, the newest first. */
  async list(projectId: string, page: PageQuery & { readonly receiver?: string | undefined }): Promise<Page<DeliveryView>> {
    const list = `deliveries:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    const rows = await this.db.delivery.findMany({
      where: {
        projectId,
        ...(after === undefined ? {} : { id: { lt: after } }),
        ...(page.receiver === undefined ? {} : { receiver: { name: page.receiver } }),
      },
      orderBy: { id: 'desc' },
      take: page.limit + 1,
      include,
    });
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.id, toView: toDeliveryView });
  }

  async get(projectId: string, id: string): Promise<DeliveryView> {
    const row = await this.read(projectId, id);
    if (row === null) throw noDelivery(id);
    return toDeliveryView(row);
  }

  /** Sends a notice again from the beginning of its schedule, under the same id. @throws DELIVERY_NOT_FOUND */
  async replay(by: ChangeBy, id: string): Promise<DeliveryView> {
    return this.db.$transaction(async (tx) => {
      const row = await tx.delivery.findFirst({ where: { id, projectId: by.projectId }, include });
      if (row === null) throw noDelivery(id);
      const restarted = await tx.delivery.update({
        where: { id },
        data: { status: 'PENDING', attempts: 0, nextAttemptAt: new Date(0), deliveredAt: null, rowVersion: { increment: 1 } },
        include,
      });
      const subject = { kind: 'delivery', id, name: row.receiver.name };
      await recordEvent(tx, { ...by, action: 'delivery.replayed', subject, before: statusOf(row), after: statusOf(restarted) });
      await enqueue(tx, deliverNotification, { deliveryId: id }, jobIdOf(id, restarted.rowVersion));
      return toDeliveryView(restarted);
    });
  }

  private read(projectId: string, id: string) {
    return this.db.delivery.findFirst({ where: { id, projectId }, include });
  }
}

function statusOf({ status, attempts }: { status: string; attempts: number }) {
  return { status, attempts };
}

function noDelivery(id: string): SlipwayError {
  return new SlipwayError('DELIVERY_NOT_FOUND', `There is no delivery "${id.slice(0, 64)}" in this project.`);
}

function toDeliveryView(row: Row): DeliveryView {
  return {
    id: row.id,
    receiver: row.receiver.name,
    // Written by `createDeliveries` and `finish` alone, whose types are those of the view.
    kind: row.kind as DeliveryView['kind'],
    status: row.status as DeliveryView['status'],
    attempts: row.attempts,
    nextAttemptAt: row.status === 'PENDING' ? row.nextAttemptAt.toISOString() : null,
    lastError: row.lastError,
    responseCode: row.responseCode,
    durationMs: row.durationMs,
    createdAt: row.createdAt.toISOString(),
    deliveredAt: row.deliveredAt?.toISOString() ?? null,
    alertId: row.alertId,
  };
}
