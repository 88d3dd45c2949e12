import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EventView } from '@slipway/contracts';
import { channels } from '@slipway/platform';
import { Platform } from '../platform.js';
import { eventsAfter, lastSequence, toEventView } from './event.store.js';

type Listener = (message: { readonly event: string; readonly view?: EventView }) => void;

/** Sequence numbers are taken before the commit, so a lower one can appear after a higher one: look this far back each time. */
const lookBack = 100n;
const pollMs = 2_000;

/** Reads the event table once for all open streams and tells each what is new in its project. */
@Injectable()
export class EventHub implements OnModuleInit {
  private readonly listeners = new Map<Listener, string>();
  private readonly closers = new Set<() => void>();
  private seen = new Set<bigint>();
  private position: bigint | undefined;
  private reading = false;
  private again = false;

  constructor(private readonly platform: Platform) {}

  onModuleInit(): void {
    const { nudges, shutdown } = this.platform;
    const stops = [
      nudges.on(channels.events, () => void this.read()),
      nudges.on(channels.routing, () => this.tellAll('routing')),
      nudges.on(channels.instances, () => this.tellAll('instances')),
      nudges.on(channels.alerts, () => this.tellAll('alerts')),
    ];
    const timer = setInterval(() => void this.read(), pollMs);
    shutdown.add('event hub', () => {
      clearInterval(timer);
      for (const stop of stops) stop();
    });
    void this.read();
  }

  /** Calls `listener` for each new event of the project; returns the function that ends it. */
  subscribe(projectId: string, listener: Listener): () => void {
    this.listeners.set(listener, projectId);
    return () => this.listeners.delete(listener);
  }

  /** Ends the streams, so that the process can leave; browsers come back by themselves. */
  close(): void {
    for (const close of this.closers) close();
  }

  /** Calls `close` when the streams are to end; returns the function that takes it back. */
  onClose(close: () => void): () => void {
    this.closers.add(close);
    return () => this.closers.delete(close);
  }

  private tellAll(event: string): void {
    for (const listener of this.listeners.keys()) listener({ event });
  }

  private async read(): Promise<void> {
    if (this.reading) {
      this.again = true;
      return;
    }
    this.reading = true;
    try {
      await this.readNew();
    } catch (error) {
      this.platform.log.warn({ err: error }, 'events not read');
    } finally {
      this.reading = false;
    }
    if (!this.again) return;
    this.again = false;
    await this.read();
  }

  private async readNew(): Promise<void> {
    const { prisma } = this.platform.db;
    if (this.position === undefined) {
      this.position = await lastSequence(prisma);
      this.seen = new Set((await eventsAfter(prisma, this.position - lookBack, 1_000)).map((row) => row.sequence));
      return;
    }
    const rows = await eventsAfter(prisma, this.position - lookBack, 1_000);
    for (const row of rows) {
      if (this.seen.has(row.sequence)) continue;
      this.seen.add(row.sequence);
      if (row.sequence > this.position) this.position = row.sequence;
      const view = toEventView(row);
      for (const [listener, projectId] of this.listeners) if (projectId === row.projectId) listener({ event: row.action, view });
    }
    const oldest = this.position - lookBack;
    for (const sequence of this.seen) if (sequence <= oldest) this.seen.delete(sequence);
  }
}
