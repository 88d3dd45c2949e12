import { maxPendingMs, windowMs } from '../windows/serving-recorder.js';
import type { GpuUsage } from './gpu-usage.js';
import type { HostUsage } from './host-usage.js';

/** What a sample of a host consists of. */
export interface HostSample extends HostUsage {
  /** Time that a quota kept processors away from us, since the sample before; null without a quota. */
  readonly throttledSeconds: number | null;
  readonly gpu: GpuUsage | undefined;
}

const counters = [
  'cpuSeconds',
  'readBytes',
  'writtenBytes',
  'readOperations',
  'writeOperations',
  'receivedBytes',
  'sentBytes',
  'oomKills',
  'cpuStallSeconds',
  'memoryStallSeconds',
  'ioStallSeconds',
] as const;
type Counter = (typeof counters)[number];

/** What a host used in one window of ten seconds: sums since the window's start; memory and GPUs are the highest seen. */
export interface HostWindow extends Readonly<Record<Counter, number | null>> {
  readonly startAtMs: number;
  readonly coveredSeconds: number;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly throttledSeconds: number | null;
  readonly gpuRatio: number | null;
  readonly gpuMemoryBytes: number | null;
  readonly gpuMemoryLimitBytes: number | null;
  readonly reduced: boolean;
}

/** Turns samples of one host into windows for the database. */
export class HostRecorder {
  private last: { readonly atMs: number; readonly sample: HostSample } | undefined;
  private open: HostWindow | undefined;
  private written: HostWindow | undefined;
  private pending: HostWindow[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** Takes one sample. The first one only says where counting begins. */
  observe(sample: HostSample): void {
    const atMs = this.now();
    const startAtMs = Math.floor(atMs / windowMs) * windowMs;
    const { last } = this;
    this.last = { atMs, sample };
    if (last === undefined) return;
    const open = this.openAt(startAtMs, sample);
    this.open = grow(open, last.sample, sample, Math.max(0, (atMs - last.atMs) / 1000));
  }

  takeDirty(): HostWindow[] {
    const now = this.now();
    this.pending = this.pending.filter(({ startAtMs }) => now - startAtMs <= maxPendingMs);
    return this.open === undefined || this.open === this.written ? [...this.pending] : [...this.pending, this.open];
  }

  acknowledge(written: readonly HostWindow[]): void {
    const done = new Set(written);
    this.pending = this.pending.filter((window) => !done.has(window));
    if (this.open !== undefined && done.has(this.open)) this.written = this.open;
  }

  /** A clock that goes back keeps counting into the open window. */
  private openAt(startAtMs: number, { cores, memoryLimitBytes, reduced }: HostSample): HostWindow {
    const { open } = this;
    if (open !== undefined && startAtMs <= open.startAtMs) return open;
    if (open !== undefined && open !== this.written) this.pending.push(open);
    const nothing = Object.fromEntries(counters.map((counter) => [counter, null])) as Record<Counter, null>;
    return {
      ...nothing,
      startAtMs,
      coveredSeconds: 0,
      cores,
      memoryBytes: 0,
      memoryLimitBytes,
      throttledSeconds: null,
      gpuRatio: null,
      gpuMemoryBytes: null,
      gpuMemoryLimitBytes: null,
      reduced,
    };
  }
}

function grow(window: HostWindow, before: HostSample, sample: HostSample, seconds: number): HostWindow {
  const added = Object.fromEntries(
    counters.map((counter) => {
      const [from, to] = [before[counter], sample[counter]];
      // A counter that goes back began anew with the machine.
      return [counter, to === null ? window[counter] : (window[counter] ?? 0) + Math.max(0, to - (from ?? to))];
    }),
  ) as Record<Counter, number | null>;
  return {
    ...window,
    ...added,
    coveredSeconds: window.coveredSeconds + seconds,
    memoryBytes: Math.max(window.memoryBytes, sample.memoryBytes),
    throttledSeconds: sample.throttledSeconds === null ? window.throttledSeconds : (window.throttledSeconds ?? 0) + sample.throttledSeconds,
    gpuRatio: highest(window.gpuRatio, sample.gpu?.ratio),
    gpuMemoryBytes: highest(window.gpuMemoryBytes, sample.gpu?.memoryBytes),
    gpuMemoryLimitBytes: highest(window.gpuMemoryLimitBytes, sample.gpu?.memoryLimitBytes),
  };
}

function highest(a: number | null, b: number | null | undefined): number | null {
  return b === null || b === undefined ? a : Math.max(a ?? 0, b);
}
