import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bootstrapP, intervalOf, resamplesFor } from './bootstrap.js';
import { type ClassifierTask, classifierStatistics, viewScores } from './classifier-statistics.js';
import { compareMetrics, disagreeingRows, disagreementMatrix } from './compare-versions.js';
import { errorRows, meanAbsolutePercentage, percentagesMakeSense } from './error-measures.js';
import type { ClassifiedRows } from './labelled-rows.js';
import { holm, mcnemarExact } from './mcnemar.js';
import { measureClassifier } from './measure-classifier.js';
import { measureRegressor } from './measure-regressor.js';
import { seededRandom } from './seeded-random.js';
import { StableSum } from './stable-sum.js';

const Values = z.record(z.string(), z.number().nullable());
const Fixture = z.object({
  'scikit-learn': z.string(),
  classification: z.array(
    z.object({
      name: z.string(),
      classes: z.number(),
      truth: z.array(z.number()),
      predicted: z.array(z.number()),
      scores: z.array(z.array(z.number())).optional(),
      values: Values,
      perClass: z.array(z.array(z.number())),
      confusion: z.array(z.array(z.number())),
    }),
  ),
  regression: z.array(z.object({ name: z.string(), truth: z.array(z.number()), predicted: z.array(z.number()), values: Values })),
});
const fixture = Fixture.parse(JSON.parse(readFileSync(new URL('../../fixtures/evaluation.json', import.meta.url), 'utf8')));

/** To 1e-12, of the value where that is larger than 1. */
function expectEqual(actual: number | null | undefined, expected: number, what: string): void {
  expect(Math.abs((actual ?? Number.NaN) - expected), `${what}: ${actual} for ${expected}`).toBeLessThanOrEqual(
    1e-12 * Math.max(1, Math.abs(expected)),
  );
}

interface Given {
  readonly classes: number;
  readonly truth: readonly number[];
  readonly predicted: readonly number[];
  readonly scores?: readonly (readonly number[])[] | undefined;
}
function rowsOf({ classes, truth, predicted, scores }: Given): ClassifiedRows {
  const shares = scores?.flatMap((row) => {
    const sum = row.reduce((total, each) => total + each, 0);
    return row.map((each) => each / sum);
  });
  return {
    classes: Array.from({ length: classes }, (_, index) => String(index)),
    truth: Int32Array.from(truth),
    predicted: Int32Array.from(predicted),
    ...(shares === undefined ? {} : { scores: { columns: classes, values: Float64Array.from(shares) } }),
  };
}
const taskOf = (classes: number): ClassifierTask => ({ kind: classes === 2 ? 'binary' : 'multiclass', positive: 1 });

describe(`equal to scikit-learn ${fixture['scikit-learn']} to 1e-12`, () => {
  it.each(fixture.classification.map((one) => [one.name, one] as const))('classifier: %s', (_, one) => {
    const rows = rowsOf(one);
    const result = measureClassifier(rows, taskOf(one.classes), 30);
    for (const [metric, expected] of Object.entries(one.values)) {
      const measure = result.metrics[metric];
      if (expected === null) expect(measure, metric).toMatchObject({ value: null, status: 'undefined', reason: expect.stringMatching(/\w/) });
      else if (measure?.value === null) expect([metric, expected]).toEqual([expect.stringMatching(/^precision/), 0]);
      else expectEqual(measure?.value, expected, metric);
    }
    for (const [index, [precision, recall, f1]] of one.perClass.entries()) {
      const measures = result.perClass[index];
      expectEqual(measures?.precision.value ?? 0, precision ?? -1, `precision of ${index}`);
      expectEqual(measures?.recall.value ?? 0, recall ?? -1, `recall of ${index}`);
      expectEqual(measures?.f1.value ?? 0, f1 ?? -1, `F1 of ${index}`);
    }
    const matrix = one.confusion.map((line) => line.map(() => 0));
    for (const { actual, predicted, count } of result.confusion) if (predicted !== null) (matrix[actual] ?? [])[predicted] = count;
    expect(matrix).toEqual(one.confusion);
  });

  it.each(fixture.regression.map((one) => [one.name, one] as const))('regressor: %s', (_, { truth, predicted, values }) => {
    const rows = { truth: Float64Array.from(truth), predicted: Float64Array.from(predicted) };
    const { metrics } = measureRegressor(rows);
    for (const [metric, expected] of Object.entries(values)) {
      if (metric === 'mape') expectEqual(meanAbsolutePercentage(errorRows(rows)), expected ?? Number.NaN, metric);
      else if (expected === null) expect(metrics[metric]?.status).toBe('undefined');
      else expectEqual(metrics[metric]?.value, expected, metric);
    }
  });
});

