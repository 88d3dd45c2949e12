import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultMemoryLimit } from './memory-limit.js';

const GiB = 1024 ** 3;

describe('defaultMemoryLimit', () => {
  it.each([
    { name: 'a small model gets 1 GiB', expected: 0.1 * GiB, host: 16 * GiB, limit: 1 * GiB },
    { name: 'a larger one gets four times what it was seen to take', expected: 1 * GiB, host: 16 * GiB, limit: 4 * GiB },
    { name: 'nobody gets more than half of the host', expected: 3 * GiB, host: 16 * GiB, limit: 8 * GiB },
    { name: 'a small host keeps half for itself', expected: 0.1 * GiB, host: 1 * GiB, limit: 0.5 * GiB },
    { name: 'a model that needs most of the host may have it', expected: 10 * GiB, host: 16 * GiB, limit: 12.5 * GiB },
    { name: 'but not the part of the system', expected: 15 * GiB, host: 16 * GiB, limit: 14.4 * GiB },
  ])('$name', ({ expected, host, limit }) => {
    expect(defaultMemoryLimit(expected, host)).toBe(Math.round(limit));
  });

  it('never lets one instance take a whole host', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 2 ** 26, max: 2 ** 42 }), (expected, host) => {
        expect(defaultMemoryLimit(expected, host)).toBeLessThanOrEqual(0.9 * host + 1);
      }),
    );
  });
});
