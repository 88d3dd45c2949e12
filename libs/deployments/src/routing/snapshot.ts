import { Batching, type RequestSamples, type Signature, type Task } from '@slipway/contracts';
import { type EffectiveBatching, effectiveBatching } from '../revisions/effective-batching.js';
import { deriveSplit, type SplitShare } from './derive-split.js';
import type { RoutingDeploymentRow, RoutingInstanceRow, RoutingRevisionRow, RoutingRows } from './routing-rows.schema.js';

export interface RoutingInstance {
  readonly instanceId: string;
  readonly address: string;
  /** Proven by its worker; whether it answers right now is known to the gateway's connection alone. */
  readonly ready: boolean;
}

export interface RoutingRevision {
  readonly revisionId: string;
  readonly number: number;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly digest: string;
  readonly modelName: string;
  readonly signature: Signature | undefined;
  readonly task: Task | undefined;
  /** Requests that may wait in a gateway for this revision. */
  readonly maxQueue: number;
  readonly deadlineMs: number | undefined;
  readonly batching: EffectiveBatching;
  /** How real requests are sampled; undefined: not at all. */
  readonly requestSamples: RequestSamples | undefined;
  readonly instances: readonly RoutingInstance[];
}

export interface RoutingDeployment {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly name: string;
  readonly status: string;
  readonly statusReason: string | undefined;
  readonly suspended: boolean;
  /** Newest revision first, so that a caller who is on a candidate stays there while its share grows. */
  readonly split: readonly SplitShare[];
  /** Draws of the split are independent between two values of this: it changes with the newest revision of the split. */
  readonly splitSalt: string;
  /** Every revision that matters to routing (in the split, wanted, or with an instance), newest first. */
  readonly revisions: readonly RoutingRevision[];
}

/** Who serves what: project id → deployment name → deployment. Never edited; a new one replaces it whole. */
export interface RoutingSnapshot {
  readonly projects: ReadonlyMap<string, ReadonlyMap<string, RoutingDeployment>>;
}

const defaultMaxQueue = 1024;

/** Builds the snapshot from one consistent read. The result shares nothing with the rows and is frozen. */
export function buildSnapshot(rows: RoutingRows): RoutingSnapshot {
  const instancesByRevision = groupBy(rows.instances, (instance) => instance.revisionId);
  const revisionsByDeployment = groupBy(rows.revisions, (revision) => revision.deploymentId);
  const projects = new Map<string, Map<string, RoutingDeployment>>();
  for (const row of rows.deployments) {
    const revisions = (revisionsByDeployment.get(row.deploymentId) ?? []).map((revision) =>
      toRevision(revision, instancesByRevision.get(revision.revisionId) ?? []),
    );
    const byName = projects.get(row.projectId) ?? new Map<string, RoutingDeployment>();
    byName.set(row.name, toDeployment(row, revisions));
    projects.set(row.projectId, byName);
  }
  return Object.freeze({ projects });
}

function toDeployment(row: RoutingDeploymentRow, revisions: RoutingRevision[]): RoutingDeployment {
  const newestFirst = revisions.sort((a, b) => b.number - a.number);
  const numbers = new Map(newestFirst.map((revision) => [revision.revisionId, revision.number]));
  const warm = new Set(
    newestFirst.filter((revision) => revision.instances.some((instance) => instance.ready)).map((revision) => revision.revisionId),
  );
  const split = deriveSplit(row, (revisionId) => warm.has(revisionId))
    .filter((share) => numbers.has(share.revisionId))
    .toSorted((a, b) => (numbers.get(b.revisionId) ?? 0) - (numbers.get(a.revisionId) ?? 0));
  return deepFreeze({
    projectId: row.projectId,
    deploymentId: row.deploymentId,
    name: row.name,
    status: row.status,
    statusReason: row.statusReason ?? undefined,
    suspended: row.suspended,
    split,
    splitSalt: split[0]?.revisionId ?? row.deploymentId,
    revisions: newestFirst,
  });
}

function toRevision(row: RoutingRevisionRow, instances: readonly RoutingInstanceRow[]): RoutingRevision {
  return {
    revisionId: row.revisionId,
    number: row.number,
    versionId: row.versionId,
    versionNumber: row.versionNumber,
    digest: row.digest,
    modelName: row.modelName,
    signature: row.signature === null ? undefined : structuredClone(row.signature),
    task: row.task === null ? undefined : structuredClone(row.task),
    maxQueue: row.maxQueue ?? defaultMaxQueue,
    deadlineMs: row.deadlineMs ?? undefined,
    batching: effectiveBatching(row.batching ?? Batching.parse({}), row),
    requestSamples: structuredClone(row.requestSamples ?? undefined),
    instances: instances.map(({ instanceId, address, ready }) => ({ instanceId, address, ready })),
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
