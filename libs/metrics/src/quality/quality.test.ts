import type { Task } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracy, classMetrics, kappaMetric, macroMetrics, matthewsMetric } from './classification-metrics.js';
import { type ConfusionCell, confusionMatrix, countConfusion } from './confusion-counts.js';
import { countLabel, countRows, type LabelledRow } from './count-rows.js';
import { wilsonInterval } from './intervals.js';
import { judgeQualityWindow } from './judge-quality-window.js';
import { measureScores, scoredRows } from './measure-scores.js';
import { measureWindow } from './measure-window.js';
import { addCounts, noCounts, QualityCounts } from './quality-counts.js';

const cells = (pairs: readonly (readonly [label: unknown, predicted: unknown])[]): ConfusionCell[] =>
  pairs.map(([label, predicted]) => ({ label: String(label), predicted: predicted === null ? null : String(predicted), count: 1 }));
const binary: Task = { kind: 'binary', rowAxis: 0, classes: [0, 1], positiveClass: 1 };
const regression: Task = { kind: 'regression', rowAxis: 0 };

const none = { scores: null, truth: null, rank: null, predicted: null, predictedNumber: null, score: null, label: null, labelNumber: null };
const scored = (label: number, score: number): LabelledRow => ({
  ...none,
  label: String(label),
  score,
  truth: label,
  predicted: String(Number(score >= 0.5)),
});
const valued = (truth: number, predicted: number): LabelledRow => ({ ...none, labelNumber: truth, predictedNumber: predicted });
const clip = (value: number) => Math.min(1, Math.max(0, value));
const golden = Array.from({ length: 300 }, (_, k): LabelledRow => {
  const y = (11 * k) % 7 < 3 ? 1 : 0;
  return scored(y, clip((0.5 * ((37 * k) % 101)) / 101 + 0.35 * y));
});

