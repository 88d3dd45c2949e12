/** How long an input is remembered, from its last strike on. */
export const memoryMs = 10 * 60_000;
const strikesMax = 2;
/** Inputs remembered at once; the oldest are forgotten first. */
const rememberedMax = 1_000;

interface Strikes {
  count: number;
  lastDeath: string;
  untilMs: number;
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

  /** Notes that an input was there at a death; several requests with the same input count once per death. */
  strike(fingerprint: string, death: string, nowMs: number): void {
    const known = this.inputs.get(fingerprint);
    this.inputs.delete(fingerprint);
    const isNew = known === undefined || known.untilMs <= nowMs;
    const count = isNew ? 1 : known.lastDeath === death ? known.count : known.count + 1;
    this.inputs.set(fingerprint, { count, lastDeath: death, untilMs: nowMs + memoryMs });
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