describe('golden values of monitoring.md 9.1', () => {
  it('300 rows in three classes', () => {
    const truth = Array.from({ length: 300 }, (_, k) => (7 * k) % 3);
    const predicted = truth.map((y, k) => ((13 * k) % 10 < 7 ? y : (y + 1 + (k % 2)) % 3));
    const { metrics, confusion } = measureClassifier(rowsOf({ classes: 3, truth, predicted }), taskOf(3));
    for (const [metric, value] of Object.entries({ accuracy: 0.7, mcc: 0.55, kappa: 0.55 })) expectEqual(metrics[metric]?.value, value, metric);
    expect(confusion.map((cell) => cell.count)).toEqual([70, 10, 20, 20, 70, 10, 10, 20, 70]);
  });

  const k = Array.from({ length: 300 }, (_, index) => index);
  const truth = k.map((each) => Number((11 * each) % 7 < 3));
  const score = k.map((each, index) => Math.min(1, Math.max(0, (0.5 * ((37 * each) % 101)) / 101 + 0.35 * (truth[index] ?? 0))));
  const binary = (scores: readonly number[]): ClassifiedRows => ({
    classes: ['0', '1'],
    truth: Int32Array.from(truth),
    predicted: Int32Array.from(scores, (each) => Number(each >= 0.5)),
    scores: { columns: 2, values: Float64Array.from(scores.flatMap((each) => [1 - each, each])) },
  });
  it('300 scores', () => {
    const { metrics } = measureClassifier(binary(score), taskOf(2));
    const golden = {
      rocAuc: 0.9521737159436058,
      prAuc: 0.9448941010950739,
      logLoss: 0.40959409950914033,
      brier: 0.1262528681828579,
      eceEqualWidth: 0.16138118811881186,
      ece: 0.1855528052805281,
    };
    for (const [metric, value] of Object.entries(golden)) expectEqual(metrics[metric]?.value, value, metric);
    const rounded = measureClassifier(binary(score.map((each) => Math.round(each * 10) / 10)), taskOf(2)).metrics;
    expectEqual(rounded.rocAuc?.value, 0.9475950859059794, 'AUC of rounded scores');
    expectEqual(rounded.prAuc?.value, 0.9116979809924233, 'AP of rounded scores');
  });

  it('300 values', () => {
    const t = k.map((each) => 10 + ((17 * each) % 50) / 5);
    const f = t.map((value, index) => value + (((29 * index) % 21) - 10) / 7);
    const { metrics } = measureRegressor({ truth: Float64Array.from(t), predicted: Float64Array.from(f) });
    const golden = { mae: 0.75, rmse: 0.8670459661880638, r2: 0.9097516557643466, mape: 0.05200622949841041 };
    for (const [metric, value] of Object.entries(golden)) expectEqual(metrics[metric]?.value, value, metric);
    expect(meanAbsolutePercentage(errorRows({ truth: Float64Array.of(0, 1), predicted: Float64Array.of(1, 1) }))).toBe(2251799813685248);
    expect(percentagesMakeSense(errorRows({ truth: Float64Array.of(0.009, 1, 1), predicted: Float64Array.of(1, 1, 1) }))).toBe(false);
    expect(percentagesMakeSense(errorRows({ truth: Float64Array.of(-0.011, 1, 1), predicted: Float64Array.of(1, 1, 1) }))).toBe(true);
  });
});

