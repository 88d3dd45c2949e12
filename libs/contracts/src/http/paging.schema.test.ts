import { describe, expect, it } from 'vitest';
import { Instant } from './paging.schema.js';

describe('Instant', () => {
  it.each(['0001-01-01T00:00:00Z', '2026-11-22T22:30:00.123Z', '9999-12-31T23:59:59Z'])('takes %s', (text) => {
    expect(Instant.safeParse(text).success).toBe(true);
  });

  it.each(['0000-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-11-22T22:30:00+01:00', '+010000-01-01T00:00:00Z', 'now'])('refuses %s', (text) => {
    expect(Instant.safeParse(text).success).toBe(false);
  });
});
