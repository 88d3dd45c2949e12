import { z } from 'zod';

export interface AdwinOptions {
  /** Chance of a false alarm that each look may have, at most. */
  readonly delta?: number;
  /** Values between two looks. */
  readonly clock?: number;
  /** Values that both sides of a cut must have. */
  readonly leastSide?: number;
  /** Values before the first look. */
  readonly grace?: number;
}

const Bucket = z.object({ total: z.number(), variance: z.number() });
type Bucket = z.infer<typeof Bucket>;
/** Rows of buckets: those of row i hold 2^i values each, the oldest first. */
export const AdwinState = z.object({
  rows: z.array(z.array(Bucket)),
  width: z.number(),
  total: z.number(),
  variance: z.number(),
  ticks: z.number(),
  hasFired: z.boolean(),
});
export type AdwinState = z.infer<typeof AdwinState>;

const bucketsPerRow = 5;

/**
 * Adaptive window: keeps as many of the newest values as have one mean, and tells when older ones had another (ADWIN2; A. Bifet and R. Gavaldà, 2007; as River has it
 * since its cuts look at the newest bucket of each row too, `monitoring.md` 6.11). Values should lie in about [0, 1]. Memory grows with the logarithm of
 * the window. After an alarm the next value begins anew.
 */
export class Adwin {
  private readonly options: Required<AdwinOptions>;
  private rows: Bucket[][] = [[]];
  private width = 0;
  private total = 0;
  private variance = 0;
  private ticks = 0;
  private hasFired = false;

  constructor(options: AdwinOptions = {}, state?: AdwinState) {
    this.options = { delta: 0.002, clock: 32, leastSide: 5, grace: 10, ...options };
    if (state !== undefined) this.goOnFrom(state);
  }

  /** Takes the next value. @returns whether the mean has changed, in either direction. */
  update(value: number): boolean {
    if (this.hasFired) this.goOnFrom({ rows: [[]], width: 0, total: 0, variance: 0, ticks: 0, hasFired: false });
    this.insert(value);
    this.ticks += 1;
    if (this.ticks % this.options.clock !== 0 || this.width <= this.options.grace) return false;
    while (this.hasCut()) {
      this.hasFired = true;
      this.dropOldest();
    }
    return this.hasFired;
  }

  /** Mean of the values since the last change. */
  get mean(): number {
    return this.width === 0 ? 0 : this.total / this.width;
  }

  /** How many values there are since the last change. */
  get size(): number {
    return this.width;
  }

  get memory(): AdwinState {
    const { rows, width, total, variance, ticks, hasFired } = this;
    return { rows, width, total, variance, ticks, hasFired };
  }

  private goOnFrom(state: AdwinState): void {
    this.rows = state.rows.map((row) => row.map((bucket) => ({ ...bucket })));
    this.width = state.width;
    this.total = state.total;
    this.variance = state.variance;
    this.ticks = state.ticks;
    this.hasFired = state.hasFired;
  }

  private insert(value: number): void {
    this.rows[0]?.push({ total: value, variance: 0 });
    this.width += 1;
    if (this.width > 1) this.variance += ((this.width - 1) * (value - this.total / (this.width - 1)) ** 2) / this.width;
    this.total += value;
    this.compress();
  }

  /** Merges the two oldest buckets of a row that has too many into one of the next. */
  private compress(): void {
    for (const [index, row] of this.rows.entries()) {
      if (row.length <= bucketsPerRow) return;
      const [oldest, next] = row.splice(0, 2);
      if (oldest === undefined || next === undefined) return;
      const size = 2 ** index;
      const apart = oldest.total / size - next.total / size;
      const merged = { total: oldest.total + next.total, variance: oldest.variance + next.variance + (size * apart * apart) / 2 };
      const above = this.rows[index + 1];
      if (above === undefined) this.rows.push([merged]);
      else above.push(merged);
    }
  }

  /** Whether the window falls into two parts with different means, cut between any two buckets, the oldest first. */
  private hasCut(): boolean {
    let older = 0;
    let olderTotal = 0;
    for (let index = this.rows.length - 1; index >= 0; index -= 1) {
      for (const bucket of this.rows[index] ?? []) {
        older += 2 ** index;
        olderTotal += bucket.total;
        const newer = this.width - older;
        if (newer <= 0) return false;
        if (older < this.options.leastSide || newer < this.options.leastSide) continue;
        if (this.isCut(older, newer, olderTotal / older - (this.total - olderTotal) / newer)) return true;
      }
    }
    return false;
  }

  private isCut(older: number, newer: number, apart: number): boolean {
    const { delta, leastSide } = this.options;
    const surprise = Math.log((2 * Math.log(this.width)) / delta);
    const inverse = 1 / (older - leastSide + 1) + 1 / (newer - leastSide + 1);
    const allowed = Math.sqrt(2 * inverse * (this.variance / this.width) * surprise) + (2 / 3) * surprise * inverse;
    return Math.abs(apart) > allowed;
  }

  private dropOldest(): void {
    const last = this.rows.length - 1;
    const bucket = this.rows[last]?.shift();
    if (bucket === undefined) return;
    const size = 2 ** last;
    this.width -= size;
    this.total -= bucket.total;
    const apart = bucket.total / size - this.total / this.width;
    this.variance = Math.max(0, this.variance - bucket.variance - (size * this.width * apart * apart) / (size + this.width));
    if (this.rows[last]?.length === 0 && last > 0) this.rows.pop();
  }
}