describe('rows without a usable answer', () => {
  const truth = Int32Array.from({ length: 200 }, (_, row) => row % 2);
  const answers = (hole: number): ClassifiedRows => ({
    classes: ['a', 'b'],
    truth,
    predicted: truth.map((value, row) => (row < hole ? 2 : value)),
    scores: {
      columns: 2,
      values: Float32Array.from([...truth].flatMap((value, row) => (row < hole ? [Number.NaN, Number.NaN] : [1 - value, value]))),
    },
  });

  it('are misses, and are left out of what needs scores, which says over how many rows it is', () => {
    const { metrics } = measureClassifier(answers(20), taskOf(2));
    expect(metrics.accuracy).toMatchObject({ value: 0.9, n: 200 });
    expect(metrics.answeredShare).toMatchObject({ value: 0.9, n: 200 });
    expect(metrics.rocAuc).toMatchObject({ value: 1, n: 180 });
    expect(measureClassifier(answers(200), taskOf(2)).metrics.rocAuc).toMatchObject({ value: null, n: 0, status: 'undefined' });
    const { metrics: errors } = measureRegressor({ truth: Float64Array.of(1, 2, 3, 4), predicted: Float64Array.of(1, 2, Number.NaN, 6) });
    expect(errors.mae).toMatchObject({ value: 2 / 3, n: 3 });
    expect(errors.answeredShare).toMatchObject({ value: 0.75, n: 4 });
  });

  it('a class that the model has no score for costs what an impossible one does', () => {
    const rows: ClassifiedRows = {
      classes: ['a', 'b', 'new'],
      truth: Int32Array.of(0, 1, 2),
      predicted: Int32Array.of(0, 1, 1),
      scores: { columns: 2, values: Float64Array.of(1, 0, 0, 1, 0.5, 0.5) },
    };
    const { metrics } = measureClassifier(rows, taskOf(3));
    expectEqual(metrics.logLoss?.value, 36.04365338911715 / 3, 'log loss');
    expect(metrics.rocAuc).toMatchObject({ value: null, status: 'undefined' });
    expectEqual(metrics.recallMacro?.value, 2 / 3, 'recall');
  });

  it('scores that are no probabilities give ranks, but no losses', () => {
    const logits: ClassifiedRows = {
      ...answers(0),
      scores: { columns: 2, values: Float32Array.from([...truth].flatMap((value) => [-value, 3 * value])) },
    };
    const { metrics, calibration } = measureClassifier(logits, taskOf(2));
    expect(metrics.rocAuc?.value).toBe(1);
    expect(metrics.logLoss).toMatchObject({ value: null, reason: expect.stringContaining('no probabilities') });
    expect(calibration).toBeNull();
  });

  it('calibration of fewer than 100 rows is shown and not judged by', () => {
    const few = (n: number): ClassifiedRows => ({
      classes: ['a', 'b'],
      truth: truth.slice(0, n),
      predicted: truth.slice(0, n),
      scores: answers(0).scores,
    });
    expect(measureClassifier(few(99), taskOf(2)).metrics.ece).toMatchObject({ status: 'insufficient', n: 99 });
    expect(measureClassifier(few(100), taskOf(2)).metrics.ece).toMatchObject({ status: 'ok', n: 100 });
  });
});

/** Rows of a classifier that is right this often. */
function noisy(n: number, accuracy: number, seed: number): ClassifiedRows {
  const random = seededRandom(seed);
  const truth = Int32Array.from({ length: n }, (_, row) => row % 2);
  const certain = truth.map((value) => (random() < accuracy ? value : 1 - value));
  const positive = Array.from(certain, (value) => (value === 1 ? 0.5 + random() / 2 : random() / 2));
  return {
    classes: ['0', '1'],
    truth,
    predicted: certain,
    scores: { columns: 2, values: Float64Array.from(positive.flatMap((each) => [1 - each, each])) },
  };
}

describe('intervals', () => {
  it('hold the value, and are the same for the same rows', () => {
    const rows = noisy(150, 0.8, 7);
    const result = measureClassifier(rows, taskOf(2));
    expect(measureClassifier(rows, taskOf(2))).toEqual(result);
    for (const [metric, { value, interval }] of Object.entries(result.metrics)) {
      if (value === null || interval === null) continue;
      expect(interval[0], metric).toBeLessThanOrEqual(value);
      expect(interval[1], metric).toBeGreaterThanOrEqual(value);
    }
  });

  it('cover the true AUC in about 95 % of data sets', () => {
    // A right answer has a score above ½, a wrong one below: P(positive above negative) = a² + a(1 − a) when both halves are uniform.
    const a = 0.8;
    const auc = a * a + a * (1 - a);
    const covered = Array.from({ length: 40 }, (_, seed) => measureClassifier(noisy(120, a, seed + 1), taskOf(2), 200).metrics.rocAuc?.interval);
    const share = covered.filter((interval) => interval !== null && interval !== undefined && interval[0] <= auc && auc <= interval[1]).length;
    expect(share).toBeGreaterThanOrEqual(34);
  });

  it('the work of resampling is bounded, and never fewer than 30', () => {
    expect(resamplesFor(228, 12, 400)).toBe(400);
    expect(resamplesFor(1_000_000, 12, 400)).toBe(30);
    expect(
      intervalOf(
        1,
        Array.from({ length: 30 }, (_, index) => index / 30),
        30,
      )?.every(Number.isFinite),
    ).toBe(true);
    expect(intervalOf(1, [1, 1], 400)).toBeUndefined();
  });
});