describe('golden values of monitoring.md 9.1', () => {
  const relative = (value: number | null | undefined, expected: number) => expect(Math.abs((value ?? Number.NaN) / expected - 1)).toBeLessThan(1e-9);

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
    relative(accuracy(counts.table)?.value, 0.7);
    relative(macroMetrics(counts.table).f1?.value, 0.7);
    relative(matthewsMetric(counts.table)?.value, 0.55);
    relative(kappaMetric(counts.table)?.value, 0.55);
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
    const macro = macroMetrics(countConfusion(six, classes).table);
    relative(macro.precision?.value, precision);
    relative(macro.recall?.value, recall);
    relative(macro.f1?.value, f1);
    relative(macro.undefinedShare, undefinedShare);
  });

  it.each([{ from: 'rows' }, { from: 'counts' }])('300 scored rows, from $from', ({ from }) => {
    const { metrics } = measureWindow(countRows(golden), binary, from === 'rows' ? scoredRows(golden) : undefined);
    relative(metrics['logLoss']?.value, 0.40959409950914033);
    relative(metrics['brier']?.value, 0.1262528681828579);
    relative(metrics['eceEqualWidth']?.value, 0.16138118811881186);
    const [roc, pr, ece] = [metrics['rocAuc'], metrics['prAuc'], metrics['ece']];
    if (from === 'rows') {
      relative(roc?.value, 0.9521737159436058);
      relative(pr?.value, 0.9448941010950739);
      relative(ece?.value, 0.1855528052805281);
      return;
    }
    expect(roc?.bound).toBeGreaterThan(0);
    expect(Math.abs((roc?.value ?? 0) - 0.9521737159436058)).toBeLessThanOrEqual(roc?.bound ?? 0);
    expect(Math.abs((ece?.value ?? 0) - 0.1855528052805281)).toBeLessThanOrEqual(ece?.bound ?? 0);
  });

  it('300 scores rounded to tenths, which have as many ties', () => {
    const rounded = golden.map((row): LabelledRow => scored(row.truth ?? 0, Math.round((row.score ?? 0) * 10) / 10));
    const { metrics } = measureWindow(countRows(rounded), binary, scoredRows(rounded));
    relative(metrics['rocAuc']?.value, 0.9475950859059794);
    relative(metrics['prAuc']?.value, 0.9116979809924233);
  });

  it.each([{ from: 'rows' }, { from: 'counts' }])('300 values, from $from', ({ from }) => {
    const rows = Array.from({ length: 300 }, (_, k) => {
      const t = 10 + ((17 * k) % 50) / 5;
      return valued(t, t + (((29 * k) % 21) - 10) / 7);
    });
    const { metrics } = measureWindow(countRows(rows), regression, from === 'rows' ? scoredRows(rows) : undefined);
    relative(metrics['mae']?.value, 0.75);
    relative(metrics['rmse']?.value, 0.8670459661880638);
    relative(metrics['r2']?.value, 0.9097516557643466);
    relative(metrics['mape']?.value, 0.05200622949841041);
    const median = metrics['medae'];
    expect(Math.abs((median?.value ?? 0) - 5 / 7)).toBeLessThanOrEqual((median?.bound ?? 0) + 1e-12);
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

  it('every estimate lies in its interval', () => {
    const classes = ['a', 'b', 'c'];
    const cell = fc.record({
      label: fc.constantFrom(...classes),
      predicted: fc.constantFrom(...classes, 'outside', null),
      count: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 30 }), (given) => {
        const { table } = countConfusion(given, classes);
        const { precision, recall, f1 } = macroMetrics(table);
        for (const estimate of [accuracy(table), precision, recall, f1, matthewsMetric(table)]) {
          expect(estimate).not.toBeNull();
          expect(estimate?.interval[0]).toBeLessThanOrEqual((estimate?.value ?? 0) + 1e-12);
          expect(estimate?.interval[1]).toBeGreaterThanOrEqual((estimate?.value ?? 0) - 1e-12);
        }
      }),
    );
  });

  it('hold what they are meant to: 95 % of windows of a known model', () => {
    const random = seeded(7);
    const held: Record<string, number> = {};
    // A score of u is right with a chance of u: AUC, log loss and the others of such rows are known.
    const known: Record<string, number> = {
      accuracy: 0.75,
      recall: 0.75,
      precision: 0.75,
      f1: 0.75,
      mcc: 0.5,
      kappa: 0.5,
      rocAuc: 5 / 6,
      logLoss: 0.5,
      brier: 1 / 6,
    };
    const windows = 300;
    for (let window = 0; window < windows; window += 1) {
      const rows = Array.from({ length: 400 }, () => {
        const score = random();
        return scored(Number(random() < score), score);
      });
      const { metrics } = measureWindow(countRows(rows), binary);
      for (const [name, value] of Object.entries(known)) {
        const { interval } = metrics[name] ?? { interval: null };
        if (interval !== null && interval[0] <= value && value <= interval[1]) held[name] = (held[name] ?? 0) + 1;
      }
    }
    for (const name of Object.keys(known)) {
      expect(`${name} ${(held[name] ?? 0) / windows >= 0.91}`).toBe(`${name} true`);
      expect(`${name} ${(held[name] ?? 0) / windows <= 0.995}`).toBe(`${name} true`);
    }
  });
});

