import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerSpread } from './answer-spread.js';
import { mostRelative } from './noise-bins.js';

const ask = (...values: number[][]) => answerSpread(values.map((each) => ({ values: each })));

describe('the spread of answers', () => {
  it.each([
    {
      name: 'equal answers differ by exactly nothing',
      answers: [
        [0.1, 0.2],
        [0.1, 0.2],
        [0.1, 0.2],
      ],
      variance: 0,
      relative: 0,
    },
    { name: 'two answers: half of the squared difference', answers: [[1], [3]], variance: 2, relative: Math.SQRT2 / 2 },
    { name: 'the variance is unbiased', answers: [[1], [2], [3], [4]], variance: 5 / 3, relative: Math.sqrt(5 / 3) / 2.5 },
    {
      name: 'variances of classes add up',
      answers: [
        [0.9, 0.1],
        [0.7, 0.3],
      ],
      variance: 0.04,
      relative: 0.2 / Math.hypot(0.8, 0.2),
    },
    { name: 'around zero any difference is large', answers: [[-1], [1]], variance: 2, relative: mostRelative },
    { name: 'answers of another length cannot be compared', answers: [[1], [1, 2]], variance: 0, relative: mostRelative },
    {
      name: 'all not a number is no difference',
      answers: [
        [Number.NaN, 1],
        [Number.NaN, 1],
      ],
      variance: 0,
      relative: 0,
    },
    { name: 'equally infinite is no difference', answers: [[Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY]], variance: 0, relative: 0 },
    { name: 'some not a number is the largest difference', answers: [[Number.NaN], [1]], variance: 0, relative: mostRelative },
    {
      name: 'other signs of infinity likewise',
      answers: [[Number.NEGATIVE_INFINITY], [Number.POSITIVE_INFINITY]],
      variance: 0,
      relative: mostRelative,
    },
  ])('$name', ({ answers, variance, relative }) => {
    const spread = ask(...answers);
    expect(spread?.variance).toBeCloseTo(variance, 12);
    expect(spread?.relative).toBeCloseTo(relative, 12);
  });

  it('needs two answers', () => {
    expect(ask([1])).toBeUndefined();
    expect(answerSpread([])).toBeUndefined();
  });

  it('counts labels that are not the most frequent one, whatever their type', () => {
    const answers = [1, '1', 2, null].map((label) => ({ values: [1], label }));
    expect(answerSpread(answers)).toMatchObject({ labels: 3, flips: 1 });
    expect(answerSpread([{ values: [1], label: 'a' }, { values: [1] }])).toMatchObject({ labels: 0, flips: 0 });
  });

  it('compares answers without numbers by their labels', () => {
    expect(answerSpread(['a', 'a', 'b', 'a'].map((label) => ({ values: [], label })))).toMatchObject({ relative: 0.25, flips: 1 });
  });

  it('neither order nor unit changes what is relative', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const answers = fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 2, maxLength: 16 });
    fc.assert(
      fc.property(answers, fc.constantFrom(0.25, 2, 1024), (given, unit) => {
        const [plain, turned, scaled] = [ask(...given), ask(...given.toReversed()), ask(...given.map((each) => each.map((one) => one * unit)))];
        expect(turned?.relative).toBeCloseTo(plain?.relative ?? Number.NaN, 6);
        expect(scaled?.relative).toBeCloseTo(plain?.relative ?? Number.NaN, 6);
      }),
    );
  });
});
