import { WatchSettings } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { estimateDeviations } from '../estimates/judge-estimates.js';
import { normalShare } from '../estimates/normal-law.js';
import { alarmShares, allowedAlarms, type BudgetedKind } from './alarm-shares.js';

const kinds = Object.keys(alarmShares) as BudgetedKind[];
const given = (serving: number, alarmsPerMonth = 1) => ({
  settings: WatchSettings.parse({ alarmsPerMonth }),
  versions: Array.from({ length: 4 }, (_, at) => ({ versionId: `ver_${at}`, version: at + 1, task: undefined, isServing: at < serving })),
});

it('is spent whole and only once, however many versions serve', () => {
  for (const serving of [1, 2, 3]) {
    const spent = kinds.map((kind) => allowedAlarms(kind, given(serving)) * (kind === 'failures' || kind === 'anomaly' ? 1 : serving));
    expect(spent.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12);
  }
});

it('follows the setting, and knows deployments where nothing serves', () => {
  expect(allowedAlarms('drift', given(2, 10))).toBeCloseTo(2, 12);
  expect(allowedAlarms('drift', given(0))).toBeCloseTo(0.4, 12);
});

it('holds estimates as far from the reference as their windows of a month ask for, and never nearer than three deviations', () => {
  const deviations = estimateDeviations(0.1, 3);
  expect(normalShare(-deviations) * 8_640 * 3).toBeCloseTo(0.1, 3);
  expect(deviations).toBeGreaterThan(4);
  expect(estimateDeviations(1_000, 1)).toBe(3);
});
