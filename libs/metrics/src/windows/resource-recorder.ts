import type { Registry } from 'prom-client';
import { exposeResources, type ResourceTotals, seriesPerModel } from '../instruments/resource-instruments.js';
import { SeriesBudget } from '../instruments/series-budget.js';
import type { ProcessUsage } from './process-usage.js';
import type { InstanceSurroundings, ResourceWindow, SampledInstance } from './resource-window.js';
import { idleMs, maxPendingMs, maxPendingWindows, windowMs } from './serving-recorder.js';
import { type UsageDelta, type UsageSample, usageDelta } from './usage-delta.js';

interface Watched {
  owner: SampledInstance;
  last: UsageSample;
  open: ResourceWindow;
  written: ResourceWindow | undefined;
}

/** Turns samples of instances into totals per revision for /metrics and windows per instance for the database. */
export class ResourceRecorder {
  private readonly watched = new Map<string, Watched>();
  private readonly totals = new Map<string, ResourceTotals>();
  private readonly budget: SeriesBudget;
  private readonly now: () => number;
  private readonly watchedSinceMs: number;
  private pending: ResourceWindow[] = [];

  constructor(options: { readonly registry: Registry; readonly budget?: SeriesBudget; readonly now?: () => number }) {
    this.budget = options.budget ?? SeriesBudget.of(options.registry);
    this.now = options.now ?? Date.now;
    this.watchedSinceMs = this.now();
    exposeResources(options.registry, () => this.totals.values());
  }

  /** Takes one sample of one instance. */
  observe(owner: SampledInstance, usage: ProcessUsage, around: InstanceSurroundings = nothingAround): void {
    const sample: UsageSample = { atMs: this.now(), usage };
    const known = this.watched.get(owner.instanceId);
    const delta = usageDelta(known?.last, sample, this.watchedSinceMs);
    const startAtMs = Math.floor(sample.atMs / windowMs) * windowMs;
    if (known === undefined) {
      this.watched.set(owner.instanceId, { owner, last: sample, open: grow(empty(owner, startAtMs), delta, usage, around), written: undefined });
    } else {
      if (startAtMs > known.open.startAtMs) this.close(known, startAtMs);
      known.owner = owner;
      known.last = sample;
      known.open = grow(known.open, delta, usage, around);
    }
    this.addToTotals(owner, delta, around);
  }

  /** An instance was ended for want of memory. */
  noteOomKill(owner: SampledInstance): void {
    this.totalsOf(owner).oomKills += 1;
    const known = this.watched.get(owner.instanceId);
    if (known !== undefined) known.open = { ...known.open, oomKills: known.open.oomKills + 1 };
  }

  /** Forgets the instances that live no more; their last window is kept until it is written. */
  retain(instanceIds: ReadonlySet<string>): void {
    for (const [id, watched] of this.watched) {
      if (instanceIds.has(id)) continue;
      if (watched.open !== watched.written) this.pending.push(watched.open);
      this.watched.delete(id);
    }
    this.showCurrent();
    this.forgetIdle();
  }

  /** Windows to write now. */
  takeDirty(): ResourceWindow[] {
    const now = this.now();
    this.pending = this.pending.filter(({ startAtMs }) => now - startAtMs <= maxPendingMs).slice(-maxPendingWindows);
    const open = [...this.watched.values()].filter((watched) => watched.open !== watched.written).map((watched) => watched.open);
    return [...this.pending, ...open];
  }

  acknowledge(written: readonly ResourceWindow[]): void {
    const done = new Set(written);
    this.pending = this.pending.filter((window) => !done.has(window));
    for (const watched of this.watched.values()) if (done.has(watched.open)) watched.written = watched.open;
  }

  private close(watched: Watched, startAtMs: number): void {
    if (watched.open !== watched.written) this.pending.push(watched.open);
    watched.open = empty(watched.owner, startAtMs);
    watched.written = undefined;
  }

  private addToTotals(owner: SampledInstance, delta: UsageDelta, { throttled }: InstanceSurroundings): void {
    const totals = this.totalsOf(owner);
    totals.cpuSeconds += delta.cpuSeconds;
    totals.readBytes += delta.readBytes ?? 0;
    totals.writtenBytes += delta.writtenBytes ?? 0;
    totals.readOperations += delta.readOperations ?? 0;
    totals.writeOperations += delta.writeOperations ?? 0;
    totals.throttledSeconds += throttled?.seconds ?? 0;
  }

