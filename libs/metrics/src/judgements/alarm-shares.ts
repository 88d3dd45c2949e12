import type { JudgementKind } from '@slipway/contracts';
import type { WatchedDeployment } from './judge.js';

/**
 * What each kind of judgement may take of `alarmsPerMonth`, the false alarms that one deployment may cost its people in a month. They add up to 1.
 *
 * All but anomalies turn their share into a level. Anomalies are found by rank and size, without a level: their share is what they were measured
 * to cost, at most (0.09 a month over all series, `npm run bench -- anomalies`). Objectives have no share: how fast a budget burns is a fact about a promise
 * that somebody made, not a guess whether something has changed. Nor have labels that stop, crash loops and kills for want of memory: they are counted.
 */
export const alarmShares = {
  drift: 0.4,
  data_quality: 0.1,
  quality: 0.15,
  estimated_quality: 0.1,
  prediction_error: 0.05,
  noise: 0.05,
  failures: 0.05,
  anomaly: 0.1,
} as const satisfies Partial<Record<JudgementKind, number>>;

export type BudgetedKind = keyof typeof alarmShares;

/** Kinds that are judged once for a deployment, whatever serves; the others once per version that serves, which share. */
const wholeKinds: ReadonlySet<BudgetedKind> = new Set(['failures', 'anomaly']);

/** False alarms a month that judgements of a kind may bring: those of the deployment, or of each version that serves. */
export function allowedAlarms(kind: BudgetedKind, { versions, settings }: Pick<WatchedDeployment, 'versions' | 'settings'>): number {
  const serving = wholeKinds.has(kind) ? 1 : versions.filter(({ isServing }) => isServing).length;
  return (settings.alarmsPerMonth * alarmShares[kind]) / Math.max(1, serving);
}
