import { pickInstance, type RoutingRevision } from '@slipway/deployments';
import { isBackground, RankedList } from '@slipway/inference';
import type { InstanceLink } from './instance-link.js';
import { predictWait } from './predict-wait.js';
import { Quarantine } from './quarantine.js';
import type { RoutedEntry } from './routed-entry.js';

/** For this long after the last instance was lost, requests wait for its restart instead of failing at once. */
export const graceMs = 2_000;

/**
 * The way to one revision: its instances and the bounded queue before them. The queue is held here and not in the instances, so that a
 * request can still be given up, overtaken or sent elsewhere while it waits; an instance holds only what keeps it busy.
 */
export class RevisionLane {
  /** Inputs that end instances of this revision. */
  readonly quarantine = new Quarantine();
  private links: readonly InstanceLink[] = [];
  private ready: readonly InstanceLink[] = [];
  private readonly waiting = new RankedList<RoutedEntry>();
  private everReady = false;
  private provenIds: ReadonlySet<string> = new Set();
  private graceUntil = performance.now() + graceMs;
  private graceTimer: NodeJS.Timeout | undefined;

  /** Told when a process of it ended while it served. */
  onCrash: () => void = () => undefined;
  /** Told when the last usable instance was lost. */
  onLost: () => void = () => undefined;

  constructor(public revision: RoutingRevision) {}

  get readyCount(): number {
    return this.ready.length;
  }

  /** Instances that can answer now. */
  get readyLinks(): readonly InstanceLink[] {
    return this.ready;
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Whether a request waits that somebody waits for. */
  get hasCallersWaiting(): boolean {
    return this.waiting.size > 0 && this.waiting.first !== undefined && !isBackground(this.waiting.first.rank);
  }

  get hasInstances(): boolean {
    return this.links.length > 0;
  }

  update(revision: RoutingRevision, links: readonly InstanceLink[]): void {
    this.revision = revision;
    this.links = links;
    this.noteProven();
    for (const link of links) {
      link.onChange = () => this.refresh();
      link.onRoom = () => this.pump();
      link.onCrash = () => this.onCrash();
      link.quarantine = this.quarantine;
    }
    this.refresh();
  }

  /**
   * An instance that its worker has just proven may be one that this gateway's own connection has not reached yet; what comes for it meanwhile,
   * maybe all traffic at once, waits as for one that was lost.
   */
  private noteProven(): void {
    const before = this.provenIds;
    this.provenIds = new Set(this.links.filter((link) => link.isProven).map((link) => link.instanceId));
    for (const id of this.provenIds) if (!before.has(id)) this.graceUntil = performance.now() + graceMs;
  }

  /** Sends the request on, keeps it until there is room, or refuses it; one of the three happens before this returns. */
  offer(entry: RoutedEntry): void {
    const now = performance.now();
    if (!this.quarantine.isEmpty && this.quarantine.holds(entry.fingerprint, now)) {
      entry.refuse({ kind: 'quarantined' }, this.revision);
      return;
    }
    // Of those that wait, only the ones before it count: background work waits for an idle instance, not for a place.
    if (this.waiting.size === 0 || this.waiting.sizeUpTo(entry.rank) === 0) {
      const link = this.pick(entry, now);
      if (link !== undefined) {
        entry.send(link, this.revision);
        return;
      }
    }
    if (this.ready.length === 0 && (this.links.length === 0 || now >= this.graceUntil)) entry.refuse({ kind: 'not_ready' }, this.revision);
    else this.queueUp(entry, now);
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
      const now = performance.now();
      const entry = this.waiting.first;
      const link = entry === undefined ? undefined : this.pick(entry, now);
      if (entry === undefined || link === undefined) return;
      this.withdraw(entry);
      // A run whose answer nobody will wait for must not start; the request's own timer says the same a little later.
      if (now + link.runMicros / 1e3 >= entry.deadlineAt) entry.onDeadline();
      else entry.send(link, this.revision);
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

  private queueUp(entry: RoutedEntry, now: number): void {
    const wait = predictWait(this.waiting.sizeUpTo(entry.rank), this.ready);
    const isTooLong = !isBackground(entry.rank) && wait.ms > wait.patienceMs;
    if (isTooLong || wait.untilAnswerMs > entry.deadlineAt - now) {
      entry.refuse({ kind: 'too_late', waitSeconds: wait.ms / 1e3 }, this.revision);
      return;
    }
    if (this.waiting.size >= this.revision.maxQueue && !this.makeRoom(entry.rank, wait.ms / 1e3)) {
      entry.refuse({ kind: 'queue_full', waitSeconds: wait.ms / 1e3 }, this.revision);
      return;
    }
    entry.place = this.waiting.push(entry);
    entry.queue = this;
    this.armGrace();
  }

  /** The newest of those that would be served last gives way to a request that goes before it. */
  private makeRoom(rank: number, waitSeconds: number): boolean {
    const last = this.waiting.lastBehind(rank);
    if (last === undefined) return false;
    this.withdraw(last);
    last.refuse({ kind: 'displaced', waitSeconds }, this.revision);
    return true;
  }

  /** Background work starts only in an instance that has nothing else to do, so a live request never waits behind more than one piece of it. */
  private pick(entry: RoutedEntry, now: number): InstanceLink | undefined {
    if (!isBackground(entry.rank)) return pickInstance(this.ready, now, Math.random);
    return this.ready.find((link) => link.isIdle && entry.accepts?.(link) !== false);
  }

  /**
   * Usable are the instances that answer now and were proven by their worker. A revision that was served before also takes an instance
   * that answers but is not (yet again) proven: it came back in place, and the note about it may be late while the database is away.
   */
  private refresh(): void {
    const live = this.links.filter((link) => link.isLive);
    const proven = live.filter((link) => link.isProven);
    const usable = proven.length > 0 || !this.everReady ? proven : live;
    const isLost = usable.length === 0 && this.ready.length > 0;
    if (isLost) this.graceUntil = performance.now() + graceMs;
    this.ready = usable;
    if (usable.length === 0) {
      if (isLost) this.onLost();
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
      for (const entry of this.takeWaiting()) entry.refuse({ kind: 'not_ready' }, this.revision);
    }, leftMs);
  }
}
