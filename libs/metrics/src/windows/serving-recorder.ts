import { Counter, type Registry } from 'prom-client';
import { SeriesBudget } from '../instruments/series-budget.js';
import { exposeServing, seriesPerRevision } from '../instruments/serving-instruments.js';
import { ServingSums } from './serving-sums.js';
import type { OpenWindow, ServedRequest, ServingOwner, ServingSeries, ServingWindow } from './serving-window.js';

export const windowMs = 10_000;
/** Windows kept while the database is away: an hour of some 55 series. The oldest go first and are counted. */
export const maxPendingWindows = 20_000;
export const maxPendingMs = 3_600_000;
/** A series without a request for this long leaves /metrics and frees its place under the cap. */
export const idleMs = 6 * 3_600_000;

/**
 * Counts requests per (revision, role) in memory: totals for /metrics, windows of ten seconds for the database.
 * `record` is on the hot path: one map look-up and some additions, no promise, no allocation while a window is open.
 */
export class ServingRecorder {
  private readonly series = new Map<string, ServingSeries>();
  private readonly budget: SeriesBudget;
  private readonly now: () => number;
  private readonly dropped: Counter;
  private pending: ServingWindow[] = [];

  constructor(options: { readonly registry: Registry; readonly budget?: SeriesBudget; readonly now?: () => number }) {
    this.budget = options.budget ?? SeriesBudget.of(options.registry);
    this.now = options.now ?? Date.now;
    this.dropped = new Counter({
      name: 'slipway_serving_windows_dropped_total',
      help: 'Serving windows that were given up because the database was away for too long.',
      registers: [options.registry],
    });
    exposeServing(options.registry, () => this.series.values());
  }

  /** Counts one request. */
  record(request: ServedRequest): void {
    const now = this.now();
    const series = this.seriesOf(request, now);
    // A clock that goes back keeps counting into the open window: an earlier one may already be in the database.
    if (now >= series.open.startAtMs + windowMs) this.roll(series, now);
    series.open.sums.count(request);
  }

  /** Windows to write now: all closed ones and the open ones that changed. Their sums are totals, so writing one twice is harmless. */
  takeDirty(): ServingWindow[] {
    const now = this.now();
    for (const [key, series] of this.series) {
      if (now >= series.open.startAtMs + windowMs && series.open.sums.requests > 0) this.roll(series, now);
      if (now - series.open.startAtMs > idleMs) this.forget(key, series);
    }
    this.dropOverdue(now);
    const open = [...this.series.values()].filter(({ open: { sums, flushedRequests } }) => sums.requests > flushedRequests);
    return [...this.pending, ...open.map((series) => snapshot(series.open))];
  }

  /** Tells that these windows, as they came from `takeDirty`, are in the database. */
  acknowledge(written: readonly ServingWindow[]): void {
    const done = new Set(written);
    this.pending = this.pending.filter((window) => !done.has(window));
    for (const window of written) {
      const open = this.series.get(keyOf(window.owner))?.open;
      if (open?.startAtMs === window.startAtMs) open.flushedRequests = window.sums.requests;
    }
  }

  /** Closed windows that wait for the database. */
  get pendingWindows(): number {
    return this.pending.length;
  }

  private seriesOf(owner: ServingOwner, now: number): ServingSeries {
    const key = keyOf(owner);
    const known = this.series.get(key);
    if (known !== undefined) return known;
    const plain = ownerOf(owner);
    const made: ServingSeries = {
      owner: plain,
      exposed: this.budget.take(seriesPerRevision),
      closed: new ServingSums(),
      open: newWindow(plain, now),
    };
    this.series.set(key, made);
    return made;
  }

  private roll(series: ServingSeries, now: number): void {
    const { open } = series;
    if (open.sums.requests > 0) {
      series.closed.add(open.sums);
      this.pending.push(open);
    }
    series.open = newWindow(series.owner, now);
  }

  private forget(key: string, series: ServingSeries): void {
    this.series.delete(key);
    if (series.exposed) this.budget.release(seriesPerRevision);
  }

  private dropOverdue(now: number): void {
    const fresh = this.pending.filter((window) => now - window.startAtMs <= maxPendingMs);
    const kept = fresh.slice(-maxPendingWindows);
    const lost = this.pending.length - kept.length;
    if (lost === 0) return;
    this.dropped.inc(lost);
    this.pending = kept;
  }
}

/** One map per recorder; the role is almost always `stable`, so its key needs no new text. */
function keyOf(owner: ServingOwner): string {
  const id = owner.revisionId === '' ? owner.deploymentId : owner.revisionId;
  return owner.role === 'stable' ? id : `${id}.${owner.role}`;
}

function ownerOf({ projectId, deploymentId, deployment, revisionId, revision, versionNumber, role }: ServingOwner): ServingOwner {
  return { projectId, deploymentId, deployment, revisionId, revision, versionNumber, role };
}

function newWindow(owner: ServingOwner, now: number): OpenWindow {
  return { owner, startAtMs: Math.floor(now / windowMs) * windowMs, sums: new ServingSums(), flushedRequests: 0 };
}

/** A copy that later requests do not change while it is being written. */
function snapshot(open: ServingWindow): ServingWindow {
  const sums = new ServingSums();
  sums.add(open.sums);
  return { owner: open.owner, startAtMs: open.startAtMs, sums };
}
