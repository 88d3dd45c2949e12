import { EventEmitter } from 'node:events';
import { Client } from 'pg';
import type { Logger } from '../logging/logger.js';

/** Channels of PostgreSQL's LISTEN/NOTIFY. A nudge says "look again"; it carries no state and may be lost: every listener polls as well. */
export const channels = {
  outbox: 'slipway_outbox',
  events: 'slipway_events',
  routing: 'slipway_routing',
  instances: 'slipway_instances',
  access: 'slipway_access',
  alerts: 'slipway_alerts',
  quotas: 'slipway_quotas',
} as const;
export type Channel = (typeof channels)[keyof typeof channels];

interface NotifySource {
  $executeRaw(query: TemplateStringsArray, ...values: unknown[]): PromiseLike<unknown>;
}

/** Sends a nudge; inside a transaction it goes out at commit, so a listener that looks again sees the change. */
export async function nudge(tx: NotifySource, channel: Channel): Promise<void> {
  await tx.$executeRaw`select pg_notify(${channel}, '')`;
}

/** One listening connection per process; reconnects by itself and then nudges everybody once, since nudges may have been missed. */
export class Nudges {
  private readonly emitter = new EventEmitter();
  private client: Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private delayMs = 200;

  constructor(
    private readonly url: string,
    private readonly log: Logger,
  ) {
    this.emitter.setMaxListeners(100);
  }

  /** Calls `listener` for each nudge; returns the function that ends it. */
  on(channel: Channel, listener: () => void): () => void {
    this.emitter.on(channel, listener);
    return () => this.emitter.off(channel, listener);
  }

  /** Starts to listen; a database that is away is tried again in the background. */
  async start(): Promise<void> {
    await this.connect();
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== undefined) clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client({ connectionString: this.url, keepAlive: true, connectionTimeoutMillis: 5_000 });
    let over = false;
    const again = () => {
      if (over) return;
      over = true;
      client.end().catch(() => undefined);
      this.retry();
    };
    client.on('error', again);
    client.on('end', again);
    client.on('notification', (message) => this.emitter.emit(message.channel));
    try {
      await client.connect();
      for (const channel of Object.values(channels)) await client.query(`listen ${channel}`);
      this.client = client;
      this.delayMs = 200;
      for (const channel of Object.values(channels)) this.emitter.emit(channel);
    } catch (error) {
      this.log.warn({ err: error }, 'nudges not connected');
      again();
    }
  }

  private retry(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => void this.connect(), this.delayMs);
    this.timer.unref();
    this.delayMs = Math.min(this.delayMs * 2, 3_000);
  }
}
