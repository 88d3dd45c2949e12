import type { ColumnLayout, Task } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { estimateWindow, realisedWindow } from '../estimates/estimate-window.js';
import { domainAucOfProfile, profileShift } from '../estimates/profile-shift.js';
import { gradeTrust, trustFactsOf } from '../estimates/trust-grade.js';
import { arrangeRows } from '../evaluation/arrange-rows.js';
import { seededRandom } from '../evaluation/seeded-random.js';
import { type ColumnValues, countColumns, layoutOf } from '../profiles/index.js';
import { buildReference } from './build-reference.js';
import { describeColumn } from './describe-column.js';

const rows = 4_000;
const gaussian = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const task: Task = { kind: 'binary', predictionOutput: 'label', scoreOutput: 'score', classes: ['no', 'yes'], positiveClass: 'yes', rowAxis: 0 };

/** A classifier that hangs on `strong`, a little on `weak` and not at all on the others; `code` is a number of few values. */
function draw(seed: number, shift = 0) {
  const random = seededRandom(seed);
  const strong = Float64Array.from({ length: rows }, () => gaussian(random) + shift);
  const weak = Float64Array.from({ length: rows }, () => gaussian(random));
  const noise = Float64Array.from({ length: rows }, (_, row) => (row % 10 === 0 ? Number.NaN : random()));
  const code = Float64Array.from({ length: rows }, () => Math.floor(5 * random()));
  const city = Array.from({ length: rows }, () => ['Rome', 'Oslo', 'Lima'][Math.floor(3 * random())] ?? '');
  const score = Float64Array.from(strong, (value, row) => 1 / (1 + Math.exp(-2 * value - 0.5 * (weak[row] ?? 0))));
  const prediction = Array.from(score, (value) => (value >= 0.5 ? 'yes' : 'no'));
  const labels = Array.from(score, (value) => (random() < value ? 'yes' : 'no'));
  return { values: [strong, weak, noise, code, city, prediction, score] as ColumnValues[], score, prediction, labels };
}

const column = (name: string, kind: ColumnLayout['kind'], side: ColumnLayout['side'] = 'input'): ColumnLayout => ({
  ...{ name, side, tensor: name, index: 0, kind },
  ...(kind === 'categorical' ? { categories: name === '@prediction' ? ['no', 'yes'] : [] } : {}),
});
const layout = layoutOf([
  column('strong', 'numeric'),
  column('weak', 'numeric'),
  column('noise', 'numeric'),
  column('code', 'numeric'),
  column('city', 'categorical'),
  column('@prediction', 'categorical', 'output'),
  column('@score', 'numeric', 'output'),
]);

function build(seed = 1) {
  const { values, score, prediction, labels } = draw(seed);
  const arranged = arrangeRows(task, { labels, predictions: prediction, scores: { columns: 1, values: score } });
  return buildReference({ layout, rows, values, labelled: { arranged, places: Uint32Array.from({ length: rows }, (_, row) => row) } });
}

describe('a reference of rows', () => {
  const body = build();
  const byName = (name: string) => {
    const index = body.layout.columns.findIndex((each) => each.name === name);
    return { layout: body.layout.columns[index], counts: body.profile.columns[index], known: body.columns[index] };
  };

  it('counts every value of every column, missing ones apart, within its own bounds', () => {
    for (const { name } of layout.columns) {
      const { counts, layout: own } = byName(name);
      expect(counts?.n, name).toBe(rows);
      expect((counts?.bins.reduce((sum, count) => sum + count, 0) ?? 0) + (counts?.missing ?? 0), name).toBe(rows);
      if (own?.kind === 'numeric') expect([counts?.bins[0], counts?.bins.at(-1)], name).toEqual([0, 0]);
    }
    expect(byName('noise').counts?.missing).toBe(rows / 10);
  });

  it('takes few whole numbers for categories and the rest for numbers in twenty equal parts', () => {
    expect(byName('code').layout).toMatchObject({ kind: 'categorical' });
    expect([...(byName('code').layout?.categories ?? [])].sort()).toEqual(['0', '1', '2', '3', '4']);
    expect(byName('strong').layout?.edges).toHaveLength(21);
    for (const count of byName('strong').counts?.bins.slice(1, -1) ?? []) expect(count).toBe(rows / 20);
    expect(byName('@score').layout?.kind).toBe('numeric');
  });

  it('knows which inputs the predictions hang on', () => {
    const shares = Object.fromEntries(layout.columns.map(({ name }) => [name, byName(name).known?.importance]));
    expect(shares['strong']).toBeGreaterThan(0.8);
    expect(shares['weak']).toBeGreaterThan(shares['noise'] ?? 1);
    expect(shares['@score']).toBeNull();
    expect(['strong', 'weak', 'noise', 'code', 'city'].reduce((sum, name) => sum + (shares[name] ?? 0), 0)).toBeCloseTo(1, 9);
  });

  it('has the realised quality, its spread, and a map from scores to chances where that is better', () => {
    const { labelled } = body;
    expect(labelled).toMatchObject({ rows, positiveClass: 'yes' });
    expect(labelled?.metrics['rocAuc']?.value).toBeGreaterThan(0.8);
    // The deviation of an accuracy over rows drawn by chance is known.
    const accuracy = labelled?.metrics['accuracy'];
    const expected = Math.sqrt((accuracy?.value ?? 0) * (1 - (accuracy?.value ?? 0)));
    expect(Math.abs((accuracy?.perRow ?? 0) / expected - 1)).toBeLessThan(0.3);
    expect(labelled?.ece?.before).toBeLessThan(0.05);
  });

  it('is the same for the same rows', () => {
    expect(JSON.stringify(build())).toBe(JSON.stringify(body));
  });

  it('grades windows: A without a shift, worse with one, and C where the rows are others', () => {
    const gradeOf = (seed: number, shift: number) => {
      const { values } = draw(seed, shift);
      const window = countColumns(body.layout, rows, (index) => values[index]);
      return gradeTrust(trustFactsOf(body, window));
    };
    for (const seed of [2, 3, 4]) expect(gradeOf(seed, 0)).toMatchObject({ grade: 'A', reasons: [] });
    expect(gradeOf(5, 0.7)).toMatchObject({ grade: 'B' });
    expect(gradeOf(6, 3).grade).toBe('C');
    expect(gradeOf(6, 3).reasons.join()).toContain('strong');
    expect(gradeTrust(trustFactsOf(body, undefined))).toMatchObject({ grade: 'C', domainAuc: null });
  });

  it('finds the distance of two normal laws in their counts', () => {
    const [before, after] = [draw(7), draw(8, 1)];
    const only = layoutOf([body.layout.columns[0] ?? column('strong', 'numeric')]);
    const counts = [before, after].map(({ values }) => countColumns(only, rows, () => values[0]).columns[0]);
    const [reference, window] = counts;
    if (reference === undefined || window === undefined) throw new Error('no counts');
    const shift = profileShift([{ name: 'strong', reference, window }]);
    expect(shift.most).toBeCloseTo(1, 0);
    expect(domainAucOfProfile(shift, 0)).toBeCloseTo(0.76, 1);
  });
});

