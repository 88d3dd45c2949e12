import { setTimeout as sleep } from 'node:timers/promises';

/** No replay waits longer than this for the next request, however long nobody called then. */
const longestMs = 60_000;

/** Waits between requests as long as there was between them then, divided by a factor; 0: not at all. */
export class ReplayPace {
  private before: { readonly atMs: number; readonly sentMs: number } | undefined;

  constructor(private readonly factor: number) {}

  /** When it may be sent. Rejects with the signal's reason. */
  async wait(at: Date, signal: AbortSignal): Promise<void> {
    if (this.factor === 0) return;
    const now = performance.now();
    const { before } = this;
    const dueMs = before === undefined ? now : before.sentMs + Math.min(longestMs, Math.max(0, at.getTime() - before.atMs) / this.factor);
    // What is late is sent at once, and the requests after it keep to the time that was due, so that lateness does not add up.
    this.before = { atMs: at.getTime(), sentMs: dueMs };
    if (dueMs > now) await sleep(dueMs - now, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
