import type { Task } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracy, classMetrics, macroMetrics } from './classification-metrics.js';
import { type ConfusionCell, confusionMatrix, countConfusion } from './confusion-counts.js';
import { meanInterval, wilsonInterval } from './intervals.js';
import { averageOf, judgeQuality, minLabelled } from './judge-quality.js';
import { addErrorSums, type ErrorSums, meanAbsoluteError, rootMeanSquaredError } from './regression-metrics.js';

const cells = (pairs: readonly (readonly [label: unknown, predicted: unknown])[]): ConfusionCell[] =>
  pairs.map(([label, predicted]) => ({ label: String(label), predicted: predicted === null ? null : String(predicted), count: 1 }));
const errorsOf = (pairs: readonly (readonly [number, number])[]): ErrorSums => {
  const errors = pairs.map(([truth, predicted]) => predicted - truth);
  const sum = (pick: (error: number) => number) => errors.reduce((total, error) => total + pick(error), 0);
  return { n: errors.length, absolute: sum(Math.abs), squared: sum((error) => error ** 2), fourth: sum((error) => error ** 4) };
};

describe('golden values of monitoring.md 9.1', () => {
  it('300 rows in three classes', () => {
    const pairs = Array.from({ length: 300 }, (_, k): [number, number] => {
      const y = (7 * k) % 3;
      return [y, (13 * k) % 10 < 7 ? y : (y + 1 + (k % 2)) % 3];
    });
    const counts = countConfusion(cells(pairs), ['0', '1', '2']);
    expect(confusionMatrix(counts)).toEqual([
      [70, 10, 20],
      [20, 70, 10],
      [10, 20, 70],
    ]);
    expect(accuracy(counts)?.value).toBeCloseTo(0.7, 12);
    expect(macroMetrics(counts).f1?.value).toBeCloseTo(0.7, 12);
  });

  const six = cells([
    [0, 0],
    [0, 0],
    [1, 1],
    [1, 1],
    [2, 1],
    [2, 1],
  ]);
  it.each([
    { classes: ['0', '1', '2'], precision: 0.5, recall: 2 / 3, f1: 5 / 9, undefinedShare: 1 / 3 },
    { classes: ['0', '1', '2', '3'], precision: 0.375, recall: 0.5, f1: 5 / 12, undefinedShare: 0.5 },
  ])('macro averages with undefined counted as 0, over $classes', ({ classes, precision, recall, f1, undefinedShare }) => {
    const macro = macroMetrics(countConfusion(six, classes));
    expect(macro.precision?.value).toBeCloseTo(precision, 12);
    expect(macro.recall?.value).toBeCloseTo(recall, 12);
    expect(macro.f1?.value).toBeCloseTo(f1, 12);
    expect(macro.undefinedShare).toBeCloseTo(undefinedShare, 12);
  });

  it('300 values: MAE and RMSE', () => {
    const pairs = Array.from({ length: 300 }, (_, i): [number, number] => {
      const t = 10 + ((17 * i) % 50) / 5;
      return [t, t + (((29 * i) % 21) - 10) / 7];
    });
    const sums = errorsOf(pairs);
    expect(meanAbsoluteError(sums)?.value).toBeCloseTo(0.75, 12);
    expect(rootMeanSquaredError(sums)?.value).toBeCloseTo(0.8670459661880638, 12);
  });
});

describe('intervals', () => {
  // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
  it.each([
    { successes: 81, n: 263, low: 0.2553, high: 0.3662 },
    { successes: 15, n: 148, low: 0.0624, high: 0.1605 },
    { successes: 0, n: 20, low: 0, high: 0.1611 },
    { successes: 1, n: 29, low: 0.0061, high: 0.1718 },
  ])('Wilson of $successes in $n', ({ successes, n, low, high }) => {
    const interval = wilsonInterval(successes, n);
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it('Wilson of nothing is everything', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
    expect(wilsonInterval(7, 7)[1]).toBe(1);
  });

  it('of a mean has no width for one row or equal values', () => {
    expect(meanInterval(3, 9, 1)).toEqual([3, 3]);
    expect(meanInterval(6, 12, 3)).toEqual([2, 2]);
  });

  it('every estimate lies in its interval', () => {
    const classes = ['a', 'b', 'c'];
    const cell = fc.record({
      label: fc.constantFrom(...classes),
      predicted: fc.constantFrom(...classes, 'outside', null),
      count: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 30 }), (given) => {
        const counts = countConfusion(given, classes);
        const { precision, recall, f1 } = macroMetrics(counts);
        for (const estimate of [accuracy(counts), precision, recall, f1]) {
          expect(estimate).not.toBeNull();
          expect(estimate?.interval[0]).toBeLessThanOrEqual((estimate?.value ?? 0) + 1e-12);
          expect(estimate?.interval[1]).toBeGreaterThanOrEqual((estimate?.value ?? 0) - 1e-12);
        }
      }),
    );
  });
});

