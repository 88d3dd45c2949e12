import { Injectable } from '@nestjs/common';
import { channels, Prisma } from '@slipway/platform';
import { Platform } from '../platform.js';
import { Jobs } from './jobs.js';

const batch = 100;
const pollMs = 1_000;
/** Published rows are kept this long for people who look for what happened. */
const keepMs = 3_600_000;

interface Row {
  readonly id: bigint;
  readonly queue: string;
  readonly name: string;
  readonly jobId: string;
  readonly payload: unknown;
}

/** Carries outbox rows to the queue: at least once, in order of their ids, by one relay at a time. */
@Injectable()
export class OutboxRelay {
  private running = false;
  private again = false;
  private closed = false;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {}

  start(): void {
    const stop = this.platform.nudges.on(channels.outbox, () => void this.relay());
    const timer = setInterval(() => void this.relay(), pollMs);
    const cleaner = setInterval(() => void this.clean(), 60_000);
    this.platform.shutdown.add('outbox relay', () => {
      this.closed = true;
      stop();
      clearInterval(timer);
      clearInterval(cleaner);
    });
    void this.relay();
  }

  private async relay(): Promise<void> {
    if (this.running || this.closed) {
      this.again = true;
      return;
    }
    this.running = true;
    try {
      do {
        this.again = false;
        while (!this.closed && (await this.relayBatch()) === batch);
      } while (this.again && !this.closed);
    } catch (error) {
      if (!this.closed) this.platform.log.warn({ err: error }, 'outbox not relayed');
    } finally {
      this.running = false;
    }
  }

  /** Rows locked by another relay are skipped; a crash between publishing and marking publishes again, under the same job id. */
  private async relayBatch(): Promise<number> {
    return this.platform.db.prisma.$transaction(async (tx) => {
      const rows = await tx.$queryRaw<
        Row[]
      >`select "id", "queue", "name", "jobId", "payload" from "OutboxMessage" where "publishedAt" is null order by "id" limit ${batch} for update skip locked`;
      for (const row of rows) await this.jobs.publish(row);
      if (rows.length > 0)
        await tx.$executeRaw`update "OutboxMessage" set "publishedAt" = now() where "id" in (${Prisma.join(rows.map((row) => row.id))})`;
      return rows.length;
    });
  }

  private async clean(): Promise<void> {
    try {
      await this.platform.db.prisma.outboxMessage.deleteMany({ where: { publishedAt: { lt: new Date(Date.now() - keepMs) } } });
      await this.platform.db.prisma.idempotencyKey.deleteMany({ where: { createdAt: { lt: new Date(Date.now() - 24 * 3_600_000) } } });
    } catch (error) {
      this.platform.log.warn({ err: error }, 'outbox not cleaned');
    }
  }
}
