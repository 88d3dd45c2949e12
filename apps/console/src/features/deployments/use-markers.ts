'use client';

import type { ChartMarker } from '@/components/charts/chart-props';
import { useEvents } from '@/lib/api/access';
import { useDeployment } from '@/lib/api/deployments';
import { markersOf } from './markers-of';

/** Deploys and rollbacks of a deployment, for the charts. */
export function useMarkers(name: string): readonly ChartMarker[] {
  const events = useEvents({ subjectKind: 'deployment', subjectName: name }, 200).items;
  const revisions = useDeployment(name).data?.revisions;
  return markersOf(revisions ?? [], events ?? []);
}
