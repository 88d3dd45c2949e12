import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterFailure, afterSuccess, inliers } from './outlier.js';
import { type Candidate, pickInstance } from './pick-instance.js';

const now = 1_000;
const candidate = (outstanding: number, change: Partial<Candidate> = {}): Candidate => ({ outstanding, window: 10, ejectedUntilMs: 0, ...change });
const ejected = (outstanding: number) => candidate(outstanding, { ejectedUntilMs: now + 1 });
const pick = (candidates: readonly Candidate[], random = Math.random) => pickInstance(candidates, now, random);

describe('pickInstance', () => {
  it('answers nothing when there is none', () => {
    expect(pick([])).toBeUndefined();
  });

  it('takes the only one, ejected or not, as long as it has room', () => {
    expect(pick([ejected(9)])?.outstanding).toBe(9);
    expect(pick([candidate(10)])).toBeUndefined();
  });

  it('takes the less loaded of two', () => {
    for (let round = 0; round < 50; round += 1) expect(pick([candidate(3), candidate(2)])?.outstanding).toBe(2);
  });

  it('leaves out an ejected instance while another one has room', () => {
    for (let round = 0; round < 50; round += 1) expect(pick([ejected(0), candidate(9)])?.outstanding).toBe(9);
  });

  it('lets the request wait when all that are not ejected are full', () => {
    expect(pick([ejected(0), candidate(10)])).toBeUndefined();
  });

  it('ignores ejection when every instance is ejected', () => {
    expect(pick([ejected(4), ejected(2), ejected(3)])?.outstanding).toBe(2);
  });

  it('takes an instance again when its ejection is over', () => {
    expect(pick([candidate(0, { ejectedUntilMs: now }), candidate(1)])?.outstanding).toBe(0);
  });

  it('never goes over a window, and finds room wherever there is some', () => {
    const instances = fc.array(fc.record({ outstanding: fc.nat(6), window: fc.integer({ min: 1, max: 6 }), ejectedUntilMs: fc.constant(0) }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(instances, fc.double({ min: 0, max: 0.999, noNaN: true }), (candidates, random) => {
        const picked = pick(candidates, () => random);
        expect(picked === undefined).toBe(candidates.every((one) => one.outstanding >= one.window));
        if (picked !== undefined) expect(picked.outstanding).toBeLessThan(picked.window);
      }),
    );
  });

  it('spreads equal load evenly', () => {
    const loads = [0, 0, 0, 0];
    for (let round = 0; round < 4_000; round += 1) {
      const picked = pickInstance(
        loads.map((outstanding, index) => ({ index, outstanding, window: 1e6, ejectedUntilMs: 0 })),
        now,
        Math.random,
      );
      if (picked !== undefined) loads[picked.index] = (loads[picked.index] ?? 0) + 1;
    }
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(10);
  });
});

describe('outlier', () => {
  const fail = (times: number, from = inliers) => Array.from({ length: times }).reduce<typeof inliers>((state) => afterFailure(state, now), from);

  it('ejects at the fifth failure in a row, for a second', () => {
    expect(fail(4).ejectedUntilMs).toBe(0);
    expect(fail(5).ejectedUntilMs).toBe(now + 1_000);
  });

  it('starts afresh after a success', () => {
    expect(fail(4, afterSuccess(fail(4))).ejectedUntilMs).toBe(0);
  });

  it('ejects for twice as long each time, up to 30 s', () => {
    const lasts = Array.from({ length: 8 }, (_, index) => fail(5 + index).ejectedUntilMs - now);
    expect(lasts).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });
});