describe('zero division', () => {
  const counts = countConfusion(cells([['a', 'a']]), ['a', 'b']);
  it('of a class that neither occurred nor was predicted is undefined, not 0', () => {
    expect(classMetrics(counts, 1)).toEqual({ precision: null, recall: null, f1: null });
  });
  it('F1 is 0 when only one of the two is undefined', () => {
    const never = countConfusion(cells([['b', 'a']]), ['a', 'b']);
    expect(classMetrics(never, 1)).toMatchObject({ precision: null, recall: { value: 0 }, f1: { value: 0 } });
  });
  it('nothing at all has no metrics', () => {
    expect(accuracy(countConfusion([], ['a']))).toBeNull();
    expect(macroMetrics(countConfusion([], ['a', 'b'])).f1).toBeNull();
    expect(meanAbsoluteError(errorsOf([]))).toBeNull();
  });
});

describe('counting', () => {
  it('counts an answer that was no class as a miss', () => {
    const counts = countConfusion(
      cells([
        ['a', null],
        ['a', 'elsewhere'],
        ['a', 'a'],
      ]),
      ['a', 'b'],
    );
    expect(counts).toMatchObject({ n: 3, correct: 1, actual: [3, 0], predicted: [1, 0] });
    expect(confusionMatrix(counts)).toEqual([
      [1, 0],
      [0, 0],
    ]);
  });
  it('leaves out labels that are no class of the version', () => {
    expect(countConfusion(cells([['z', 'a']]), ['a']).n).toBe(0);
  });
  it('takes the classes that occur when none are known', () => {
    expect(countConfusion(cells([['b', 'a']]), undefined).classes).toEqual(['a', 'b']);
  });
  it('adds windows up to the whole', () => {
    const a = errorsOf([
      [1, 2],
      [3, 5],
    ]);
    const b = errorsOf([[0, -1]]);
    expect(addErrorSums([a, b])).toEqual(
      errorsOf([
        [1, 2],
        [3, 5],
        [0, -1],
      ]),
    );
  });
});

describe('judging', () => {
  const binary: Task = { kind: 'binary', rowAxis: 0, classes: ['benign', 'malignant'], positiveClass: 'malignant' };
  const labelled = (n: number) => ({ predicted: n, errors: [], cells: [{ label: 'malignant', predicted: 'malignant', count: n }] });

  it.each([
    { n: minLabelled - 1, verdict: 'insufficient' },
    { n: minLabelled, verdict: 'ok' },
  ])('$n labelled rows are $verdict', ({ n, verdict }) => {
    const judged = judgeQuality(labelled(n), binary);
    expect(judged.accuracy).toMatchObject({ value: 1, n, verdict });
    expect(judged.recall?.reason).toContain('class "malignant"');
  });

  it('uses the positive class, by default the second', () => {
    const one = {
      predicted: 4,
      errors: [],
      cells: cells([
        ['1', '1'],
        ['1', '0'],
        ['0', '0'],
        ['0', '0'],
      ]),
    };
    expect(judgeQuality(one, { kind: 'binary', rowAxis: 0 }).recall?.value).toBe(0.5);
    expect(judgeQuality(one, { kind: 'binary', rowAxis: 0, positiveClass: 0 }).recall?.value).toBe(1);
  });

  it('says why a metric is undefined', () => {
    const judged = judgeQuality({ predicted: 40, errors: [], cells: [{ label: 'benign', predicted: 'benign', count: 40 }] }, binary);
    expect(judged.accuracy).toMatchObject({ value: 1, verdict: 'ok' });
    expect(judged.recall).toMatchObject({ value: null, verdict: 'insufficient' });
    expect(judged.recall?.reason).toMatch(/undefined: the class did not occur/);
  });

  it('has no metrics without labels, nor for other tasks', () => {
    const empty = { predicted: 10, cells: [], errors: [] };
    expect(judgeQuality(empty, binary)).toMatchObject({ labelled: 0, accuracy: null });
    expect(judgeQuality(labelled(50), { kind: 'other', rowAxis: null })).toMatchObject({ labelled: 0, accuracy: null });
    expect([averageOf(binary), averageOf({ kind: 'multiclass', rowAxis: 0 }), averageOf({ kind: 'regression', rowAxis: 0 })]).toEqual([
      'binary',
      'macro',
      null,
    ]);
  });

  it('judges a regression by its errors', () => {
    const sums = errorsOf(Array.from({ length: 40 }, (_, i): [number, number] => [0, i % 2 === 0 ? 1 : -3]));
    const judged = judgeQuality({ predicted: 40, cells: [], errors: [sums] }, { kind: 'regression', rowAxis: 0 });
    expect(judged.mae).toMatchObject({ value: 2, verdict: 'ok' });
    expect(judged.rmse?.value).toBeCloseTo(Math.sqrt(5), 12);
    expect(judged.accuracy).toBeNull();
  });
});
