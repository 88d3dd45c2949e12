import { addTotals, type NoiseTotals, noTotals } from './noise-totals.js';
import { type NoiseOwner, type NoiseWindow, noiseWindowOf, type ReplicaDetail } from './noise-window.js';

/** Windows kept while the database is away; the oldest give way. */
export const noiseWindowsMax = 5_000;

interface Counted {
  window: NoiseWindow;
  revision: number;
  written: number;
}

/**
 * Counts in memory what probes have measured, by the hour. Totals only grow, so writing them twice is harmless, and what could not be written while
 * the database was away is written later.
 */
export class NoiseRecorder {
  /** In the order in which they were first seen. */
  private readonly windows = new Map<string, Counted>();
  /** Windows that were given up. */
  dropped = 0;

  constructor(private readonly now: () => number = Date.now) {}

  /** Adds a measurement, or one that came to nothing. */
  count(owner: NoiseOwner, increment: Partial<NoiseTotals>, detail?: ReplicaDetail): void {
    const startAtMs = noiseWindowOf(this.now());
    const before = this.windows.get(keyOf(owner, startAtMs))?.window;
    const totals = addTotals(before?.totals ?? noTotals(), { ...noTotals(), ...increment });
    this.put({ owner, startAtMs, totals, detail: detail ?? before?.detail });
  }

  /** Takes totals as another process has counted them. */
  set(window: NoiseWindow & { readonly source: string }): void {
    const known = this.windows.get(keyOf(window.owner, window.startAtMs, window.source))?.window;
    if (known === undefined || known.totals.n !== window.totals.n || known.totals.relativeSum !== window.totals.relativeSum) this.put(window);
  }

  /** The windows of the running hour. */
  *current(): Iterable<NoiseWindow> {
    const startAtMs = noiseWindowOf(this.now());
    for (const { window } of this.windows.values()) if (window.startAtMs === startAtMs) yield window;
  }

  takeDirty(): NoiseWindow[] {
    this.forget();
    return [...this.windows.values()].filter(({ revision, written }) => revision > written).map(({ window }) => window);
  }

  /** Tells that these windows, as they came from `takeDirty`, are in the database. */
  acknowledge(windows: readonly NoiseWindow[]): void {
    for (const window of windows) {
      const counted = this.windows.get(keyOf(window.owner, window.startAtMs, window.source));
      // One that was counted into meanwhile is another object by now.
      if (counted?.window === window) counted.written = counted.revision;
    }
  }

  private put(window: NoiseWindow): void {
    const key = keyOf(window.owner, window.startAtMs, window.source);
    const known = this.windows.get(key);
    if (known !== undefined) {
      known.window = window;
      known.revision += 1;
      return;
    }
    if (this.windows.size >= noiseWindowsMax) {
      const [oldest] = this.windows.keys();
      if (oldest !== undefined) this.windows.delete(oldest);
      this.dropped += 1;
    }
    this.windows.set(key, { window, revision: 1, written: 0 });
  }

  /** What is over and written. */
  private forget(): void {
    const startAtMs = noiseWindowOf(this.now());
    for (const [key, { window, revision, written }] of this.windows)
      if (revision === written && window.startAtMs < startAtMs) this.windows.delete(key);
  }
}

function keyOf({ deploymentId, version, probe, otherVersion }: NoiseOwner, startAtMs: number, source = ''): string {
  return `${deploymentId} ${version} ${probe} ${otherVersion} ${startAtMs} ${source}`;
}
