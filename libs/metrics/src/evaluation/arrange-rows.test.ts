import type { Task } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { alignVersions } from './align-versions.js';
import { type AnsweredRows, arrangeRows } from './arrange-rows.js';
import { labelOf, numberOf } from './label-cell.js';
import { decodePredictions, encodePredictions, type StoredRows } from './prediction-file.js';

const named: Task = { kind: 'binary', classes: ['benign', 'malignant'], positiveClass: 'malignant', rowAxis: 0 };
const counted: Task = { kind: 'multiclass', scoreOutput: 'p', rowAxis: 0 };
const classesOf = (task: Task, answered: AnsweredRows) => {
  const arranged = arrangeRows(task, answered);
  if (arranged.kind !== 'classifier') throw new Error('expected a classifier');
  return { ...arranged.rows, task: arranged.task };
};

describe('labels and answers as classes', () => {
  it.each([
    { what: 'by name', labels: ['benign', 'malignant'], predictions: ['malignant', 'malignant'], truth: [0, 1], predicted: [1, 1] },
    { what: 'by place', labels: ['0', '1.0'], predictions: [1, 'benign'], truth: [0, 1], predicted: [1, 0] },
    { what: 'truths', labels: ['false', 'true'], predictions: [0, 1], truth: [0, 1], predicted: [0, 1] },
    { what: 'no answer', labels: ['benign', 'benign'], predictions: [null, 7], truth: [0, 0], predicted: [2, 2] },
  ])('$what', ({ labels, predictions, truth, predicted }) => {
    const rows = classesOf(named, { labels, predictions });
    expect([rows.classes, [...rows.truth], [...rows.predicted]]).toEqual([['benign', 'malignant'], truth, predicted]);
    expect(rows.task).toEqual({ kind: 'binary', positive: 1 });
  });

  it('numbers are classes by their value, however they are written', () => {
    const rows = classesOf({ kind: 'multiclass', classes: [10, 2], rowAxis: 0 }, { labels: ['2.0', '10', '1e1'], predictions: [2, 10, 1] });
    expect([[...rows.truth], [...rows.predicted]]).toEqual([
      [1, 0, 0],
      [1, 0, 2],
    ]);
  });

  it('a label that the version does not know becomes a class that it misses', () => {
    const rows = classesOf(named, { labels: ['benign', 'unclear', 'odd'], predictions: ['benign', 'benign', 'unclear'] });
    expect(rows.classes).toEqual(['benign', 'malignant', 'odd', 'unclear']);
    expect([...rows.truth]).toEqual([0, 3, 2]);
    expect([...rows.predicted]).toEqual([0, 0, 3]);
  });

  it('without stated classes there are as many as scores', () => {
    const scores = { columns: 3, values: Float32Array.of(0.2, 0.3, 0.5, 1, 0, 0) };
    expect(classesOf(counted, { labels: ['2', '0'], predictions: [2, 0], scores })).toMatchObject({ classes: ['0', '1', '2'], scores });
    expect(classesOf(counted, { labels: ['b', 'a'], predictions: ['a', 'a'] }).classes).toEqual(['a', 'b']);
  });

  it.each([
    { task: named, scores: [0.75, 0.25] },
    { task: { ...named, positiveClass: 'benign' }, scores: [0.25, 0.75] },
  ])('a single score is that of the positive class', ({ task, scores }) => {
    const rows = classesOf(task, { labels: ['benign'], predictions: ['benign'], scores: { columns: 1, values: Float32Array.of(0.25) } });
    expect([...(rows.scores?.values ?? [])]).toEqual(scores);
  });

  it('refuses what cannot be judged, with a sentence', () => {
    const thousand = Array.from({ length: 1_001 }, (_, index) => `c${index}`);
    expect(classesOf(counted, { labels: thousand.slice(1), predictions: thousand.slice(1) }).classes).toHaveLength(1_000);
    expect(() => arrangeRows(counted, { labels: thousand, predictions: thousand })).toThrow('expected at most 1000 classes');
    expect(() => arrangeRows({ kind: 'other', rowAxis: 0 }, { labels: ['1'], predictions: [1] })).toThrow('state its task');
    expect(() => arrangeRows({ kind: 'regression', rowAxis: 0 }, { labels: ['1', 'x'], predictions: [1, 2] })).toThrow('given "x"');
  });

  it.each([
    [' a ', 'a', undefined],
    ['', undefined, undefined],
    ['1e3', '1e3', 1000],
    [1.5, '1.5', 1.5],
    [Number.NaN, undefined, undefined],
    [null, undefined, undefined],
    [true, 'true', 1],
    ['inf', 'inf', undefined],
  ])('a cell %o is the label %o', (cell, label, number) => {
    expect(labelOf(cell)).toBe(label);
    if (label !== undefined) expect(numberOf(label)).toBe(number);
  });
});

