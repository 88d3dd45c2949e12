/** A host as the planner sees it: what it has and what is already placed on it. */
export interface HostLoad {
  readonly id: string;
  readonly name: string;
  readonly memoryBytes: number;
  instances: number;
  placedBytes: number;
  /** Running instances per revision. */
  readonly perRevision: Map<string, number>;
}

export type Placement = { readonly host: HostLoad } | { readonly host: undefined /** For people: what is missing. */; readonly reason: string };

/** Of a host's memory, what instances may take; the rest is for the system. */
const usableRatio = 0.9;

/**
 * The host for one more instance, among those with room for it: the one with the fewest instances of this revision (so that a lost host takes
 * few), then the fewest instances at all, then the most free memory.
 * @param hosts those that are alive.
 * @param memoryBytes what the instance is expected to take.
 */
export function placeInstance(hosts: readonly HostLoad[], revisionId: string, memoryBytes: number): Placement {
  const fitting = hosts.filter((host) => memoryBytes <= freeBytes(host));
  const [first, ...others] = fitting;
  if (first === undefined) return { host: undefined, reason: whatIsMissing(hosts, memoryBytes) };
  return { host: others.reduce((best, host) => (compare(host, best, revisionId) < 0 ? host : best), first) };
}

function compare(a: HostLoad, b: HostLoad, revisionId: string): number {
  return (
    (a.perRevision.get(revisionId) ?? 0) - (b.perRevision.get(revisionId) ?? 0) ||
    a.instances - b.instances ||
    freeBytes(b) - freeBytes(a) ||
    a.id.localeCompare(b.id)
  );
}

/** What instances may still take; negative where more was placed than there is room for. */
export function freeBytes(host: HostLoad): number {
  return host.memoryBytes * usableRatio - host.placedBytes;
}

function whatIsMissing(hosts: readonly HostLoad[], memoryBytes: number): string {
  const [first, ...others] = hosts;
  if (first === undefined) return 'no host is alive';
  const roomiest = others.reduce((best, host) => (freeBytes(host) > freeBytes(best) ? host : best), first);
  const left = `${formatBytes(Math.max(0, freeBytes(roomiest)))} of ${formatBytes(roomiest.memoryBytes * usableRatio)}`;
  return `no host has room: an instance needs ${formatBytes(memoryBytes)} of memory, and the host with the most left, "${roomiest.name}", has ${left}`;
}

function formatBytes(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return mebibytes < 1000 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

/** Counts one more instance on a host. */
export function addLoad(host: HostLoad, revisionId: string, memoryBytes: number): void {
  host.instances += 1;
  host.placedBytes += memoryBytes;
  host.perRevision.set(revisionId, (host.perRevision.get(revisionId) ?? 0) + 1);
}
