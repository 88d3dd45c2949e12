import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { rankScores, rocAuc } from '../evaluation/ranking.js';
import { seededRandom } from '../evaluation/seeded-random.js';
import { calibrate, stratifiedFolds } from './calibrate.js';
import { domainAuc } from './domain-classifier.js';
import { estimateErrors, estimateErrorsByMargins, fitErrorTable } from './error-table.js';
import { estimateBinary } from './estimate-binary.js';
import { calibrateRows, estimateMulticlass } from './estimate-multiclass.js';
import { applyMap, fitIsotonic } from './isotonic.js';
import { deviationOf, spreadOfMetrics } from './metric-spread.js';
import { normalQuantile, normalShare } from './normal-law.js';

const Fixture = z.object({
  isotonic: z.array(
    z.object({
      name: z.string(),
      scores: z.array(z.number()),
      truths: z.array(z.number()),
      queries: z.array(z.number()),
      values: z.array(z.number()),
    }),
  ),
  estimates: z.array(
    z.object({
      name: z.string(),
      scores: z.array(z.number()),
      chances: z.array(z.number()),
      predicted: z.array(z.number()),
      values: z.record(z.string(), z.number()),
    }),
  ),
});
const fixture = Fixture.parse(JSON.parse(readFileSync(new URL('../../fixtures/estimates.json', import.meta.url), 'utf8')));
const gaussian = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

describe('isotonic regression', () => {
  it.each(fixture.isotonic)('is that of scikit-learn: $name', ({ scores, truths, queries, values }) => {
    const map = fitIsotonic(scores, truths);
    for (const [index, query] of queries.entries()) expect(applyMap(map, query)).toBeCloseTo(values[index] ?? Number.NaN, 12);
  });

  it('never falls, stays within the truths, and keeps a bounded number of breakpoints', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { minLength: 1, maxLength: 200 }), (rows) => {
        const map = fitIsotonic(
          rows.map(([score]) => score),
          rows.map(([, is]) => Number(is)),
        );
        for (const [index, height] of map.y.entries()) {
          expect(height).toBeGreaterThanOrEqual(index === 0 ? 0 : (map.y[index - 1] ?? 0) - 1e-12);
          expect(height).toBeLessThanOrEqual(1);
        }
      }),
      { seed: 5, numRuns: 200 },
    );
    const many = Array.from({ length: 5_000 }, (_, index) => index / 5_000);
    const map = fitIsotonic(many, many);
    expect(map.x.length).toBeLessThanOrEqual(1_000);
    for (const score of [0, 0.1234, 0.5, 0.9, 0.9998]) expect(Math.abs(applyMap(map, score) - score)).toBeLessThan(0.005);
  });
});

describe('calibration', () => {
  const rows = (seed: number, count: number, chanceOf: (score: number) => number) => {
    const random = seededRandom(seed);
    const scores = Float64Array.from({ length: count }, random);
    return { scores, isTrue: Uint8Array.from(scores, (score) => (random() < chanceOf(score) ? 1 : 0)) };
  };

  it('is kept where it lowers the error on rows held out', () => {
    const { scores, isTrue } = rows(1, 4_000, (score) => score ** 3);
    const { isIdentity, ece, map } = calibrate(scores, isTrue);
    expect(isIdentity).toBe(false);
    expect(ece.after).toBeLessThan(ece.before / 5);
    expect(applyMap(map, 0.5)).toBeCloseTo(0.125, 1);
  });

  it('changes little where scores are chances already, and is left out with one class and where they order the classes perfectly', () => {
    const good = rows(2, 4_000, (score) => score);
    const { map, isIdentity } = calibrate(good.scores, good.isTrue);
    for (const score of [0.2, 0.5, 0.8]) expect(Math.abs((isIdentity ? score : applyMap(map, score)) - score)).toBeLessThan(0.06);
    expect(calibrate(good.scores, new Uint8Array(4_000))).toMatchObject({ isIdentity: true });
    expect(
      calibrate(
        good.scores,
        Uint8Array.from(good.scores, (score) => Number(score > 0.5)),
      ),
    ).toMatchObject({ isIdentity: true });
  });

  it('spreads every class evenly over the parts', () => {
    const classes = Uint8Array.from({ length: 103 }, (_, row) => Number(row % 5 === 0));
    const folds = stratifiedFolds(classes, 10, 42);
    for (let fold = 0; fold < 10; fold += 1) {
      const inside = [...folds.keys()].filter((row) => folds[row] === fold);
      expect(inside.length).toBeGreaterThanOrEqual(10);
      expect(inside.filter((row) => classes[row] === 1).length).toBeGreaterThanOrEqual(2);
    }
    expect(stratifiedFolds(classes, 10, 42)).toEqual(folds);
  });
});

