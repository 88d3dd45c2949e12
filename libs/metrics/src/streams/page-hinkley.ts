import { z } from 'zod';

export interface PageHinkleyOptions {
  /** Values before it says anything. */
  readonly minValues?: number;
  /** How far the mean may wander, in units of the values. */
  readonly delta?: number;
  /** How much must add up for an alarm, in units of the values. */
  readonly threshold?: number;
  /** What is kept of the sum from one value to the next. */
  readonly alpha?: number;
}

export const PageHinkleyState = z.object({ count: z.number(), mean: z.number(), sum: z.number(), hasFired: z.boolean() });
export type PageHinkleyState = z.infer<typeof PageHinkleyState>;

const fresh: PageHinkleyState = { count: 1, mean: 0, sum: 0, hasFired: false };

/**
 * Finds where the mean of a stream rises (E. S. Page, 1954; order of steps as in River's `PageHinkley`, `monitoring.md` 6.11). Upwards only: feed −x to a second
 * one for the other side. After an alarm the next value begins anew.
 */
export class PageHinkley {
  private readonly options: Required<PageHinkleyOptions>;

  constructor(
    options: PageHinkleyOptions = {},
    private state: PageHinkleyState = fresh,
  ) {
    this.options = { minValues: 30, delta: 0.005, threshold: 50, alpha: 1 - 0.0001, ...options };
  }

  /** Takes the next value. @returns whether the mean has risen. */
  update(value: number): boolean {
    const { minValues, delta, threshold, alpha } = this.options;
    const before = this.state.hasFired ? fresh : this.state;
    const mean = before.mean + (value - before.mean) / before.count;
    const sum = Math.max(0, alpha * before.sum + (value - mean - delta));
    const count = before.count + 1;
    const hasFired = count >= minValues && sum >= threshold;
    this.state = { count, mean, sum, hasFired };
    return hasFired;
  }

  /** What another one goes on from. */
  get memory(): PageHinkleyState {
    return this.state;
  }
}
