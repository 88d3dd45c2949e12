const slotMs = 100;
const slots = 10;
/** What may come at once after a quiet time and is recorded whole: a file sent in one go, a test. */
const burstSecondsUsual = 10;

/**
 * With which probability a request is recorded: 1 while there is credit (`maxPerSecond` rows for each second, saved up for ten seconds), then what
 * keeps about `maxPerSecond` rows of those in the last second. It depends on how many came, never on what they were, so each record that says it stands
 * for 1 / probability of them.
 */
export class RecordSampler {
  /** Rows that came, by tenths of a second; the newest slot is filling. */
  private readonly counts = new Float64Array(slots + 1);
  private total = 0;
  private newest = 0;
  private credit = Number.POSITIVE_INFINITY;
  private creditAtMs = 0;

  constructor(private readonly burstSeconds = burstSecondsUsual) {}

  /** Counts a request of `rows` rows and says its probability, as a 32-bit float holds it. */
  share(rows: number, maxPerSecond: number, nowMs: number): number {
    this.turn(Math.floor(nowMs / slotMs));
    this.total += rows;
    const at = this.newest % this.counts.length;
    this.counts[at] = (this.counts[at] ?? 0) + rows;
    const isCovered = this.spend(rows, maxPerSecond, nowMs);
    return isCovered || this.total <= maxPerSecond ? 1 : Math.fround(maxPerSecond / this.total);
  }

  /** Takes rows from the credit as far as it goes; a clock that was put back gives none. */
  private spend(rows: number, maxPerSecond: number, nowMs: number): boolean {
    const earned = (Math.max(0, nowMs - this.creditAtMs) / 1000) * maxPerSecond;
    this.creditAtMs = nowMs;
    const credit = Math.min(this.burstSeconds * maxPerSecond, this.credit + earned) - rows;
    this.credit = Math.max(0, credit);
    return credit >= 0;
  }

  private turn(slot: number): void {
    for (let next = Math.max(this.newest + 1, slot - slots); next <= slot; next += 1) {
      const at = next % this.counts.length;
      this.total -= this.counts[at] ?? 0;
      this.counts[at] = 0;
    }
    this.newest = Math.max(this.newest, slot);
  }
}

const fullRoom = 0.25;
const leastShare = 1 / 1024;

/** The share that is recorded while a spool fills: all until a quarter is left, then ever less, nothing once it is full. */
export function roomShare(bytes: number, maxBytes: number): number {
  if (bytes >= maxBytes) return 0;
  const room = (1 - bytes / maxBytes) / fullRoom;
  return room >= 1 ? 1 : Math.fround(Math.max(room, leastShare));
}

/**
 * A number from 0 to below 1 that only the id decides: whoever draws for a prediction draws the same. FNV-1a over its characters, then the finalizer of
 * MurmurHash3, since ids of one millisecond differ in their last characters alone.
 */
export function drawOf(predictionId: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < predictionId.length; at += 1) hash = Math.imul(hash ^ predictionId.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
