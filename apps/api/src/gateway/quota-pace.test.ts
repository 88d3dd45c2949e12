import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueUnder, nextDue, type Pace, paceOf, paceWaitMs } from './quota-pace.js';

/** Lets in whatever may come at these times; returns the times that were let in. */
function letIn(pace: Pace, times: readonly number[]): number[] {
  let dueAt = 0;
  return times.filter((now) => {
    if (paceWaitMs(pace, dueAt, now) > 0) return false;
    dueAt = nextDue(pace, dueAt, now);
    return true;
  });
}
const rates = fc.record({ rate: fc.double({ min: 0.1, max: 5_000, noNaN: true }), burst: fc.integer({ min: 1, max: 100 }) });
const gaps = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 300 });
const sums = (values: readonly number[]) =>
  values.map(
    (
      (sum) => (value: number) =>
        (sum += value)
    )(0),
  );

describe('a pace', () => {
  it('lets in no more than the burst and the rate in any window', () => {
    fc.assert(
      fc.property(rates, gaps, ({ rate, burst }, between) => {
        const pace = paceOf(rate, burst, false);
        const passed = letIn(pace, sums(between));
        for (const [start, from] of passed.entries()) {
          for (const [offset, to] of passed.slice(start).entries()) {
            expect(offset + 1).toBeLessThanOrEqual(burst + ((to - from) * rate) / 1000 + 1e-6);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('refuses nobody who keeps to the rate', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 200 }), ({ rate, burst }, count) => {
        const pace = paceOf(rate, burst, false);
        const times = Array.from({ length: count }, (_, index) => index * pace.intervalMs * (1 + 1e-9));
        expect(letIn(pace, times)).toHaveLength(count);
      }),
    );
  });

  it('lets one in at the very moment that it names', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 0, max: 300 }), ({ rate, burst }, taken) => {
        const pace = paceOf(rate, burst, false);
        let dueAt = 0;
        for (let index = 0; index < taken; index += 1) dueAt = nextDue(pace, dueAt, 0);
        const wait = paceWaitMs(pace, dueAt, 0);
        expect(paceWaitMs(pace, dueAt, wait)).toBeLessThan(1e-6);
        expect(wait === 0).toBe(taken < burst);
      }),
    );
  });

  it('is even when it should be', () => {
    expect(paceOf(10, 50, true)).toEqual({ intervalMs: 100, burst: 1 });
    expect(paceOf(1_000, undefined, true)).toEqual({ intervalMs: 1, burst: 10 });
    expect(paceOf(10, undefined, false)).toEqual({ intervalMs: 100, burst: 10 });
    expect(paceOf(0.5, undefined, false)).toEqual({ intervalMs: 2_000, burst: 1 });
  });

  it('keeps what was let in ahead of time when it changes, and makes nobody wait for the old rate', () => {
    const [slow, fast] = [paceOf(1, 10, false), paceOf(100, 10, false)];
    const ahead = 5_000;
    expect(dueUnder(slow, fast, ahead, 0)).toBeCloseTo(50);
    expect(dueUnder(fast, slow, 100, 0)).toBeCloseTo(10_000);
    expect(dueUnder(fast, paceOf(1, 1, false), 100, 0)).toBeCloseTo(1_000);
    expect(dueUnder(slow, fast, -5_000, 7)).toBe(7);
  });
});
