import type { RoutingDeployment, RoutingRevision } from '@slipway/deployments';

export interface IndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state: 'UNKNOWN' | 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING';
  /** Empty for what is READY. */
  readonly reason: string;
}

/** What the index looks at: the snapshot's view of a deployment, and which of its revisions can answer right now. */
export interface IndexedDeployment {
  readonly current: RoutingDeployment;
  isReady(revisionId: string): boolean;
}

/** The repository index: each deployment with its versions; `readyOnly` leaves out what cannot answer. */
export function repositoryIndex(deployments: readonly IndexedDeployment[], readyOnly: boolean): IndexEntry[] {
  const entries = deployments.flatMap(indexOf);
  return readyOnly ? entries.filter((entry) => entry.state === 'READY') : entries;
}

function indexOf(deployment: IndexedDeployment): IndexEntry[] {
  const { name, revisions } = deployment.current;
  if (revisions.length === 0) return [{ name, state: 'UNKNOWN', reason: 'nothing is known of any revision yet' }];
  const byVersion = new Map<number, IndexEntry>();
  // Newest first: what an older revision of the same version does counts only where it does better.
  for (const revision of revisions) {
    const known = byVersion.get(revision.versionNumber);
    const entry = { name, version: String(revision.versionNumber), ...stateOf(deployment, revision) };
    if (known === undefined || rankOf[entry.state] > rankOf[known.state]) byVersion.set(revision.versionNumber, entry);
  }
  return [...byVersion].toSorted(([a], [b]) => a - b).map(([, entry]) => entry);
}

const rankOf: Readonly<Record<IndexEntry['state'], number>> = { READY: 4, UNLOADING: 3, LOADING: 2, UNAVAILABLE: 1, UNKNOWN: 0 };

function stateOf(deployment: IndexedDeployment, revision: RoutingRevision): Pick<IndexEntry, 'state' | 'reason'> {
  const { suspended, statusReason } = deployment.current;
  const hasInstances = revision.instances.length > 0;
  if (suspended && hasInstances) return { state: 'UNLOADING', reason: 'it is suspended and its last instances are ending' };
  if (suspended) return { state: 'UNAVAILABLE', reason: 'it is suspended' };
  if (deployment.isReady(revision.revisionId)) return { state: 'READY', reason: '' };
  if (hasInstances) return { state: 'LOADING', reason: statusReason ?? 'its instances are starting' };
  return { state: 'UNAVAILABLE', reason: statusReason ?? 'it has no instance' };
}
