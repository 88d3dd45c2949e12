import type { QuotaLimits, QuotaPolicy, QuotaResource } from '@slipway/contracts';
import { type ListNode, RankedList } from '@slipway/inference';
import { dueUnder, nextDue, type Pace, paceOf, paceWaitMs } from './quota-pace.js';

/** A request before a gate. */
export interface GateGuest {
  readonly rank: number;
  /** ms, monotonic. */
  readonly deadlineAt: number;
  /** What it holds in memory while it waits. */
  readonly bodyBytes: number;
  /** Its place in a queue, while it waits. */
  place: ListNode<GateGuest> | undefined;
  /** It is through this gate. */
  onThrough(): void;
}

export type GateAnswer = { readonly kind: 'through' } | { readonly kind: 'waiting' } | GateRefusal;
export interface GateRefusal {
  readonly kind: 'refused';
  readonly resource: Extract<QuotaResource, 'requestsPerSecond' | 'concurrency'>;
  readonly limit: number;
  readonly waitSeconds: number;
}

/** Requests that wait at one gate, and what they hold in memory together: a tenant over its limit must not use up what others need. */
export const gateWaitingMax = 1_024;
export const gateBytesMax = 64 * 1024 * 1024;

const through: GateAnswer = { kind: 'through' };
const waiting: GateAnswer = { kind: 'waiting' };

/** The limits of one project or deployment on its predictions: a rate and how many at a time. Outlives changes of the quota. */
export class QuotaGate {
  /** How often it refused, by resource, since the start. */
  readonly refusals = { requestsPerSecond: 0, concurrency: 0 };
  private limits: QuotaLimits = {};
  private policy: QuotaPolicy = 'refuse';
  private pace: Pace | undefined;
  private dueAt = 0;
  private running = 0;
  private waitingBytes = 0;
  private readonly waiting = new RankedList<GateGuest>();
  private timer: NodeJS.Timeout | undefined;
  private isPumping = false;
  private readonly seconds = { at: 0, last: 0, present: 0 };

  /** Takes new limits; none at all lets everybody through who waits. What was let in under the old ones stays counted. */
  configure(limits: QuotaLimits, policy: QuotaPolicy, now: number): void {
    const { requestsPerSecond: rate, burst } = limits;
    const next = rate === undefined ? undefined : paceOf(rate, burst, policy === 'throttle');
    this.dueAt = this.pace === undefined || next === undefined ? now : dueUnder(this.pace, next, this.dueAt, now);
    this.pace = next;
    this.limits = limits;
    this.policy = policy;
    this.pump(now);
  }

  /** Predictions under way. */
  get inside(): number {
    return this.running;
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Let in within the last whole second. */
  perSecond(now: number): number {
    this.turnSecond(now);
    return this.seconds.last;
  }

  /** Lets a request through, keeps it until it may go, or refuses it. */
  enter(guest: GateGuest, now: number): GateAnswer {
    if (this.waiting.sizeUpTo(guest.rank) === 0 && this.hasRoom(now)) {
      this.take(now);
      return through;
    }
    if (this.policy === 'refuse') return this.refuse(now, 0);
    const ahead = this.waiting.sizeUpTo(guest.rank);
    const isFull = this.waiting.size >= gateWaitingMax || this.waitingBytes + guest.bodyBytes > gateBytesMax;
    if (isFull || now + this.waitMs(now, ahead) > guest.deadlineAt) return this.refuse(now, ahead);
    guest.place = this.waiting.push(guest);
    this.waitingBytes += guest.bodyBytes;
    this.arm(now);
    return waiting;
  }

  /** A request that waits is over. */
  withdraw(guest: GateGuest): void {
    if (guest.place?.isListed !== true) return;
    this.waiting.remove(guest.place);
    this.waitingBytes -= guest.bodyBytes;
    guest.place = undefined;
  }

  /** A request that was let through is over. @param isUnused it got no further, so it does not count. */
  leave(isUnused: boolean, now: number): void {
    this.running -= 1;
    if (isUnused && this.pace !== undefined) this.dueAt -= this.pace.intervalMs;
    this.pump(now);
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private hasRoom(now: number): boolean {
    const { concurrency } = this.limits;
    if (concurrency !== undefined && this.running >= concurrency) return false;
    return this.pace === undefined || paceWaitMs(this.pace, this.dueAt, now) === 0;
  }

  private take(now: number): void {
    this.running += 1;
    if (this.pace !== undefined) this.dueAt = nextDue(this.pace, this.dueAt, now);
    this.turnSecond(now);
    this.seconds.present += 1;
  }

  /** Lets in whoever may go now. One that ends at once frees its place while this runs; the loop sees it, without going deeper. */
  private pump(now: number): void {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      for (let guest = this.waiting.first; guest !== undefined && this.hasRoom(now); guest = this.waiting.first) {
        this.withdraw(guest);
        this.take(now);
        guest.onThrough();
      }
    } finally {
      // Whatever becomes of one guest, the gate stays open for the others.
      this.isPumping = false;
      this.arm(now);
    }
  }

  /** Wakes when the rate lets the next one in; whoever leaves wakes those that wait for a place. */
  private arm(now: number): void {
    if (this.timer !== undefined || this.waiting.size === 0 || this.pace === undefined) return;
    const wait = paceWaitMs(this.pace, this.dueAt, now);
    if (wait === 0) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.pump(performance.now());
    }, wait);
  }

  /** The wait that the rate alone makes, behind so many others. */
  private waitMs(now: number, ahead: number): number {
    return this.pace === undefined ? 0 : paceWaitMs(this.pace, this.dueAt, now) + ahead * this.pace.intervalMs;
  }

  private refuse(now: number, ahead: number): GateRefusal {
    const { requestsPerSecond, concurrency } = this.limits;
    const isRate = this.pace !== undefined && (concurrency === undefined || this.running < concurrency);
    const resource = isRate ? 'requestsPerSecond' : 'concurrency';
    this.refusals[resource] += 1;
    return { kind: 'refused', resource, limit: (isRate ? requestsPerSecond : concurrency) ?? 0, waitSeconds: this.waitMs(now, ahead) / 1000 };
  }

  private turnSecond(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.seconds.at) return;
    this.seconds.last = second === this.seconds.at + 1 ? this.seconds.present : 0;
    this.seconds.present = 0;
    this.seconds.at = second;
  }
}
