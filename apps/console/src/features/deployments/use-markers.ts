'use client';

import type { DeploymentView, EventView } from '@slipway/contracts';
import type { ChartMarker } from '@/components/charts/time-chart';
import { useEvents } from '@/lib/api/access';
import { useDeployment } from '@/lib/api/deployments';

/** Deploys and rollbacks of a deployment, for the charts. */
export function useMarkers(name: string): readonly ChartMarker[] {
  const events = useEvents({ subjectKind: 'deployment', subjectName: name }, 200).items;
  const deployment = useDeployment(name).data;
  return markersOf(deployment, events ?? []);
}

/** Activations as the revisions tell them, and rollbacks as the log does, which remembers more than the last one. */
export function markersOf(deployment: Pick<DeploymentView, 'revisions'> | undefined, events: readonly EventView[]): readonly ChartMarker[] {
  const revisions = deployment?.revisions ?? [];
  const rollbacks = events
    .filter((event) => event.action.includes('rolled_back'))
    .map((event): ChartMarker => ({ at: Date.parse(event.at), label: 'rolled back', kind: 'rollback' }));
  const deploys = revisions.flatMap((revision): ChartMarker[] => {
    if (revision.activatedAt === null) return [];
    const at = Date.parse(revision.activatedAt);
    const byRollback = rollbacks.some((each) => Math.abs(each.at - at) < 5_000);
    return byRollback ? [] : [{ at, label: `v${revision.version}`, kind: 'deploy' }];
  });
  return [...deploys, ...rollbacks].toSorted((a, b) => a.at - b.at);
}
