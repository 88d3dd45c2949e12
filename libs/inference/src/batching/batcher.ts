import type { CostModel } from './cost-model.js';
import type { Ranked, RankedList } from './ranked-list.js';

/** A request as the batcher sees it. Times in ms on one monotonic clock. */
export interface Joinable extends Ranked {
  readonly rows: number;
  /** Only requests with equal keys fit into one run. */
  readonly key: string;
  /** It must not share a run with others. */
  readonly alone: boolean;
  readonly arrivedAt: number;
  readonly deadlineAt: number;
}

export interface BatchLimits {
  /** Rows of a joined run; a single request with more runs by itself. 1: nothing is joined. */
  readonly maxRows: number;
  readonly maxDelayMs: number;
  /** Time in the instance that requests should stay under. */
  readonly latencyTargetMs: number | undefined;
}

export type BatchDecision<T> =
  | { readonly kind: 'idle' }
  /** More may come that is worth waiting for; decide again then, or when something arrives. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'run'; readonly group: readonly T[]; readonly rows: number };

/** Timers are no finer than this, so shorter waits are not worth planning. */
const timerMs = 1;
/** Weight of the newest gap in the moving mean of gaps between arrivals. */
const smoothing = 0.05;
/** Above this share of the time that requests run by themselves would need, joining is needed to keep up. */
const busyShare = 0.5;
/** After so many mean gaps without an arrival nothing more is expected to come soon. */
const gapsUntilQuiet = 4;
/** How far behind the first request others are looked for, in groups: bounds the cost of a queue full of what does not fit. */
const lookAhead = 4;

const idle = { kind: 'idle' } as const;

/**
 * Decides what runs next: the first request and what fits with it, or a little more waiting. It waits only when requests come so often that
 * running them one by one would not keep up, when the fixed cost saved is more than a timer's tick, and never past the delay, the latency
 * target or a deadline.
 */
export class Batcher<T extends Joinable> {
  private meanGapMs = Number.POSITIVE_INFINITY;
  private lastArrivalAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly limits: BatchLimits,
    private readonly costs: CostModel,
  ) {}

  /** Notes an arrival. */
  arrived(nowMs: number): void {
    const gap = nowMs - this.lastArrivalAt;
    this.lastArrivalAt = nowMs;
    if (!Number.isFinite(gap)) return;
    if (Number.isFinite(this.meanGapMs)) this.meanGapMs += (gap - this.meanGapMs) * smoothing;
    else this.meanGapMs = gap;
  }

  /** Looks at the queue and changes nothing in it. */
  decide(queue: RankedList<T>, nowMs: number): BatchDecision<T> {
    const first = queue.first;
    if (first === undefined) return idle;
    const { maxRows } = this.limits;
    if (first.alone || first.rows >= maxRows) return { kind: 'run', group: [first], rows: first.rows };
    const cap = Math.max(first.rows, this.targetRows(nowMs - first.arrivedAt));
    const { group, rows, earliestDeadline } = this.gather(queue, first, cap, nowMs);
    if (rows < cap) {
      const untilMs = this.waitUntil(first, rows, earliestDeadline, nowMs);
      if (untilMs > nowMs) return { kind: 'wait', untilMs };
    }
    return { kind: 'run', group, rows };
  }

  /**
   * Rows worth joining, fewer where a latency target would be missed by a run of that size. Where every run would miss it there is a backlog,
   * which small runs would only make longer.
   */
  private targetRows(waitedMs: number): number {
    const { maxRows, latencyTargetMs } = this.limits;
    let rows = this.costs.usefulRows(maxRows);
    if (latencyTargetMs === undefined) return rows;
    const leftMicros = (latencyTargetMs - waitedMs) * 1e3;
    if (this.costs.predict(1) > leftMicros) return rows;
    while (rows > 1 && this.costs.predict(rows) > leftMicros) rows = Math.floor(rows / 2);
    return rows;
  }

  private gather(queue: RankedList<T>, first: T, cap: number, nowMs: number): { group: T[]; rows: number; earliestDeadline: number } {
    const group: T[] = [first];
    let { rows, deadlineAt: earliestDeadline } = first;
    // One that will be late by itself gains nothing by going alone; the others would only wait for one more run.
    let bound = nowMs + this.costs.predict(rows) / 1e3 > first.deadlineAt ? Number.POSITIVE_INFINITY : first.deadlineAt;
    let looked = 0;
    for (const each of queue) {
      if (each === first) continue;
      looked += 1;
      if (rows >= cap || looked > lookAhead * cap) break;
      if (each.alone || each.key !== first.key || rows + each.rows > cap) continue;
      const deadline = Math.min(bound, each.deadlineAt);
      // A larger run takes longer: nobody is made late by who joins.
      if (nowMs + this.costs.predict(rows + each.rows) / 1e3 > deadline) continue;
      group.push(each);
      rows += each.rows;
      bound = deadline;
      earliestDeadline = Math.min(earliestDeadline, deadline);
    }
    return { group, rows, earliestDeadline };
  }

  /** Until when waiting for more is worth it; not after `nowMs`: run now. */
  private waitUntil(first: T, rows: number, earliestDeadline: number, nowMs: number): number {
    const { maxDelayMs, latencyTargetMs } = this.limits;
    const { meanGapMs, costs } = this;
    if (costs.fixedMicros < timerMs * 1e3 || meanGapMs * 1e3 > costs.fixedMicros) return nowMs;
    if (costs.predict(1) < busyShare * meanGapMs * 1e3) return nowMs;
    const runMs = costs.predict(rows + 1) / 1e3;
    const quietAt = this.lastArrivalAt + Math.max(timerMs, gapsUntilQuiet * meanGapMs);
    const targetAt = latencyTargetMs === undefined ? Number.POSITIVE_INFINITY : first.arrivedAt + latencyTargetMs - runMs;
    return Math.min(first.arrivedAt + maxDelayMs, earliestDeadline - runMs - timerMs, targetAt, quietAt);
  }
}
