/** How long an input is remembered, from its last strike on. */
export const memoryMs = 10 * 60_000;
const strikesMax = 2;
/** Inputs remembered at once; the oldest are forgotten first. */
const rememberedMax = 1_000;

interface Strikes {
  readonly count: number;
  /** When the last death that counted was noted. */
  readonly atMs: number;
  readonly untilMs: number;
}

/**
 * Inputs that were in an instance when it died. An input that was there at two deaths, without an answer in between, is refused from then on:
 * it would only end the next instance. All times in ms on one monotonic clock.
 */
export class Quarantine {
  private readonly inputs = new Map<string, Strikes>();

  /** Whether there is anything to look for; while there is not, nobody needs to pay for fingerprints. */
  get isEmpty(): boolean {
    return this.inputs.size === 0;
  }

  get size(): number {
    return this.inputs.size;
  }

  /**
   * Notes that an input was there at a death. Only an input that was sent after the death before counts again: equal requests that were inside
   * at the same time, in one instance or in several that somebody ended together, are no proof against it.
   */
  strike(fingerprint: string, sentAtMs: number, nowMs: number): void {
    const known = this.inputs.get(fingerprint);
    const isNew = known === undefined || known.untilMs <= nowMs;
    if (!isNew && sentAtMs < known.atMs) return;
    this.inputs.delete(fingerprint);
    this.inputs.set(fingerprint, { count: isNew ? 1 : known.count + 1, atMs: nowMs, untilMs: nowMs + memoryMs });
    if (this.inputs.size > rememberedMax) this.forgetOldest();
  }

  /** An answer came for the input: it was only near when the instances died. */
  acquit(fingerprint: string): void {
    this.inputs.delete(fingerprint);
  }

  holds(fingerprint: string, nowMs: number): boolean {
    const known = this.inputs.get(fingerprint);
    if (known === undefined) return false;
    if (known.untilMs > nowMs) return known.count >= strikesMax;
    this.inputs.delete(fingerprint);
    return false;
  }

  /** Drops what is over, so that an old strike does not make every request pay for a fingerprint for good. */
  sweep(nowMs: number): void {
    for (const [fingerprint, { untilMs }] of this.inputs) if (untilMs <= nowMs) this.inputs.delete(fingerprint);
  }

  private forgetOldest(): void {
    for (const fingerprint of this.inputs.keys()) {
      this.inputs.delete(fingerprint);
      return;
    }
  }
}
