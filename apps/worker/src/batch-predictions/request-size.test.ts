import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.js';
import { RequestSize } from './request-size.js';

describe('RequestSize', () => {
  /** The size after some requests that took `1 + rows × msPerRow`, with a delay now and then. */
  function learned(msPerRow: number, { most = 1_024, bytesPerRow = 8, delayMs = (_request: number): number => 0 } = {}): RequestSize {
    const size = new RequestSize(most);
    for (let request = 0; request < 40; request += 1)
      size.learn({ rows: size.rows, tookMs: 1 + size.rows * msPerRow + delayMs(request), answerBytes: size.rows * bytesPerRow });
    return size;
  }

  it('begins small, and at most doubles', () => {
    const size = new RequestSize(1_024);
    expect(size.rows).toBe(16);
    size.learn({ rows: 16, tookMs: 0.1, answerBytes: 16 });
    expect(size.rows).toBe(32);
  });

  it('finds a size that takes no longer than it should, whatever a row costs', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 50, noNaN: true }), (msPerRow) => {
        const { rows } = learned(msPerRow);
        expect(rows === 1 || 1 + rows * msPerRow <= 16).toBe(true);
        expect(rows === 1_024 || rows === 1 || 1 + rows * msPerRow >= 7).toBe(true);
      }),
    );
  });

  it('is not misled by waiting that has nothing to do with the rows', () => {
    const calm = learned(0.05).rows;
    expect(learned(0.05, { delayMs: (request) => (request % 3 === 0 ? 0 : 200) }).rows).toBeGreaterThanOrEqual(calm / 2);
  });

  it('gives way where every request has to wait', () => {
    expect(learned(0.05, { delayMs: () => 500 }).rows).toBeLessThan(32);
  });

  it('keeps to the most that is allowed, and to answers that fit', () => {
    expect(learned(0.001, { most: 100 }).rows).toBe(100);
    expect(learned(0.001, { bytesPerRow: 1024 * 1024 }).rows).toBe(8);
    expect(learned(0.001, { bytesPerRow: 100 * 1024 * 1024 }).rows).toBe(1);
  });

  it('halves, and sends rows alone, when told to', () => {
    const size = learned(0.001);
    size.halve();
    expect(size.rows).toBe(512);
    size.alone();
    size.learn({ rows: 1, tookMs: 0.01, answerBytes: 1 });
    expect(size.rows).toBe(1);
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
