import type { EstimatedQuality, JudgementView } from '@slipway/contracts';

/** How estimates of the past did, from those judgements whose windows got labels later. */
export function trackRecordOf(judgements: readonly JudgementView[]): EstimatedQuality['trackRecord'] {
  const byMetric = new Map<string, { windows: number; errors: number; within: number }>();
  for (const { subject, value, interval, evidence } of judgements) {
    const realised = evidence['realised'];
    if (typeof realised !== 'number' || value === null) continue;
    const sums = byMetric.get(subject) ?? { windows: 0, errors: 0, within: 0 };
    sums.windows += 1;
    sums.errors += Math.abs(value - realised);
    if (interval !== null && realised >= interval[0] && realised <= interval[1]) sums.within += 1;
    byMetric.set(subject, sums);
  }
  return [...byMetric].map(([metric, { windows, errors, within }]) => ({
    metric,
    windows,
    meanAbsoluteError: errors / windows,
    withinBandShare: within / windows,
  }));
}
