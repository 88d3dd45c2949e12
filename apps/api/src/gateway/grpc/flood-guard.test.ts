import { describe, expect, it } from 'vitest';
import { FloodGuard } from './flood-guard.js';

describe('FloodGuard', () => {
  it('lets a burst pass and no more', () => {
    const guard = new FloodGuard(0);
    const tries = Array.from({ length: 300 }, () => guard.count(0));
    expect(tries.indexOf(true)).toBe(200);
  });

  it('bears one a second for ever, and any number while answers flow', () => {
    const guard = new FloodGuard(0);
    for (let second = 0; second < 100_000; second++) expect(guard.count(second * 1000)).toBe(false);
    for (let index = 0; index < 10_000; index++) {
      guard.rest();
      expect(guard.count(1e8)).toBe(false);
    }
  });
});
