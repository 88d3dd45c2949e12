/** A host as the planner sees it: what it has and what is already placed on it. */
export interface HostLoad {
  readonly id: string;
  readonly memoryBytes: number;
  instances: number;
  placedBytes: number;
  /** Running instances per revision. */
  readonly perRevision: Map<string, number>;
}

/** Of a host's memory, what instances may take; the rest is for the system. */
const usableRatio = 0.9;

/**
 * The host for one more instance: one with room before one without, then the one with the fewest instances of this revision (so that a lost
 * host takes few), then the fewest instances at all, then the most free memory. Undefined when there is no host.
 */
export function placeInstance(hosts: readonly HostLoad[], revisionId: string, memoryBytes: number): HostLoad | undefined {
  return hosts.reduce<HostLoad | undefined>(
    (best, host) => (best === undefined || compare(host, best, revisionId, memoryBytes) < 0 ? host : best),
    undefined,
  );
}

function compare(a: HostLoad, b: HostLoad, revisionId: string, memoryBytes: number): number {
  return (
    Number(lacksRoom(a, memoryBytes)) - Number(lacksRoom(b, memoryBytes)) ||
    (a.perRevision.get(revisionId) ?? 0) - (b.perRevision.get(revisionId) ?? 0) ||
    a.instances - b.instances ||
    b.memoryBytes - b.placedBytes - (a.memoryBytes - a.placedBytes) ||
    a.id.localeCompare(b.id)
  );
}

function lacksRoom(host: HostLoad, memoryBytes: number): boolean {
  return host.placedBytes + memoryBytes > host.memoryBytes * usableRatio;
}

/** Counts one more instance on a host. */
export function addLoad(host: HostLoad, revisionId: string, memoryBytes: number): void {
  host.instances += 1;
  host.placedBytes += memoryBytes;
  host.perRevision.set(revisionId, (host.perRevision.get(revisionId) ?? 0) + 1);
}
