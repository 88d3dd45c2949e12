import type { QualityPoint, QualitySeries } from '@slipway/contracts';

/** The version whose quality the tiles show: the one that labelled predictions came from last, since it is the one to worry about. */
export function judgedVersion(data: Pick<QualitySeries, 'total' | 'versions'>): QualityPoint | undefined {
  const last = data.total.findLast((point) => point.labelled > 0)?.version;
  return data.versions.find((point) => point.version === last) ?? data.versions.at(-1);
}