describe('an awkward reference', () => {
  it('has rows without labels, columns of one value, and columns without any', () => {
    const values = [Float64Array.from({ length: 100 }, () => 7.5), new Float64Array(100).fill(Number.NaN), new Array<string>(100).fill('')];
    const columns = [column('level', 'numeric'), column('empty', 'numeric'), column('text', 'categorical')];
    const body = buildReference({ layout: layoutOf(columns), rows: 100, values });
    expect(body.labelled).toBeNull();
    expect(body.profile.columns[0]).toMatchObject({ min: 7.5, max: 7.5, bins: [0, 100, 0] });
    expect(body.profile.columns[1]).toMatchObject({ missing: 100, min: null });
    expect(body.profile.columns[2]).toMatchObject({ missing: 100 });
    expect(body.columns).toMatchObject([{ sd: 0, distinct: 1, importance: null }, { quantiles: null, distinct: 0 }, { distinct: 0 }]);
  });

  it('describes values as numpy does', () => {
    const described = describeColumn(Float64Array.from({ length: 11 }, (_, index) => index));
    expect(described).toMatchObject({ quantiles: { p05: 0.5, p25: 2.5, p50: 5, p75: 7.5, p95: 9.5 }, distinct: 11 });
    expect(described.sd).toBeCloseTo(Math.sqrt(10), 12);
  });
});

describe('a reference of several classes', () => {
  const classes = ['a', 'b', 'c'];
  const several: Task = { kind: 'multiclass', predictionOutput: 'label', scoreOutput: 'scores', classes, rowAxis: 0 };

  it('has a map per class and one for the predicted class, and both foresee the accuracy of other rows', () => {
    const draw = (seed: number, count: number) => {
      const random = seededRandom(seed);
      const truths = Array.from({ length: count }, () => Math.floor(3 * random()));
      // Too bold by half: what says 0.9 is so less often.
      const scores = truths.flatMap((truth) => {
        const raw = classes.map((_, column) => Math.exp(1.5 * ((column === truth ? 1 : 0) + gaussian(random))));
        const total = raw.reduce((sum, value) => sum + value ** 1.5, 0);
        return raw.map((value) => value ** 1.5 / total);
      });
      const best = truths.map((_, row) => classes.map((__, column) => scores[3 * row + column] ?? 0)).map((own) => own.indexOf(Math.max(...own)));
      return { labels: truths.map((truth) => classes[truth] ?? ''), predictions: best.map((column) => classes[column] ?? ''), scores };
    };
    const known = draw(11, 6_000);
    const arranged = arrangeRows(several, { ...known, scores: { columns: 3, values: Float64Array.from(known.scores) } });
    const body = buildReference({
      layout: layoutOf([column('@prediction', 'categorical', 'output')]),
      rows: 6_000,
      values: [known.predictions],
      labelled: { arranged, places: Uint32Array.from({ length: 6_000 }, (_, row) => row) },
    });
    expect(Object.keys(body.labelled?.calibration ?? {})).toEqual(classes);
    const later = draw(12, 6_000);
    const records = later.labels.map((label, row) => {
      const own = later.scores.slice(3 * row, 3 * row + 3);
      const predicted = later.predictions[row] ?? '';
      return { atMs: row, predicted, predictedNumber: null, score: Math.max(...own), scores: own, weight: 1, label, labelNumber: null };
    });
    if (body.labelled === null) throw new Error('expected labels');
    const realised = realisedWindow(several, body.labelled, records);
    const whole = estimateWindow(several, body.labelled, records);
    const byConfidence = estimateWindow(
      several,
      body.labelled,
      records.map((record) => ({ ...record, scores: null })),
    );
    for (const metric of ['accuracy', 'f1Macro', 'rocAuc'])
      expect(Math.abs((whole?.metrics[metric]?.estimate ?? 0) - (realised?.[metric] ?? 1)), metric).toBeLessThan(0.02);
    expect(Object.keys(byConfidence?.metrics ?? {})).toEqual(['accuracy']);
    expect(Math.abs((byConfidence?.metrics['accuracy']?.estimate ?? 0) - (realised?.['accuracy'] ?? 1))).toBeLessThan(0.02);
  });
});
