import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareThreads, type ThreadWish } from './thread-budget.js';

describe('shareThreads', () => {
  it.each<{ name: string; wish: ThreadWish; cores: number; others: number[]; given: number; note?: string }>([
    { name: 'gives a quick model one thread', wish: { wished: 'auto', runMs: 4.9 }, cores: 8, others: [], given: 1 },
    { name: 'gives a model of unknown speed one thread', wish: { wished: 'auto' }, cores: 8, others: [], given: 1 },
    { name: 'gives a slow model all cores', wish: { wished: 'auto', runMs: 5 }, cores: 8, others: [], given: 8 },
    {
      name: 'gives a slow model what others leave',
      wish: { wished: 'auto', runMs: 50 },
      cores: 8,
      others: [1, 2],
      given: 5,
      note: "5 of 8 wished: the host's other instances have 3 of its 8",
    },
    { name: 'honours a stated number', wish: { wished: 3, runMs: 0.1 }, cores: 8, others: [2], given: 3 },
    {
      name: 'honours a stated number up to what is left',
      wish: { wished: 4 },
      cores: 2,
      others: [1, 1],
      given: 1,
      note: "1 of 4 wished: the host's budget of 2 is spent",
    },
    {
      name: 'gives nobody more than the host has',
      wish: { wished: 64 },
      cores: 2,
      others: [],
      given: 2,
      note: '2 of 64 wished: the host has 2 cores',
    },
    { name: 'gives at least one when others have too many', wish: { wished: 'auto', runMs: 1 }, cores: 2, others: [2, 1, 1], given: 1 },
  ])('$name', ({ wish, cores, others, given, note }) => {
    expect(shareThreads(wish, cores, others)).toMatchObject({ given, note });
  });
});

const anyWish = fc.record({
  wished: fc.oneof(fc.integer({ min: 1, max: 256 }), fc.constant<'auto'>('auto')),
  runMs: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
});
const sum = (threads: readonly number[]) => threads.reduce((all, each) => all + each, 0);

describe('any host', () => {
  it('has at most as many threads as cores or instances, when its instances start together', () => {
    fc.assert(
      fc.property(fc.array(anyWish, { maxLength: 40 }), fc.integer({ min: 1, max: 64 }), (wishes, cores) => {
        const given: number[] = [];
        for (const [at, wish] of wishes.entries()) {
          const toCome = wishes.slice(at + 1).map(() => 1);
          given.push(shareThreads(wish, cores, [...given, ...toCome]).given);
        }
        expect(sum(given)).toBeLessThanOrEqual(Math.max(cores, wishes.length));
      }),
    );
  });

  it('gives more than one thread only within its budget, and a note whenever it gives less than wished', () => {
    fc.assert(
      fc.property(anyWish, fc.integer({ min: 1, max: 64 }), fc.array(fc.integer({ min: 1, max: 64 }), { maxLength: 20 }), (wish, cores, others) => {
        const { given, wished, note } = shareThreads(wish, cores, others);
        expect(given).toBeGreaterThanOrEqual(1);
        expect(given).toBeLessThanOrEqual(wished);
        if (given > 1) expect(given + sum(others)).toBeLessThanOrEqual(cores);
        expect(note === undefined).toBe(given === wished);
      }),
    );
  });
});