describe('quality expected from chances', () => {
  it.each(fixture.estimates)('is that of scikit-learn with fractional labels: $name', ({ scores, chances, predicted, values }) => {
    const estimate = estimateBinary({
      scores: Float64Array.from(scores),
      chances: Float64Array.from(chances),
      predicted: Uint8Array.from(predicted),
    });
    for (const [metric, value] of Object.entries(values)) expect(Reflect.get(estimate, metric), metric).toBeCloseTo(value, 12);
  });

  it('is the realised quality where chances are labels, and undefined where that is', () => {
    const [scores, predicted] = [Float64Array.of(0.9, 0.8, 0.3, 0.3), Uint8Array.of(1, 1, 0, 0)];
    expect(estimateBinary({ scores, predicted, chances: Float64Array.of(1, 0, 0, 1) })).toMatchObject({
      accuracy: 0.5,
      precision: 0.5,
      recall: 0.5,
      rocAuc: 0.625,
    });
    const none = estimateBinary({ scores, predicted: new Uint8Array(4), chances: new Float64Array(4) });
    expect(none).toMatchObject({ precision: undefined, recall: undefined, f1: 0, specificity: 1, rocAuc: undefined, prAuc: undefined });
    expect(estimateBinary({ scores: new Float64Array(), predicted: new Uint8Array(), chances: new Float64Array() }).accuracy).toBeUndefined();
  });

  it('counts a row of weight 3 like three rows', () => {
    const once = { scores: Float64Array.of(0.2, 0.7, 0.7), chances: Float64Array.of(0.1, 0.6, 0.8), predicted: Uint8Array.of(0, 1, 1) };
    const thrice = {
      scores: Float64Array.of(0.2, 0.2, 0.2, 0.7, 0.7),
      chances: Float64Array.of(0.1, 0.1, 0.1, 0.6, 0.8),
      predicted: Uint8Array.of(0, 0, 0, 1, 1),
    };
    expect(estimateBinary({ ...once, weights: Float64Array.of(3, 1, 1) })).toEqual(estimateBinary(thrice));
  });

  it('follows the realised AUC within a few thousandths under a shift of the inputs', () => {
    const random = seededRandom(17);
    for (const shift of [-1, -0.3, 0, 0.5, 1.2]) {
      const chances = Float64Array.from({ length: 40_000 }, () => 1 / (1 + Math.exp(-(1.5 * (gaussian(random) + shift) - 0.5))));
      const isTrue = Uint8Array.from(chances, (chance) => (random() < chance ? 1 : 0));
      const { rocAuc: estimate = 0 } = estimateBinary({
        scores: chances,
        chances,
        predicted: Uint8Array.from(chances, (chance) => Number(chance > 0.5)),
      });
      expect(Math.abs(estimate - (rocAuc(rankScores(chances), isTrue) ?? 0))).toBeLessThan(0.008);
    }
  });

  it('of several classes renormalises rows and gives the expected confusion', () => {
    const scores = Float64Array.of(0.7, 0.2, 0.1, 0.1, 0.1, 0.8, 0, 0, 0);
    const half = { x: [0, 1], y: [0, 0.5] };
    const chances = calibrateRows(scores, [half, undefined, undefined]);
    expect(chances[0]).toBeCloseTo(0.35 / 0.65, 12);
    for (const row of [0, 1]) expect([0, 1, 2].reduce((sum, column) => sum + (chances[row * 3 + column] ?? 0), 0)).toBeCloseTo(1, 12);
    const certain = Float64Array.of(1, 0, 0, 0, 0, 1, 0, 1, 0);
    const estimate = estimateMulticlass({ classes: 3, scores: certain, chances: certain, predicted: Int32Array.of(0, 2, 2) });
    expect(estimate).toMatchObject({ accuracy: 2 / 3, precisionMacro: 0.5, rocAuc: 1 });
    expect(estimate.recallMacro).toBeCloseTo(2 / 3, 12);
    expect(estimate.f1Macro).toBeCloseTo((1 + 0 + 2 / 3) / 3, 12);
  });
});

