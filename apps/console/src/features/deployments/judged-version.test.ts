import type { QualityPoint } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { judgedVersion } from './judged-version';

const point = (version: number, labelled: number, at = '2026-01-01T12:00:00.000Z'): QualityPoint => ({
  at,
  version,
  predicted: labelled,
  labelled,
  accuracy: null,
  recall: null,
  precision: null,
  f1: null,
  mae: null,
  rmse: null,
  metrics: {},
  maturity: { state: 'none', coverage: null, expected: null },
});

it('is the version that labelled predictions came from last', () => {
  const versions = [point(1, 50), point(2, 90)];
  const total = [point(2, 40, '2026-01-01T12:00:00.000Z'), point(1, 50, '2026-01-01T12:01:00.000Z'), point(2, 50, '2026-01-01T12:02:00.000Z')];
  expect(judgedVersion({ versions, total })?.version).toBe(2);
  expect(judgedVersion({ versions, total: total.slice(0, 2) })?.version).toBe(1);
});

it('passes over steps without labels', () => {
  expect(judgedVersion({ versions: [point(1, 5), point(2, 0)], total: [point(1, 5), point(2, 0)] })?.version).toBe(1);
});

it('is nothing where nothing was predicted', () => {
  expect(judgedVersion({ versions: [], total: [] })).toBeUndefined();
});
