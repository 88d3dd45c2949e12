import { describe, expect, it } from 'vitest';
import { chartRows, mergeRows } from './chart-rows';
import { summarise } from './summarise';

const frame = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:01:00.000Z', stepSeconds: 10 };

describe('chartRows', () => {
  it('leaves a gap where a step has no point', () => {
    const points = [
      { at: '2026-01-01T00:00:00.000Z', value: 1 },
      { at: '2026-01-01T00:00:30.000Z', value: 3 },
    ];
    const rows = chartRows(frame, points, (point) => ({ value: point.value }));
    expect(rows).toHaveLength(6);
    expect(rows.map((row) => row.values['value'] ?? null)).toEqual([1, null, null, 3, null, null]);
  });

  it('puts a point off the grid into its step and ignores one outside of the frame', () => {
    const rows = chartRows(frame, [{ at: '2026-01-01T00:00:14.000Z' }, { at: '2026-01-01T00:05:00.000Z' }], () => ({ value: 7 }));
    expect(rows.map((row) => row.values['value'] ?? null)).toEqual([null, 7, null, null, null, null]);
  });

  it('merges series of the same frame', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const [first] = mergeRows([chartRows(frame, [{ at }], () => ({ v1: 1 })), chartRows(frame, [{ at }], () => ({ v2: 2 }))]);
    expect(first?.values).toEqual({ v1: 1, v2: 2 });
  });
});

describe('summarise', () => {
  it('says when there is nothing to say', () => {
    expect(
      summarise(
        chartRows(frame, [], () => ({})),
        'p95',
        'p95',
        String,
      ),
    ).toBe('p95: no data in this window.');
  });

  it('names the last value and the extremes', () => {
    const rows = chartRows(
      frame,
      [
        { at: '2026-01-01T00:00:00.000Z', value: 4 },
        { at: '2026-01-01T00:00:20.000Z', value: 9 },
        { at: '2026-01-01T00:00:40.000Z', value: 5 },
      ],
      (point) => ({ p95: point.value }),
    );
    expect(summarise(rows, 'p95', 'p95', (value) => `${value} ms`)).toMatch(/^p95: last 5 ms; between 4 ms and 9 ms, highest at \d\d:\d\d:20\.$/);
  });
});
