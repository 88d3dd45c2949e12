import { type ObservedAnswer, observedRowsMax } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addPairs, compareAnswers, noPairs, otherClass } from './compare-answers.js';

const by = (task: 'binary' | 'multiclass' | 'regression' | undefined, topK = 2) => ({ task, topK });

describe('compareAnswers', () => {
  it.each<{ name: string; stable: ObservedAnswer; candidate: ObservedAnswer; how: ReturnType<typeof by>; seen: object }>([
    {
      name: 'counts flips by the class that stable predicts',
      stable: { p: ['a', 'a', 'b'], s: [0.125, 0.25, 0.875] },
      candidate: { p: ['a', 'b', 'b'], s: [0.125, 0.75, 0.875] },
      how: by('binary'),
      seen: { rows: 3, flips: 1, byClass: { a: { rows: 2, flips: 1 }, b: { rows: 1, flips: 0 } }, distance: { n: 3, sum: 0.5, max: 0.5 } },
    },
    {
      name: 'takes 1 and "1" for one class',
      stable: { p: [1] },
      candidate: { p: ['1'] },
      how: by('binary'),
      seen: { rows: 1, flips: 0, distance: { n: 0 } },
    },
    {
      name: 'knows no flips of a regression, only distances',
      stable: { p: [1.5, 2] },
      candidate: { p: [1, 2] },
      how: by('regression'),
      seen: { rows: 2, flips: 0, byClass: {}, distance: { n: 2, sum: 0.5, sumOfSquares: 0.25, max: 0.5 } },
    },
    {
      name: 'bounds the distance of scores of different classes from below',
      stable: { p: ['a'], s: [0.75] },
      candidate: { p: ['b'], s: [0.5] },
      how: by('multiclass'),
      seen: { flips: 1, distance: { n: 1, sum: 0.25 } },
    },
    {
      name: 'shares of the top k need k names on both sides',
      stable: { p: ['a', 'a'], k: [['a', 'b', 'c'], ['a']] },
      candidate: { p: ['a', 'a'], k: [['a', 'c', 'b'], ['a']] },
      how: by('multiclass'),
      seen: { topK: { n: 1, sum: 0.5 } },
    },
    {
      name: 'cannot compare other numbers of rows',
      stable: { p: ['a'] },
      candidate: { p: ['a', 'b'] },
      how: by('binary'),
      seen: { rows: 0, incomparable: 1 },
    },
    {
      name: 'cannot compare what nobody could read',
      stable: { p: [null] },
      candidate: { p: ['a'] },
      how: by('binary'),
      seen: { rows: 0, incomparable: 1 },
    },
    { name: 'knows equality without a task', stable: { h: 'x' }, candidate: { h: 'x' }, how: by(undefined), seen: { requests: 1, incomparable: 0 } },
    {
      name: 'says nothing of what differs without a task',
      stable: { h: 'x' },
      candidate: { h: 'y' },
      how: by(undefined),
      seen: { flips: 0, incomparable: 1 },
    },
    { name: 'says nothing without anything', stable: {}, candidate: {}, how: by(undefined), seen: { incomparable: 1 } },
  ])('$name', ({ stable, candidate, how, seen }) => {
    const pair = compareAnswers(stable, candidate, how);
    for (const [key, value] of Object.entries(seen)) {
      const given: unknown = Reflect.get(pair, key);
      if (typeof value === 'object') expect(given).toMatchObject(value);
      else expect(given).toBe(value);
    }
  });

  it('looks at no more rows than are observed', () => {
    const many = { p: new Array<string>(observedRowsMax + 10).fill('a') };
    expect(compareAnswers(many, many, by('binary')).rows).toBe(observedRowsMax);
  });

  it('takes any name for a class, also one that plain objects have', () => {
    const names = ['constructor', '__proto__', 'hasOwnProperty'];
    const one = compareAnswers({ p: names }, { p: names.with(0, 'a') }, by('multiclass'));
    expect(Object.entries(addPairs(one, one).byClass)).toEqual([
      ['constructor', { rows: 2, flips: 2 }],
      ['__proto__', { rows: 2, flips: 0 }],
      ['hasOwnProperty', { rows: 2, flips: 0 }],
    ]);
  });

  it('sums up in any order, with a bound on the classes', () => {
    const answer = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 3, maxLength: 3 }).map((p) => ({ p }));
    fc.assert(
      fc.property(fc.array(fc.tuple(answer, answer), { maxLength: 8 }), (pairs) => {
        const parts = pairs.map(([a, b]) => compareAnswers(a, b, by('binary')));
        const forwards = parts.reduce(addPairs, noPairs);
        expect(parts.toReversed().reduce(addPairs, noPairs)).toEqual(forwards);
        expect(forwards).toMatchObject({ requests: pairs.length, rows: 3 * pairs.length });
      }),
    );
    const one = (label: string) => compareAnswers({ p: [label] }, { p: [label] }, by('multiclass'));
    const many = Array.from({ length: 70 }, (_, index) => one(`c${index}`)).reduce(addPairs, noPairs);
    expect(Object.keys(many.byClass)).toHaveLength(65);
    expect(many.byClass[otherClass]).toEqual({ rows: 6, flips: 0 });
  });
});
