import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProbePace, savedRunsMax } from './probe-pace.js';

describe('the pace of probes', () => {
  it('never spends more than the share of the requests, whatever is asked for and when', () => {
    const step = fc.record({
      requests: fc.integer({ min: 0, max: 3_000 }),
      runs: fc.constantFrom(2, 5, 16),
      gapMs: fc.integer({ min: 0, max: 3_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0.1, 0.5, 1, 7), (steps, percent) => {
        const pace = new ProbePace();
        let [served, spent, now] = [0, 0, 0];
        for (const { requests, runs, gapMs } of steps) {
          for (let at = 0; at < requests; at += 1) pace.earn(percent);
          served += requests;
          now += gapMs;
          if (pace.take(runs, now)) spent += runs;
          if (pace.pay(2)) spent += 2;
          expect(spent).toBeLessThanOrEqual((served * Math.min(1, percent)) / 100 + 1e-6);
        }
      }),
    );
  });

  it('leaves a second between two probes, and saves up no more than its bound', () => {
    const pace = new ProbePace();
    for (let at = 0; at < 100_000; at += 1) pace.earn(1);
    expect(pace.take(5, 10)).toBe(true);
    expect(pace.affords(5, 1_009)).toBe(false);
    expect(pace.take(5, 1_009)).toBe(false);
    expect(pace.take(5, 1_010)).toBe(true);
    expect(pace.affords(savedRunsMax, 9_999)).toBe(false);
    for (let at = 0; at < 100_000; at += 1) pace.earn(1);
    expect(pace.affords(savedRunsMax + 1, 9_999)).toBe(false);
    expect(pace.take(savedRunsMax, 9_999)).toBe(true);
    expect(pace.pay(1)).toBe(false);
  });
});
