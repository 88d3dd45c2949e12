import { describe, expect, it } from 'vitest';
import { defaultRange, rangeFrom, rangePresets, windowOf } from './time-range';

describe('time range', () => {
  it('falls back to the default for an unknown word in the address', () => {
    expect(rangeFrom('6h').seconds).toBe(21_600);
    expect(rangeFrom('900y')).toBe(defaultRange);
    expect(rangeFrom(null)).toBe(defaultRange);
  });

  it.each(rangePresets)('$id ends on a step border that includes now and holds at most 200 points', (range) => {
    const now = new Date('2026-03-01T10:00:03.456Z');
    const { from, to, stepSeconds } = windowOf(range, now);
    expect(to.getTime()).toBeGreaterThanOrEqual(now.getTime());
    expect(to.getTime() - now.getTime()).toBeLessThan(stepSeconds * 1_000);
    expect((to.getTime() / 1_000) % stepSeconds).toBe(0);
    expect((to.getTime() - from.getTime()) / 1_000 / stepSeconds).toBeLessThanOrEqual(200);
  });
});
