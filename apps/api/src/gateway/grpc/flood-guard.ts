const burst = 200;
const perSecond = 2;

/**
 * Counts frames that only keep a connection busy (PING, SETTINGS). Clients send them to see that the other side lives and to measure it,
 * mostly while answers flow: those are free. Without any answer in between there are few: a burst, and two a second.
 */
export class FloodGuard {
  private left = burst;
  private lastAt: number;

  constructor(now: number) {
    this.lastAt = now;
  }

  /** An answer left. */
  rest(): void {
    this.left = burst;
  }

  /** @returns whether there were too many. @param now ms, monotonic. */
  count(now: number): boolean {
    this.left = Math.min(burst, this.left + ((now - this.lastAt) / 1000) * perSecond) - 1;
    this.lastAt = now;
    return this.left < 0;
  }
}