  private totalsOf(owner: SampledInstance): ResourceTotals {
    const known = this.totals.get(owner.revisionId);
    if (known !== undefined) return known;
    const made: ResourceTotals = {
      owner,
      exposed: this.budget.take(seriesPerModel),
      cpuSeconds: 0,
      readBytes: 0,
      writtenBytes: 0,
      readOperations: 0,
      writeOperations: 0,
      throttledSeconds: 0,
      oomKills: 0,
      rssBytes: 0,
      memoryLimitBytes: 0,
      gpuMemoryBytes: 0,
      threads: 0,
      openFiles: 0,
      instances: 0,
      seenMs: this.now(),
    };
    this.totals.set(owner.revisionId, made);
    return made;
  }

  /** A revision without instances for hours leaves /metrics and frees its place under the cap. */
  private forgetIdle(): void {
    const now = this.now();
    for (const [id, totals] of this.totals) {
      if (totals.instances > 0) totals.seenMs = now;
      if (now - totals.seenMs <= idleMs) continue;
      this.totals.delete(id);
      if (totals.exposed) this.budget.release(seriesPerModel);
    }
  }

  /** The present values of the gauges: sums over the live instances of each revision. */
  private showCurrent(): void {
    for (const totals of this.totals.values())
      Object.assign(totals, { rssBytes: 0, memoryLimitBytes: 0, gpuMemoryBytes: 0, threads: 0, openFiles: 0, instances: 0 });
    for (const { owner, last, open } of this.watched.values()) {
      const totals = this.totalsOf(owner);
      totals.rssBytes += last.usage.rssBytes;
      totals.memoryLimitBytes += owner.memoryLimitBytes ?? 0;
      totals.gpuMemoryBytes += open.gpuMemoryBytes ?? 0;
      totals.threads += last.usage.threads ?? 0;
      totals.openFiles += last.usage.openFiles ?? 0;
      totals.instances += 1;
    }
  }
}

const nothingAround: InstanceSurroundings = { throttled: null, gpuMemoryBytes: null };

function empty(owner: SampledInstance, startAtMs: number): ResourceWindow {
  return {
    owner,
    startAtMs,
    coveredSeconds: 0,
    cpuSeconds: 0,
    memoryBytes: 0,
    readBytes: null,
    writtenBytes: null,
    readOperations: null,
    writeOperations: null,
    threads: null,
    openFiles: null,
    memoryLimitBytes: owner.memoryLimitBytes ?? null,
    throttledSeconds: null,
    throttledPeriods: null,
    oomKills: 0,
    gpuMemoryBytes: null,
    reduced: false,
  };
}

function grow(window: ResourceWindow, delta: UsageDelta, usage: ProcessUsage, { throttled, gpuMemoryBytes }: InstanceSurroundings): ResourceWindow {
  return {
    ...window,
    coveredSeconds: window.coveredSeconds + delta.seconds,
    cpuSeconds: window.cpuSeconds + delta.cpuSeconds,
    memoryBytes: Math.max(window.memoryBytes, usage.rssBytes),
    readBytes: plus(window.readBytes, delta.readBytes),
    writtenBytes: plus(window.writtenBytes, delta.writtenBytes),
    readOperations: plus(window.readOperations, delta.readOperations),
    writeOperations: plus(window.writeOperations, delta.writeOperations),
    threads: highest(window.threads, usage.threads),
    openFiles: highest(window.openFiles, usage.openFiles),
    throttledSeconds: plus(window.throttledSeconds, throttled?.seconds ?? null),
    throttledPeriods: plus(window.throttledPeriods, throttled?.periods ?? null),
    gpuMemoryBytes: highest(window.gpuMemoryBytes, gpuMemoryBytes),
    reduced: window.reduced || usage.reduced,
  };
}

function plus(a: number | null, b: number | null): number | null {
  return b === null ? a : (a ?? 0) + b;
}

function highest(a: number | null, b: number | null): number | null {
  return b === null ? a : Math.max(a ?? 0, b);
}