const stored = (rows: number[], predictions: (string | number | null)[], more: Partial<AnsweredRows> = {}): StoredRows => ({
  arranged: arrangeRows(named, { labels: rows.map((row) => (row % 2 === 0 ? 'benign' : 'malignant')), predictions, ...more }),
  rowNumbers: Uint32Array.from(rows),
  ids: rows.map((row) => `id${row}`),
});

describe('the file of predictions', () => {
  it.each([
    {
      what: 'a classifier',
      rows: stored([1, 2, 5], ['benign', null, 'malignant'], {
        scores: { columns: 2, values: Float32Array.of(0.9, 0.1, Number.NaN, Number.NaN, 0, 1) },
      }),
    },
    { what: 'scores of 64 bits', rows: stored([1], ['benign'], { scores: { columns: 2, values: Float64Array.of(1 / 3, 2 / 3) } }) },
    { what: 'no scores and no ids', rows: { ...stored([3], [null]), ids: undefined } },
    {
      what: 'a regressor',
      rows: {
        arranged: arrangeRows({ kind: 'regression', rowAxis: 0 }, { labels: ['1', '2.5'], predictions: [0.1, null] }),
        rowNumbers: Uint32Array.of(1, 9),
        ids: [7, null],
      },
    },
  ])('gives back $what as it was, under the same digest', ({ rows }) => {
    const file = encodePredictions(rows);
    expect(decodePredictions(file)).toEqual(rows);
    expect(encodePredictions(rows).equals(file)).toBe(true);
  });

  it('that is cut off is no such file', () => {
    const file = encodePredictions(stored([1, 2], ['benign', 'benign']));
    expect(() => decodePredictions(file.subarray(0, file.length - 4))).toThrow();
    expect(() => decodePredictions(Buffer.from('{}'))).toThrow();
  });
});

describe('bringing versions together', () => {
  it('keeps the rows that all were asked, and classes by name', () => {
    const second: StoredRows = {
      arranged: arrangeRows({ ...named, classes: ['malignant', 'benign'] }, { labels: ['malignant', 'benign'], predictions: ['malignant', 'odd'] }),
      rowNumbers: Uint32Array.of(5, 2),
    };
    const { compared, rowNumbers, ids, classes } = alignVersions([stored([1, 2, 5], ['benign', 'benign', 'benign']), second]);
    expect(rowNumbers).toEqual([2, 5]);
    expect(ids).toEqual(['id2', 'id5']);
    expect(classes).toEqual(['benign', 'malignant']);
    expect(compared.versions.map(({ truth, predicted }) => [[...truth], [...predicted]])).toEqual([
      [
        [0, 1],
        [0, 0],
      ],
      [
        [0, 1],
        [2, 1],
      ],
    ]);
  });

  it('keeps scores where all score the same classes', () => {
    const scores = { columns: 2, values: Float32Array.of(0.5, 0.5, 1, 0) };
    const scored = stored([1, 2], ['benign', 'benign'], { scores });
    const scoresOf = (versions: StoredRows[]) =>
      alignVersions(versions).compared.versions.map((rows) => 'scores' in rows && rows.scores !== undefined);
    expect(scoresOf([scored, scored])).toEqual([true, true]);
    expect(scoresOf([scored, stored([1, 2], ['benign', 'benign'])])).toEqual([false, false]);
  });

  it('classes and numbers do not go together', () => {
    const numbers: StoredRows = {
      arranged: arrangeRows({ kind: 'regression', rowAxis: 0 }, { labels: ['1'], predictions: [1] }),
      rowNumbers: Uint32Array.of(1),
    };
    expect(() => alignVersions([stored([1], ['benign']), numbers])).toThrow('cannot be compared');
  });
});
