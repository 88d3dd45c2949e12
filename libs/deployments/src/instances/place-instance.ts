/** A host as the planner sees it: what it has and what is already placed on it. */
export interface HostLoad {
  readonly id: string;
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly gpus: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether anything new may come. */
  readonly isOpen: boolean;
  instances: number;
  placedBytes: number;
  placedThreads: number;
  placedGpus: number;
  /** Running instances per revision. */
  readonly perRevision: Map<string, number>;
}

/** What one more instance takes, and where it may be. */
export interface InstanceNeed {
  readonly revisionId: string;
  /** Its memory limit where the revision states one, else what it is expected to take. */
  readonly memoryBytes: number;
  /** A wish: a host gives what its budget has left, so no host is refused for it. */
  readonly threads: number;
  readonly gpus: number;
  readonly labels: Readonly<Record<string, string>>;
}

export type Placement =
  | { readonly host: HostLoad }
  | { readonly host: undefined /** For people: what is missing, and where. */; readonly reason: string };

/** Of a host's memory, what instances may take; the rest is for the system. */
const usableRatio = 0.9;
/** So many hosts are named when none has room. */
const namedMax = 3;

/**
 * The host for one more instance, among those that have its labels, enough GPUs and enough memory: the one with the fewest instances of this
 * revision (so that a lost host takes few), then the one that has most of the wished threads left, then the fewest instances at all, then the most
 * free memory.
 * @param hosts those that are alive.
 */
export function placeInstance(hosts: readonly HostLoad[], need: InstanceNeed): Placement {
  let best: HostLoad | undefined;
  for (const host of hosts) {
    if (!fits(host, need) || need.memoryBytes > freeBytes(host)) continue;
    if (best === undefined || compare(host, best, need) < 0) best = host;
  }
  return best === undefined ? { host: undefined, reason: whatIsMissing(hosts, need) } : { host: best };
}

/** Whether the host would do if it had the memory. */
export function fits(host: HostLoad, need: InstanceNeed): boolean {
  return host.isOpen && need.gpus <= freeGpus(host) && missingLabel(host, need) === undefined;
}

function compare(a: HostLoad, b: HostLoad, need: InstanceNeed): number {
  return (
    (a.perRevision.get(need.revisionId) ?? 0) - (b.perRevision.get(need.revisionId) ?? 0) ||
    threadsShort(a, need) - threadsShort(b, need) ||
    a.instances - b.instances ||
    freeBytes(b) - freeBytes(a) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** What instances may still take; negative where more was placed than there is room for. */
export function freeBytes(host: HostLoad): number {
  return host.memoryBytes * usableRatio - host.placedBytes;
}

function freeGpus(host: HostLoad): number {
  return host.gpus - host.placedGpus;
}

/** Of the wished threads, those that the host's budget of one per core has not left. */
function threadsShort(host: HostLoad, need: InstanceNeed): number {
  return Math.max(0, need.threads - Math.max(0, host.cores - host.placedThreads));
}

function missingLabel(host: HostLoad, need: InstanceNeed): string | undefined {
  for (const name in need.labels) if (host.labels[name] !== need.labels[name]) return `${name}=${need.labels[name]}`;
  return undefined;
}

function whatIsMissing(hosts: readonly HostLoad[], need: InstanceNeed): string {
  if (hosts.length === 0) return 'no host is alive';
  const nearestFirst = [...hosts].sort(
    (a, b) => Number(fits(b, need)) - Number(fits(a, need)) || freeBytes(b) - freeBytes(a) || (a.id < b.id ? -1 : 1),
  );
  const named = nearestFirst.slice(0, namedMax).map((host) => `"${host.name}" ${lackOf(host, need)}`);
  const others = hosts.length - named.length;
  const rest = others === 0 ? '' : `; ${others} more ${others === 1 ? 'host does' : 'hosts do'} not do either`;
  return `no host has room: an instance needs ${describe(need)}; ${named.join('; ')}${rest}`;
}

function describe({ memoryBytes, gpus, labels }: InstanceNeed): string {
  const names = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return [
    `${formatBytes(memoryBytes)} of memory`,
    ...(gpus === 0 ? [] : [`${gpus} GPU${gpus === 1 ? '' : 's'}`]),
    ...(names.length === 0 ? [] : [`a host with ${names.join(', ')}`]),
  ].join(', ');
}

function lackOf(host: HostLoad, need: InstanceNeed): string {
  if (!host.isOpen) return 'takes nothing new';
  const label = missingLabel(host, need);
  if (label !== undefined) return `is not labelled ${label}`;
  if (need.gpus > freeGpus(host)) return `has ${Math.max(0, freeGpus(host))} of ${host.gpus} GPUs left`;
  return `has ${formatBytes(Math.max(0, freeBytes(host)))} of ${formatBytes(host.memoryBytes * usableRatio)} left`;
}

function formatBytes(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return mebibytes < 1000 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

/** Counts one more instance on a host. */
export function addLoad(host: HostLoad, need: InstanceNeed): void {
  host.instances += 1;
  host.placedBytes += need.memoryBytes;
  host.placedThreads += need.threads;
  host.placedGpus += need.gpus;
  host.perRevision.set(need.revisionId, (host.perRevision.get(need.revisionId) ?? 0) + 1);
}
