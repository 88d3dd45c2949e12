import { z } from 'zod';

const dayMs = 86_400_000;
/** Slots of a quarter of an hour. */
const slotMs = 900_000;
const slotsPerDay = dayMs / slotMs;
/** Same time of day ± ½ h (`monitoring.md` 6.12): two slots to either side. */
const reach = 2;
/** Days that an expectation is taken from. */
const daysUsed = 14;
/** Days that are kept: with three weeks, weekends and working days are told apart. */
export const seasonDays = 21;
const kept = seasonDays * slotsPerDay + reach + 1;

/** A season history as JSON. */
export const SeasonState = z.object({
  /** Number of the slot (since the epoch) of the last of `values`. */
  last: z.number(),
  /** Mean per slot, the oldest first; null is a slot without points. */
  values: z.array(z.number().nullable()),
  /** Points in the last slot. */
  points: z.number(),
});
export type SeasonState = z.infer<typeof SeasonState>;

export interface SeasonalExpectation {
  readonly expected: number;
  /** Earlier days it is taken from. */
  readonly days: number;
  /** Whether only days of the same part of the week were used. */
  readonly isSplit: boolean;
}

/** Three weeks of a series in quarters of an hour: what is usual at a time of day. Times without points are gaps. */
export class SeasonHistory {
  /** What was last expected: all points of a slot expect the same. */
  private known: { readonly slot: number; readonly expectation: SeasonalExpectation | undefined } | undefined;

  private constructor(private readonly state: SeasonState) {}

  static of(state: SeasonState): SeasonHistory {
    return new SeasonHistory({ ...state, values: [...state.values] });
  }

  /**
   * The median over the same time of day ± ½ h on up to 14 earlier days, once three weeks are known of days of the same part of the week
   * (Saturday and Sunday, or the others; UTC).
   * @returns undefined before two such days are known.
   */
  expect(atMs: number): SeasonalExpectation | undefined {
    const slot = Math.floor(atMs / slotMs);
    if (this.known?.slot !== slot) this.known = { slot, expectation: this.work(slot) };
    return this.known.expectation;
  }

  private work(slot: number): SeasonalExpectation | undefined {
    const isSplit = this.state.values.length >= seasonDays * slotsPerDay;
    const found: number[] = [];
    let days = 0;
    for (let day = 1; day <= seasonDays && days < daysUsed; day += 1) {
      const centre = slot - day * slotsPerDay;
      if (isSplit && isWeekend(centre) !== isWeekend(slot)) continue;
      const before = found.length;
      for (let near = centre - reach; near <= centre + reach; near += 1) {
        const value = this.at(near);
        if (value !== null) found.push(value);
      }
      if (found.length > before) days += 1;
    }
    return days < 2 ? undefined : { expected: medianOf(found), days, isSplit };
  }

  /** Points come in the order of time; one from before the last slot is left out. */
  add(atMs: number, value: number): void {
    const slot = Math.floor(atMs / slotMs);
    const { state } = this;
    if (state.values.length > 0 && slot < state.last) return;
    if (state.values.length > 0 && slot === state.last) {
      const mean = state.values.at(-1) ?? 0;
      state.points += 1;
      state.values[state.values.length - 1] = rounded(mean + (value - mean) / state.points);
      return;
    }
    const missing = state.values.length === 0 ? 0 : Math.min(kept, slot - state.last - 1);
    for (let gap = 0; gap < missing; gap += 1) state.values.push(null);
    state.values.push(rounded(value));
    state.points = 1;
    state.last = slot;
    if (state.values.length > kept) state.values.splice(0, state.values.length - kept);
  }

  /** Moves all that is known by so much: the level has changed, the shape of a day has not. */
  shift(by: number): void {
    this.state.values = this.state.values.map((value) => (value === null ? null : rounded(value + by)));
    this.known = undefined;
  }

  toState(): SeasonState {
    return { ...this.state, values: [...this.state.values] };
  }

  private at(slot: number): number | null {
    const { last, values } = this.state;
    return values[values.length - 1 - (last - slot)] ?? null;
  }
}

/** Seven digits are enough for an expectation, and a third of the text of a state. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}

function isWeekend(slot: number): boolean {
  // The epoch began on a Thursday.
  const weekday = (Math.floor(slot / slotsPerDay) + 4) % 7;
  return weekday === 0 || weekday === 6;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
