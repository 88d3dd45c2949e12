import type { ServingPoint } from '@slipway/contracts';

export interface RecentLoad {
  readonly requestsPerSecond: number;
  readonly errorRatio: number;
  readonly p95: number | null;
}

/** Steps looked at for "now": the last one is still filling, so a few are taken together. */
const steps = 6;

/** The load of the last minute; undefined when the whole series is without requests. */
export function loadOf(points: readonly ServingPoint[]): RecentLoad | undefined {
  if (!points.some((point) => point.requests > 0)) return undefined;
  // The last step has only just begun and would halve the rate.
  const recent = points.slice(0, -1).slice(-steps);
  const requests = recent.reduce((sum, point) => sum + point.requests, 0);
  const errors = points.reduce((sum, point) => sum + point.errors, 0);
  const all = points.reduce((sum, point) => sum + point.requests, 0);
  const perSecond = recent.reduce((sum, point) => sum + point.requestsPerSecond, 0) / Math.max(1, recent.length);
  return { requestsPerSecond: requests === 0 ? 0 : perSecond, errorRatio: errors / all, p95: latestP95(points) };
}

/** The p95 of the latest step that has one. */
function latestP95(points: readonly ServingPoint[]): number | null {
  return points.findLast((point) => point.p95 !== null)?.p95 ?? null;
}
