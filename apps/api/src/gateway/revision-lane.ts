import { pickInstance, type RoutingRevision } from '@slipway/deployments';
import { EntryList } from './entry-list.js';
import type { InstanceLink } from './instance-link.js';
import type { RoutedEntry } from './routed-entry.js';

/** For this long after the last instance was lost, requests wait for its restart instead of failing at once. */
export const graceMs = 2_000;

/**
 * The way to one revision: its instances and the bounded queue before them. The queue is held here and not in the instances, so that a
 * request can still be given up, reordered or sent elsewhere while it waits; an instance holds only what keeps it busy.
 */
export class RevisionLane {
  private links: readonly InstanceLink[] = [];
  private ready: readonly InstanceLink[] = [];
  private readonly waiting = new EntryList<RoutedEntry>();
  private everReady = false;
  private graceUntil = performance.now() + graceMs;
  private graceTimer: NodeJS.Timeout | undefined;

  constructor(public revision: RoutingRevision) {}

  get readyCount(): number {
    return this.ready.length;
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  get hasInstances(): boolean {
    return this.links.length > 0;
  }

  update(revision: RoutingRevision, links: readonly InstanceLink[]): void {
    this.revision = revision;
    this.links = links;
    for (const link of links) {
      link.onChange = () => this.refresh();
      link.onRoom = () => this.pump();
    }
    this.refresh();
  }

  /** Sends the request on, keeps it until there is room, or refuses it; one of the three happens before this returns. */
  offer(entry: RoutedEntry): void {
    if (this.waiting.size === 0) {
      const link = pickInstance(this.ready, performance.now(), Math.random);
      if (link !== undefined) {
        entry.send(link, this.revision);
        return;
      }
    }
    if (this.ready.length === 0 && (this.links.length === 0 || performance.now() >= this.graceUntil)) {
      entry.refuse('not_ready', this.revision, 1);
      return;
    }
    if (this.waiting.size >= this.revision.maxQueue) {
      entry.refuse('queue_full', this.revision, this.predictedWaitSeconds());
      return;
    }
    entry.place = this.waiting.push(entry);
    entry.queue = this;
    this.armGrace();
  }

  /** Takes a waiting request out; it was answered or given up otherwise. */
  withdraw(entry: RoutedEntry): void {
    if (entry.place !== undefined) this.waiting.remove(entry.place);
    entry.place = undefined;
    entry.queue = undefined;
  }

  /** Sends on what waits, as far as there is room; after every answer and whenever an instance becomes usable. */
  pump(): void {
    while (this.waiting.size > 0) {
      const link = pickInstance(this.ready, performance.now(), Math.random);
      if (link === undefined) return;
      const entry = this.waiting.shift();
      if (entry === undefined) return;
      this.withdraw(entry);
      entry.send(link, this.revision);
    }
  }

  /** Empties the queue; whoever calls this finds the requests another place. */
  takeWaiting(): RoutedEntry[] {
    const entries = [...this.waiting];
    for (const entry of entries) this.withdraw(entry);
    clearTimeout(this.graceTimer);
    this.graceTimer = undefined;
    return entries;
  }

  /**
   * Usable are the instances that answer now and were proven by their worker. A revision that was served before also takes an instance
   * that answers but is not (yet again) proven: it came back in place, and the note about it may be late while the database is away.
   */
  private refresh(): void {
    const live = this.links.filter((link) => link.isLive);
    const proven = live.filter((link) => link.isProven);
    const usable = proven.length > 0 || !this.everReady ? proven : live;
    if (usable.length === 0 && this.ready.length > 0) this.graceUntil = performance.now() + graceMs;
    this.ready = usable;
    if (usable.length === 0) {
      this.armGrace();
      return;
    }
    this.everReady = true;
    clearTimeout(this.graceTimer);
    this.graceTimer = undefined;
    this.pump();
  }

  private armGrace(): void {
    if (this.graceTimer !== undefined || this.ready.length > 0 || this.waiting.size === 0) return;
    const leftMs = this.links.length === 0 ? 0 : Math.max(0, this.graceUntil - performance.now());
    this.graceTimer = setTimeout(() => {
      this.graceTimer = undefined;
      for (const entry of this.takeWaiting()) entry.refuse('not_ready', this.revision, 1);
    }, leftMs);
  }

  private predictedWaitSeconds(): number {
    const perRequestMicros = Math.max(1, ...this.ready.map((link) => link.computeMicros)) / Math.max(1, this.ready.length);
    return Math.max(1, Math.ceil((this.waiting.size * perRequestMicros) / 1e6));
  }
}
