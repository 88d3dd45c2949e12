import { ulid } from 'ulid';
import { expect, it } from 'vitest';
import { parsePredictionRef } from './prediction-id.js';
import { parseSpoolLine } from './spool-line.js';

const at = Date.parse('2026-03-04T05:06:07.089Z');
const id = `prd_${ulid(at)}`;
const line = (over: object = {}) =>
  JSON.stringify({
    id,
    t: at,
    dep: 'dep_1',
    rev: 'rev_1',
    ver: 'ver_1',
    vn: 3,
    n: 2,
    us: 120,
    k: 'live',
    p: ['malignant', 'benign'],
    s: [0.9, null],
    ...over,
  });

it('reads the time inside an id and the row after it', () => {
  expect(parsePredictionRef(id)).toEqual({ id, atMs: at, row: undefined });
  expect(parsePredictionRef(`${id}#17`)).toEqual({ id, atMs: at, row: 17 });
});

it.each(['', 'prd_', id.toLowerCase(), `${id}#`, `${id}#-1`, `${id}#01`, `${id}#1.5`, `${id} `, `prd_8${'Z'.repeat(25)}`, `dep_${id.slice(4)}`])(
  'does not take %j for a prediction id',
  (text) => {
    expect(parsePredictionRef(text)).toBeUndefined();
  },
);

it('makes a row of each row of a request', () => {
  const rows = parseSpoolLine(line({ cid: 'order-7' }));
  expect(rows).toHaveLength(2);
  expect(rows?.[0]).toEqual({
    atMs: at,
    id,
    row: 0,
    deploymentId: 'dep_1',
    revisionId: 'rev_1',
    versionId: 'ver_1',
    versionNumber: 3,
    clientId: 'order-7',
    predicted: 'malignant',
    predictedNumber: null,
    score: 0.9,
    queueMicros: null,
    computeMicros: 120,
    rows: 2,
    probability: 1,
    slices: null,
    joinKey: null,
    outputs: null,
    inputs: null,
  });
  expect(rows?.[1]).toMatchObject({ row: 1, predicted: 'benign', score: null });
});

it('keeps numbers as values, and whole ones as classes too', () => {
  expect(parseSpoolLine(line({ p: [7, 1.5] }))?.map(({ predicted, predictedNumber }) => [predicted, predictedNumber])).toEqual([
    ['7', 7],
    [null, 1.5],
  ]);
});

it('keeps a row without a task, and one whose prediction was no number', () => {
  expect(parseSpoolLine(line({ p: undefined, s: undefined }))?.map(({ predicted, score }) => [predicted, score])).toEqual([
    [null, null],
    [null, null],
  ]);
  expect(parseSpoolLine(line({ n: 1, p: [null] }))).toMatchObject([{ predicted: null, predictedNumber: null }]);
});

it('bounds the rows that one line can make', () => {
  expect(parseSpoolLine(line({ n: 1_000_000, p: undefined }))).toHaveLength(256);
});

it('takes the NUL out of a caller’s own id, which the database cannot hold', () => {
  expect(parseSpoolLine(line({ cid: 'a\0b' }))?.[0]?.clientId).toBe('a\uFFFDb');
});

it.each(['', '{"id":"prd_', 'null', '[]', '"text"', line({ id: 'prd_x' }), line({ n: -1 }), line({ n: 1.5 }), line({ dep: undefined })])(
  'skips what is no record: %j',
  (text) => {
    expect(parseSpoolLine(text)).toBeUndefined();
  },
);
