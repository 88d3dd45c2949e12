import { z } from 'zod';

/** Neighbouring bins differ by this factor, so a rank is exact but for values that are within 2 % of each other. */
const binRatio = 1.02;
const logRatio = Math.log(binRatio);
/** Bins that are kept: a range of 1 : 150 000 below the largest value; what is smaller counts as below all of them. */
const binsMax = 600;

/** A rank history as JSON. */
export const RankHistoryState = z.object({
  /** Number of the lowest kept bin; bin i holds sizes from `binRatio ** i` on. */
  lowest: z.number(),
  /** Values per bin; halved when there are many, so not always whole. */
  counts: z.array(z.number()),
  /** Values that are 0, or too small for the kept bins. */
  below: z.number(),
  total: z.number(),
  largest: z.number(),
});
export type RankHistoryState = z.infer<typeof RankHistoryState>;

/**
 * Sizes seen so far (≥ 0), as counts in bins of equal ratio: how rare a new one is among them takes no assumption about their distribution.
 * Past `capacity` values the counts are halved: the recent past then weighs as much as all of the time before it.
 */
export class RankHistory {
  private constructor(
    private readonly state: RankHistoryState,
    private readonly capacity: number,
  ) {}

  static empty(capacity: number): RankHistory {
    return new RankHistory({ lowest: 0, counts: [], below: 0, total: 0, largest: 0 }, capacity);
  }

  static of(state: RankHistoryState, capacity: number): RankHistory {
    return new RankHistory({ ...state, counts: [...state.counts] }, capacity);
  }

  get total(): number {
    return this.state.total;
  }

  /**
   * Conformal rank (`monitoring.md` 6.12): −log₁₀((1 + #past ≥ size)/(1 + #past)), plus up to 1 for exceeding the largest so far.
   * 3 means rarer than 1 in 1 000, whatever is measured.
   */
  surprise(size: number): number {
    const { total, largest } = this.state;
    const rank = -Math.log10((1 + this.atLeast(size)) / (1 + total));
    return largest > 0 && size > largest ? rank + Math.min(1, (size - largest) / largest) : rank;
  }

  /** The size from which `surprise` is at least this: bounds of a band. Infinite while too little was seen to say so. */
  sizeOf(surprise: number): number {
    const { counts, lowest, total } = this.state;
    const allowed = (1 + total) * 10 ** -surprise - 1;
    if (allowed < 0) return Number.POSITIVE_INFINITY;
    let above = 0;
    for (let at = counts.length - 1; at >= 0; at -= 1) {
      above += counts[at] ?? 0;
      if (above > allowed) return binRatio ** (lowest + at + 1);
    }
    return 0;
  }

  add(size: number): void {
    const { state } = this;
    const bin = binOf(size);
    if (Number.isFinite(bin) && this.reach(bin)) {
      const at = bin - state.lowest;
      state.counts[at] = (state.counts[at] ?? 0) + 1;
    } else state.below += 1;
    state.total += 1;
    state.largest = Math.max(state.largest, size);
    if (state.total > this.capacity) this.halve();
  }

  toState(): RankHistoryState {
    return { ...this.state, counts: [...this.state.counts] };
  }

  private atLeast(size: number): number {
    const { counts, lowest, total } = this.state;
    if (size <= 0) return total;
    let above = 0;
    for (let at = Math.max(0, binOf(size) - lowest); at < counts.length; at += 1) above += counts[at] ?? 0;
    return above;
  }

  /** Makes a place for the bin; what falls out of the kept range below is only counted. @returns false when the bin itself does. */
  private reach(bin: number): boolean {
    const { state } = this;
    if (state.counts.length === 0) state.lowest = bin;
    if (bin <= state.lowest + state.counts.length - 1 - binsMax) return false;
    const missing = Math.max(0, state.lowest - bin);
    if (missing > 0) state.counts = [...new Array<number>(missing).fill(0), ...state.counts];
    state.lowest -= missing;
    const wanted = bin - state.lowest + 1;
    if (wanted - binsMax >= state.counts.length) this.forgetAll(bin);
    else while (state.counts.length < wanted) state.counts.push(0);
    const excess = state.counts.length - binsMax;
    if (excess > 0) this.forgetLowest(excess);
    return true;
  }

  private forgetAll(bin: number): void {
    const { state } = this;
    state.below = state.total;
    state.counts = [0];
    state.lowest = bin;
  }

  private forgetLowest(bins: number): void {
    const { state } = this;
    for (const count of state.counts.splice(0, bins)) state.below += count;
    state.lowest += bins;
  }

  private halve(): void {
    const { state } = this;
    const half = (count: number) => (count < 1 ? 0 : count / 2);
    state.counts = state.counts.map(half);
    state.below = half(state.below);
    while (state.counts.length > 0 && state.counts.at(-1) === 0) state.counts.pop();
    state.total = state.counts.reduce((sum, count) => sum + count, state.below);
    state.largest = Math.min(state.largest, binRatio ** (state.lowest + state.counts.length));
  }
}

/** The bin of a size; below every bin for 0. */
function binOf(size: number): number {
  return size > 0 ? Math.floor(Math.log(size) / logRatio) : Number.NEGATIVE_INFINITY;
}
