import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.js';
import { nextRequestRows } from './request-size.js';

describe('nextRequestRows', () => {
  it.each([
    { name: 'doubles while the model is quick', rows: 16, cost: { rows: 16, tookMs: 3, answerBytes: 100 }, next: 32 },
    { name: 'stays at the limit', rows: 1_024, cost: { rows: 1_024, tookMs: 3, answerBytes: 100 }, next: 1_024 },
    { name: 'stays where it is right', rows: 64, cost: { rows: 64, tookMs: 20, answerBytes: 100 }, next: 64 },
    { name: 'halves when it takes long', rows: 64, cost: { rows: 64, tookMs: 31, answerBytes: 100 }, next: 32 },
    { name: 'learns nothing of growing from the rest of a block', rows: 64, cost: { rows: 3, tookMs: 1, answerBytes: 100 }, next: 64 },
    { name: 'halves when answers are large', rows: 64, cost: { rows: 64, tookMs: 1, answerBytes: 9 * 1024 * 1024 }, next: 32 },
    { name: 'does not grow into large answers', rows: 64, cost: { rows: 64, tookMs: 1, answerBytes: 5 * 1024 * 1024 }, next: 64 },
    { name: 'never goes below one', rows: 1, cost: { rows: 1, tookMs: 9_000, answerBytes: 100 }, next: 1 },
  ])('$name', ({ rows, cost, next }) => {
    expect(nextRequestRows(rows, cost, 1_024)).toBe(next);
  });

  it('finds a size that takes about as long as it should, whatever a row costs', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 5, noNaN: true }), (msPerRow) => {
        let rows = 16;
        for (let request = 0; request < 40; request += 1)
          rows = nextRequestRows(rows, { rows, tookMs: 1 + rows * msPerRow, answerBytes: rows }, 1_024);
        const tookMs = 1 + rows * msPerRow;
        expect(rows === 1_024 || tookMs >= 7 || rows === 1).toBe(true);
        expect(tookMs <= 30 || rows === 1).toBe(true);
      }),
    );
  });
});

describe('backoffMs', () => {
  it.each([
    [1, undefined, 0, 500],
    [3, undefined, 0, 2_000],
    [50, undefined, 0, 15_000],
    [1, 7, 0, 7_000],
    [1, 900, 0, 60_000],
    [1, undefined, 1, 625],
  ])('after %s tries, asked for %s s: with chance %s it is %s ms', (tries, asked, random, ms) => {
    expect(backoffMs(tries, asked, random)).toBe(ms);
  });
});