describe('errors expected from a table', () => {
  const random = seededRandom(3);
  const count = 20_000;
  const feature = Float64Array.from({ length: count }, random);
  const useless = Float64Array.from({ length: count }, random);
  const predicted = Float64Array.from({ length: count }, () => 10 * random());
  const scaleAt = (value: number, place: number) => (0.5 + 2 * value) * (1 + place / 10);
  const errors = Float64Array.from(feature, (value, row) => gaussian(random) * scaleAt(value, predicted[row] ?? 0));
  const table = fitErrorTable({ predicted, errors }, [
    { name: 'useless', values: useless },
    { name: 'spread', values: feature },
  ]);

  it('knows the input that tells most about the error', () => {
    expect(table.column).toBe('spread');
    expect([table.predictionEdges.length, table.columnEdges.length]).toEqual([9, 4]);
    expect(fitErrorTable({ predicted, errors: errors.map(() => gaussian(random)) }, [{ name: 'useless', values: useless }]).column).toBeNull();
  });

  it('follows a window whose inputs have moved, by rows and by margins', () => {
    const rows = [...feature.keys()].filter((row) => (feature[row] ?? 0) > 0.6 || row % 4 === 0);
    const moved = { predicted: rows.map((row) => predicted[row] ?? 0), column: rows.map((row) => feature[row] ?? 0) };
    const mae = rows.reduce((sum, row) => sum + Math.abs(errors[row] ?? 0), 0) / rows.length;
    const rmse = Math.sqrt(rows.reduce((sum, row) => sum + (errors[row] ?? 0) ** 2, 0) / rows.length);
    const all = errors.reduce((sum, error) => sum + Math.abs(error), 0) / count;
    expect(Math.abs(mae - all) / mae).toBeGreaterThan(0.1);
    const counts = [0, 0, 0, 0, 0];
    for (const value of moved.column) {
      const part = table.columnEdges.filter((edge) => value >= edge).length;
      counts[part] = (counts[part] ?? 0) + 1;
    }
    for (const estimate of [estimateErrors(table, moved), estimateErrorsByMargins(table, moved.predicted, counts)]) {
      expect(Math.abs((estimate?.mae ?? 0) - mae) / mae).toBeLessThan(0.02);
      expect(Math.abs((estimate?.rmse ?? 0) - rmse) / rmse).toBeLessThan(0.03);
    }
  });

  it('says nothing about no rows, and takes the line as a whole where the input is missing', () => {
    expect(estimateErrors(table, { predicted: [] })).toBeUndefined();
    expect(estimateErrors(table, { predicted: [5], column: [Number.NaN] })).toEqual(estimateErrors(table, { predicted: [5] }));
  });
});

describe('telling rows apart', () => {
  const draw = (seed: number, count: number, shift: number) => {
    const random = seededRandom(seed);
    const x = Float64Array.from({ length: count }, () => gaussian(random) + shift);
    return [
      x,
      Float64Array.from(x, (value) => value + gaussian(random)),
      Array.from({ length: count }, () => (random() < 0.3 + shift / 5 ? 'a' : 'b')),
    ] as const;
  };

  it.each([
    { shift: 0, low: 0.44, high: 0.56 },
    { shift: 0.7, low: 0.64, high: 0.74 },
    { shift: 3, low: 0.97, high: 1 },
  ])('finds an area of about Φ(d/√2) at the distance $shift', ({ shift, low, high }) => {
    const auc = domainAuc(draw(1, 2_000, 0), draw(2, 1_000, shift)) ?? Number.NaN;
    expect(auc).toBeGreaterThan(low);
    expect(auc).toBeLessThanOrEqual(high);
    expect(domainAuc(draw(1, 2_000, 0), draw(2, 1_000, shift))).toBe(auc);
  });

  it('sees what only two columns together show', () => {
    const random = seededRandom(9);
    const [x, y] = [Float64Array.from({ length: 1_500 }, () => gaussian(random)), Float64Array.from({ length: 1_500 }, () => gaussian(random))];
    expect(domainAuc([x, y], [x, x])).toBeGreaterThan(0.75);
  });

  it('says nothing with hardly any rows', () => {
    expect(domainAuc(draw(1, 29, 0), draw(2, 1_000, 0))).toBeUndefined();
    expect(domainAuc([], [])).toBeUndefined();
  });
});

describe('spread of a metric', () => {
  it('tells drawing rows from chunks that differ', () => {
    const random = seededRandom(4);
    const same = Float64Array.from({ length: 20_000 }, () => gaussian(random));
    const meanOf = (values: Float64Array) => (rows: Uint32Array) => ({ mean: rows.reduce((sum, row) => sum + (values[row] ?? 0), 0) / rows.length });
    const calm = spreadOfMetrics(same.length, meanOf(same))['mean'];
    expect(calm?.perRow).toBeGreaterThan(0.85);
    expect(calm?.perRow).toBeLessThan(1.15);
    expect(deviationOf(calm ?? { value: 0, sd: 0, chunkRows: 1, perRow: 0 }, 100)).toBeCloseTo(0.1, 1);
    const wandering = same.map((value, row) => value + (Math.floor(row / 1_000) % 2));
    const wild = spreadOfMetrics(same.length, meanOf(wandering))['mean'];
    expect(deviationOf(wild ?? { value: 0, sd: 0, chunkRows: 1, perRow: 0 }, 1_000_000)).toBeGreaterThan(0.4);
  });
});

it('the normal law and its inverse agree, with known values', () => {
  expect(normalShare(1.959963984540054)).toBeCloseTo(0.975, 6);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 8);
  for (const share of [1e-6, 0.01, 0.2, 0.5, 0.9, 0.9999]) expect(normalShare(normalQuantile(share))).toBeCloseTo(share, 6);
});
