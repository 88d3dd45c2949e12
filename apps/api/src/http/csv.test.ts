import { describe, expect, it } from 'vitest';
import { csvCell, csvOf } from './csv.js';
import { wantsCsv } from './csv-answer.js';

describe('cells', () => {
  it.each([
    [null, ''],
    [undefined, ''],
    [true, 'true'],
    [-1.5, '-1.5'],
    ['-1.5e-3', '-1.5e-3'],
    ['+7', '+7'],
    ['=1+1', "'=1+1"],
    ['-2+3', "'-2+3"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['+cmd|x', "'+cmd|x"],
    ['\tx', "'\tx"],
    ['a,b', '"a,b"'],
    ['say "so"', '"say ""so"""'],
    ['two\nlines', '"two\nlines"'],
    ['=a,b', `"'=a,b"`],
    [['a', 1], '"[""a"",1]"'],
  ])('writes %j as %j', (value, text) => {
    expect(csvCell(value)).toBe(text);
  });
});

describe('csvOf', () => {
  it('has its head without rows', () => {
    expect(csvOf(['at', 'requests'], [])).toBe('at,requests\r\n');
  });

  it('adds the columns that rows bring', () => {
    expect(
      csvOf(
        ['at'],
        [
          { at: '2026-01-01T00:00:00Z', ok: 1 },
          { at: '2026-01-02T00:00:00Z', failed: null, ok: 0 },
        ],
      ),
    ).toBe('at,ok,failed\r\n2026-01-01T00:00:00Z,1,\r\n2026-01-02T00:00:00Z,0,\r\n');
  });
});

describe('wantsCsv', () => {
  it.each([
    [{ format: 'csv' }, undefined, true],
    [{ format: 'json' }, 'text/csv', false],
    [{}, 'text/csv', true],
    [{}, 'text/csv; charset=utf-8; q=0.9, application/json;q=0.5', true],
    [{}, 'application/json, text/csv;q=0.9', false],
    [{}, 'text/csv;q=0', false],
    [{}, 'text/html,*/*;q=0.8', false],
    [{}, undefined, false],
  ])('of %j and %j is %j', (query, accept, wanted) => {
    expect(wantsCsv(query, accept)).toBe(wanted);
  });
});
