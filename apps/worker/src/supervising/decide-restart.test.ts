import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Death, decideRestart, remembered, rememberedMax } from './decide-restart.js';

const now = 1_000_000;
const served = (secondsAgo: number): Death => ({ atMs: now - secondsAgo * 1_000, wasReady: true });
const unready = (secondsAgo: number): Death => ({ atMs: now - secondsAgo * 1_000, wasReady: false });
const restart = (afterMs: number) => ({ kind: 'restart', afterMs });

describe('decideRestart', () => {
  it.each<{ name: string; deaths: Death[]; expected: object }>([
    { name: 'starts a dead instance again without delay', deaths: [served(0)], expected: restart(0) },
    { name: 'does so a second time within a minute', deaths: [served(10), served(0)], expected: restart(0) },
    { name: 'takes a breath before the third', deaths: [served(10), served(5), served(0)], expected: restart(250) },
    { name: 'and a longer one before the fourth', deaths: [served(9), served(6), served(3), served(0)], expected: restart(500) },
    { name: 'waits four seconds at most', deaths: Array.from({ length: 30 }, (_, k) => served(29 - k)), expected: restart(4_000) },
    { name: 'forgets deaths older than a minute', deaths: [served(62), served(60), served(10), served(0)], expected: restart(0) },
    { name: 'leaves one that never was ready to the planner', deaths: [unready(0)], expected: { kind: 'fail' } },
    { name: 'tries a restart that did not become ready again', deaths: [served(1), unready(0)], expected: restart(250) },
    { name: 'tries it a third time', deaths: [served(2), unready(1), unready(0)], expected: restart(500) },
    { name: 'then gives it up', deaths: [served(3), unready(2), unready(1), unready(0)], expected: { kind: 'fail' } },
    {
      name: 'counts starts that failed from the last time it was ready',
      deaths: [served(9), unready(8), unready(7), served(5), unready(0)],
      expected: restart(250),
    },
  ])('$name', ({ deaths, expected }) => {
    expect(decideRestart(deaths, now)).toEqual(expected);
  });

  it('never fails an instance for deaths while it served, however many and whenever', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 1, maxLength: 200 }), (ages) => {
        const deaths = ages.toSorted((a, b) => b - a).map(served);
        const decision = decideRestart(remembered(deaths), now);
        expect(decision.kind).toBe('restart');
        if (decision.kind === 'restart') expect(decision.afterMs).toBeLessThanOrEqual(4_000);
      }),
    );
  });

  it('decides the same from what it keeps of the past as from all of it', () => {
    const anyDeath = fc.record({ age: fc.integer({ min: 0, max: 120 }), wasReady: fc.boolean() });
    fc.assert(
      fc.property(fc.array(anyDeath, { minLength: 1, maxLength: 100 }), (all) => {
        // As they can come: a fourth start in a row that fails is no more.
        const deaths: Death[] = [];
        for (const { age, wasReady } of all.toSorted((a, b) => b.age - a.age)) {
          if (!wasReady && decideRestart([...deaths, unready(age)], now - age * 1_000).kind === 'fail') continue;
          deaths.push(wasReady ? served(age) : unready(age));
        }
        if (deaths.length === 0) return;
        expect(remembered(deaths).length).toBeLessThanOrEqual(rememberedMax);
        expect(decideRestart(remembered(deaths), now)).toEqual(decideRestart(deaths, now));
      }),
    );
  });
});