describe('comparing versions', () => {
  const compared = (versions: readonly ClassifiedRows[]) => ({ kind: 'classifier' as const, task: taskOf(2), versions });

  it('finds a difference that is there, and says which is better', () => {
    const [weak, good] = [noisy(228, 0.8, 1), noisy(228, 0.97, 2)];
    const differences = compareMetrics(compared([weak, good]));
    for (const metric of ['accuracy', 'f1', 'rocAuc', 'logLoss', 'brier', 'mcc']) {
      const found = differences.find((each) => each.metric === metric);
      expect(found, metric).toMatchObject({ significant: true, better: 'this', n: 228 });
      expect(
        found?.interval?.every((bound) => Math.sign(bound) === Math.sign(found.difference)),
        metric,
      ).toBe(true);
    }
    expect(differences.find((each) => each.metric === 'accuracy')?.test).toBe('mcnemar-exact');
  });

  it('a version is no better than itself', () => {
    const rows = noisy(100, 0.8, 3);
    for (const difference of compareMetrics(compared([rows, rows]))) expect(difference).toMatchObject({ difference: 0, p: 1, significant: false });
    expect(disagreementMatrix(compared([rows, rows]))).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(disagreeingRows(compared([rows, rows]))).toEqual([]);
  });

  it('equal versions are told apart in at most about 5 % of data sets', () => {
    const wrong = Array.from({ length: 12 }, (_, seed) =>
      compareMetrics(compared([noisy(80, 0.8, 2 * seed + 1000), noisy(80, 0.8, 2 * seed + 1001)])).filter(
        (each) => each.metric === 'brier' && each.significant,
      ),
    ).flat();
    expect(wrong.length).toBeLessThanOrEqual(3);
  });

  it('lists the rows that differ most first, also where one has no answer', () => {
    const truth = Float64Array.of(1, 2, 3);
    const versions = [
      { truth, predicted: Float64Array.of(1, 2, 3) },
      { truth, predicted: Float64Array.of(1.5, 4, 3) },
      { truth, predicted: Float64Array.of(1, 2, Number.NaN) },
    ];
    expect(disagreeingRows({ kind: 'regressor', versions })).toEqual([2, 1, 0]);
    expect(disagreementMatrix({ kind: 'regressor', versions })[0]).toEqual([0, 2.5 / 3, 0]);
  });

  it.each([
    { only: [0, 0], p: 1 },
    { only: [0, 5], p: 0.0625 },
    { only: [1, 9], p: 0.021484375 },
    { only: [6, 6], p: 1 },
    { only: [120, 180], p: 0.000634 },
  ] as const)('McNemar, $only', ({ only, p }) => {
    expect(mcnemarExact(only[0], only[1])).toBeCloseTo(p, 5);
    expect(mcnemarExact(only[1], only[0])).toBe(mcnemarExact(only[0], only[1]));
  });

  it('Holm: the smallest has to be the surest', () => {
    expect(holm([0.03, 0.01, 0.02], 0.05)).toEqual([true, true, true]);
    expect(holm([0.03, 0.02, 0.04], 0.05)).toEqual([false, false, false]);
    expect(bootstrapP([0.1, 0.2, 0.3])).toBe(0.5);
  });
});

describe('the arithmetic', () => {
  it('a sum keeps what plain addition loses', () => {
    const sum = new StableSum();
    for (const value of [1, 1e100, 1, -1e100]) sum.add(value);
    expect(sum.value).toBe(2);
  });

  it('a weight is so many copies of a row', () => {
    const row = fc.record({
      truth: fc.integer({ min: 0, max: 2 }),
      predicted: fc.integer({ min: 0, max: 3 }),
      scores: fc.tuple(fc.nat(9), fc.nat(9), fc.integer({ min: 1, max: 9 })),
      weight: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 25 }), (given) => {
        const of = (list: typeof given) =>
          rowsOf({
            classes: 3,
            truth: list.map((each) => each.truth),
            predicted: list.map((each) => each.predicted),
            scores: list.map((each) => each.scores),
          });
        const ordered = [...given].sort((a, b) => a.truth - b.truth);
        const copies = of(ordered.flatMap((each) => Array.from({ length: each.weight }, () => each)));
        const weighted = of(ordered);
        const task = taskOf(3);
        const expected = classifierStatistics(copies, task, viewScores(copies, task))(undefined);
        const actual = classifierStatistics(weighted, task, viewScores(weighted, task))(Uint32Array.from(ordered, (each) => each.weight));
        for (const [metric, value] of Object.entries(expected)) {
          const got = Object.entries(actual).find(([name]) => name === metric)?.[1];
          if (value === undefined) expect(got, metric).toBeUndefined();
          else expectEqual(got, value, metric);
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});
