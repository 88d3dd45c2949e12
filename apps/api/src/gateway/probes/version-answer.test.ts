import { expect, it } from 'vitest';
import { versionSpread } from './version-answer.js';

it.each([
  { name: 'values of a regression', one: { p: [10] }, other: { p: [12] }, task: 'regression' as const, relative: Math.SQRT2 / 11, flips: 0 },
  {
    name: 'scores of a binary answer',
    one: { p: [1], s: [0.8] },
    other: { p: [0], s: [0.4] },
    task: 'binary' as const,
    relative: (Math.SQRT2 * 0.2) / 0.6,
    flips: 1,
  },
  { name: 'labels where there are no scores', one: { p: ['a'] }, other: { p: ['b'] }, task: 'multiclass' as const, relative: 0.5, flips: 1 },
  { name: 'equal answers', one: { p: ['a'], s: [0.9] }, other: { p: ['a'], s: [0.9] }, task: 'multiclass' as const, relative: 0, flips: 0 },
])('compares $name', ({ one, other, task, relative, flips }) => {
  const spread = versionSpread(one, other, task);
  expect(spread?.relative).toBeCloseTo(relative, 12);
  expect(spread?.flips).toBe(flips);
});

it('scores of different classes are apart by at least what both leave for the other', () => {
  const spread = versionSpread({ p: ['a'], s: [0.9] }, { p: ['b'], s: [0.7] }, 'multiclass');
  // (0.9, 0.1) against (0.3, 0.7).
  expect(spread?.variance).toBeCloseTo((0.6 ** 2 + 0.6 ** 2) / 2, 12);
});

it.each([
  { name: 'an answer that is missing', one: undefined, other: { p: [1] }, task: 'regression' as const },
  { name: 'answers without a task', one: { h: 'a' }, other: { h: 'b' }, task: undefined },
  { name: 'a value that is no number', one: { p: ['a'] }, other: { p: [1] }, task: 'regression' as const },
])('cannot compare $name', ({ one, other, task }) => {
  expect(versionSpread(one, other, task)).toBeUndefined();
});