describe('zero division', () => {
  const { table } = countConfusion(cells([['a', 'a']]), ['a', 'b']);
  it('of a class that neither occurred nor was predicted is undefined, not 0', () => {
    expect(classMetrics(table, 1)).toEqual({ precision: null, recall: null, f1: null });
  });
  it('F1 is 0 when only one of the two is undefined', () => {
    const never = countConfusion(cells([['b', 'a']]), ['a', 'b']);
    expect(classMetrics(never.table, 1)).toMatchObject({ precision: null, recall: { value: 0 }, f1: { value: 0 } });
  });
  it('nothing at all has no metrics', () => {
    expect(accuracy(countConfusion([], ['a']).table)).toBeNull();
    expect(macroMetrics(countConfusion([], ['a', 'b']).table).f1).toBeNull();
    expect(measureWindow(noCounts(), regression).metrics['mae']).toMatchObject({ value: null, why: 'no labelled row has a prediction' });
  });
  it('tells undefined from insufficient', () => {
    const rows = Array.from({ length: 300 }, () => scored(0, 0.2));
    const judged = judgeQualityWindow({ measures: measureWindow(countRows(rows), binary), task: binary });
    expect(judged['rocAuc']).toMatchObject({
      value: null,
      verdict: 'insufficient',
      reason: expect.stringContaining('is undefined: a class does not occur'),
    });
    expect(judged['accuracy']).toMatchObject({
      value: 1,
      verdict: 'insufficient',
      reason: expect.stringContaining('class "1" has 0 of them, and at least 10'),
    });
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
    expect([...counts.table.actual, ...counts.table.predicted]).toEqual([3, 0, 1, 0, 2]);
    expect(confusionMatrix(counts)).toEqual([
      [1, 0],
      [0, 0],
    ]);
  });

  it('leaves out labels that are no class of the version', () => {
    const { table } = countConfusion(cells([['old', 'a']]), ['a', 'b']);
    expect(table.n).toBe(0);
  });

  it('takes the classes that occur when none are known', () => {
    expect(countConfusion(cells([['b', 'a']]), undefined).classes).toEqual(['a', 'b']);
  });

  it('keeps names that objects have by themselves', () => {
    const odd: LabelledRow = { ...none, label: '__proto__', predicted: 'constructor' };
    const counts = QualityCounts.parse(JSON.parse(JSON.stringify(countRows([odd, odd]))));
    expect(measureWindow(counts, { kind: 'multiclass', rowAxis: 0 }).confusion).toMatchObject({
      classes: ['__proto__', 'constructor'],
      counts: [
        [0, 2],
        [0, 0],
      ],
    });
  });

  it('bounds what one window may hold, and still counts every row', () => {
    const counts = countRows(Array.from({ length: 2_500 }, (_, at): LabelledRow => ({ ...none, label: `c${at}`, predicted: 'x' })));
    expect(Object.keys(counts.cells).length).toBeLessThanOrEqual(2_001);
    expect(
      Object.values(counts.cells)
        .flatMap((bins) => Object.values(bins))
        .reduce((a, b) => a + b, 0),
    ).toBe(2_500);
    expect(Object.keys(counts.labelled)).toHaveLength(1);
  });

  const anyRow = fc.oneof(
    fc
      .record({ label: fc.integer({ min: 0, max: 1 }), score: fc.double({ min: 0, max: 1, noNaN: true }) })
      .map(({ label, score }) => scored(label, score)),
    fc
      .record({ truth: fc.integer({ min: -80, max: 80 }), predicted: fc.integer({ min: -80, max: 80 }) })
      .map(({ truth, predicted }) => valued(20 + truth / 8, 20 + predicted / 8)),
    fc
      .tuple(fc.integer({ min: 0, max: 2 }), fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }))
      .map(([truth, parts]): LabelledRow => {
        const total = parts.reduce((a, b) => a + b, 0);
        return {
          ...none,
          label: String(truth),
          truth,
          scores: parts.map((part) => part / total),
          predicted: '0',
          score: (parts[0] ?? 0) / total,
          rank: 0,
        };
      }),
  );
  it('adds up over windows in any order, and takes out what was put in', () => {
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 40 }),
        fc.array(anyRow, { maxLength: 40 }),
        fc.array(anyRow, { maxLength: 20 }),
        (one, other, revised) => {
          const sum = countRows(one);
          addCounts(sum, countRows(other));
          for (const row of revised) countLabel(sum, row);
          for (const row of [...revised].reverse()) {
            const one = noCounts();
            countLabel(one, row);
            addCounts(sum, one, -1);
          }
          same(sum, countRows([...other, ...one]));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('records that stand for several predictions', () => {
  const random = seeded(11);
  const rows = Array.from({ length: 4_000 }, () => {
    const [label, score] = [random() < 0.4 ? 1 : 0, random()];
    return scored(label, score);
  });
  const task = binary;

  it('count as often as they stand for, and no surer than as many rows as they are', () => {
    const once = measureWindow(countRows(rows), task);
    const four = measureWindow(countRows(rows.map((row) => ({ ...row, probability: 0.25 }))), task);
    expect(four).toMatchObject({ labelled: 4_000, standsFor: 16_000 });
    expect(four.confusion?.counts.flat().reduce((a, b) => a + b, 0)).toBe(16_000);
    for (const name of ['accuracy', 'recall', 'rocAuc', 'prAuc', 'logLoss', 'ece']) {
      expect(four.metrics[name]?.value, name).toBeCloseTo(once.metrics[name]?.value ?? Number.NaN, 10);
      expect(four.metrics[name]?.n, name).toBeCloseTo(4_000, 6);
      for (const end of [0, 1] as const)
        expect(four.metrics[name]?.interval?.[end], name).toBeCloseTo(once.metrics[name]?.interval?.[end] ?? Number.NaN, 6);
    }
  });

  it('give the figures of all predictions from a sample that is uneven over time', () => {
    // A quiet hour in which the model is bad is recorded whole; of a busy one in which it is good, a tenth is.
    const quiet = Array.from({ length: 1_000 }, (_, at): LabelledRow => scored(at % 2, at % 4 < 2 ? 0.9 : 0.1));
    const busy = Array.from({ length: 1_000 }, (_, at): LabelledRow => ({ ...scored(at % 2, at % 2), probability: Math.fround(0.1) }));
    const { metrics, labelled, standsFor } = measureWindow(countRows([...quiet, ...busy]), task);
    expect(metrics['accuracy']?.value).toBeCloseTo((500 + 10_000) / 11_000, 6);
    expect(standsFor).toBe(11_000);
    // (Σw)² / Σw²
    expect(labelled).toBeCloseTo(11_000 ** 2 / (1_000 + 100_000), 2);
  });

  it('are taken out of sums again without a rest', () => {
    const counts = countRows([scored(1, 0.7)]);
    const other: LabelledRow = { ...scored(0, 0.2), probability: Math.fround(1 / 3) };
    for (let at = 0; at < 100; at += 1) countLabel(counts, other);
    for (let at = 0; at < 100; at += 1) {
      const one = noCounts();
      countLabel(one, other);
      addCounts(counts, one, -1);
    }
    expect(Object.keys(counts.cells)).toEqual(['=1']);
    expect(Object.keys(counts.scores)).toEqual(['=1']);
    expect(measureWindow(counts, task)).toMatchObject({ labelled: 1, standsFor: 1 });
  });
});

it('measures many classes from their scores: means over classes, places of the true one', () => {
  const random = seeded(3);
  const task: Task = { kind: 'multiclass', rowAxis: 0, classes: ['a', 'b', 'c', 'd'] };
  const rows = Array.from({ length: 500 }, (): LabelledRow => {
    const parts = Array.from({ length: 4 }, () => -Math.log(random()));
    const total = parts.reduce((a, b) => a + b, 0);
    const scores = parts.map((part) => part / total);
    const drawn = random();
    const truth = Math.max(
      0,
      scores.findIndex((_, index) => scores.slice(0, index + 1).reduce((a, b) => a + b, 0) >= drawn),
    );
    const best = scores.indexOf(Math.max(...scores));
    const rank = scores.filter((score) => score > (scores[truth] ?? 0)).length;
    return { ...none, label: 'abcd'[truth] ?? '', predicted: 'abcd'[best] ?? '', score: scores[best] ?? 0, scores, truth, rank };
  });
  const exact = measureWindow(countRows(rows), task, scoredRows(rows));
  const binned = measureWindow(countRows(rows), task);
  for (const name of [
    'accuracy',
    'rocAuc',
    'rocAucWeighted',
    'prAuc',
    'logLoss',
    'brier',
    'ece',
    'top3Accuracy',
    'mcc',
    'kappa',
    'balancedAccuracy',
    'f1Weighted',
  ]) {
    expect(`${name} ${exact.metrics[name]?.value != null}`).toBe(`${name} true`);
    expect(exact.metrics[name]?.interval).not.toBeNull();
    expect(Math.abs((exact.metrics[name]?.value ?? 0) - (binned.metrics[name]?.value ?? 1))).toBeLessThanOrEqual(
      (binned.metrics[name]?.bound ?? 0) + 1e-9,
    );
  }
  expect(exact.metrics['top5Accuracy']).toMatchObject({ value: null, why: 'the version scores too few classes' });
  expect(exact.perClass[1]?.metrics['rocAuc']?.value).toBeGreaterThan(0.5);
  expect(measureScores(countRows(rows), { task, classes: ['a', 'b', 'c', 'd'], positive: undefined }).reliability()).toHaveLength(10);
});

/** Numbers in [0, 1) from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Equal to within what adding in another order rounds away. */
function same(one: unknown, other: unknown, path = ''): void {
  if (typeof one === 'number' && typeof other === 'number') {
    const apart = Math.abs(one - other);
    if (apart > 1e-8 * Math.max(1, Math.abs(one), Math.abs(other))) throw new Error(`${path}: ${one} against ${other}`);
    return;
  }
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) {
    expect(one).toEqual(other);
    return;
  }
  expect(Object.keys(one).sort()).toEqual(Object.keys(other).sort());
  for (const key of Object.keys(one)) same(Reflect.get(one, key), Reflect.get(other, key), `${path}.${key}`);
}
