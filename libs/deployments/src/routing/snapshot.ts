import { Batching, FastLane, Monitoring, type RequestSamples, type Signature, type Task } from '@slipway/contracts';
import { type EffectiveBatching, effectiveBatching } from '../revisions/effective-batching.js';
import { deriveSplit, isOnTrial, type SplitShare } from './derive-split.js';
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
  /** Extra runs for measuring noise, as a share of the requests served; 0: none. */
  readonly noisePercent: number;
  readonly instances: readonly RoutingInstance[];
}

export interface RoutingDeployment {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly name: string;
  readonly status: string;
  readonly statusReason: string | undefined;
  readonly suspended: boolean;
  /** The candidate first, so that a caller who is on it stays there while its share grows. */
  readonly split: readonly SplitShare[];
  /** Draws of the split are independent between two values of this: the rollout's id, or the revision that takes all. */
  readonly splitSalt: string;
  /** The rollout under way; undefined as soon as it is over or somebody asked to end it. */
  readonly rollout: RoutingRollout | undefined;
  /** Who gets copies of live requests, by the rollout under way and beside it. */
  readonly shadows: readonly RoutingShadow[];
  /** Every revision that matters to routing (in the split, wanted, or with an instance), newest first. */
  readonly revisions: readonly RoutingRevision[];
}

/** What a gateway needs to know of a rollout under way. */
export interface RoutingRollout {
  readonly rolloutId: string;
  /** Index of its stage; what is seen now is evidence of this stage. */
  readonly stage: number;
  /** Stable; undefined for a first deployment. */
  readonly fromRevisionId: string | undefined;
  readonly toRevisionId: string;
  readonly weightPercent: number;
  readonly shadowPercent: number;
  /** Copies for comparing both on the same requests, each way. */
  readonly comparisonsPerSecond: number;
  /** Of the top k labels that both name. */
  readonly topK: number;
  readonly fastLane: FastLane;
}

export interface RoutingShadow {
  /** What its evidence is kept under: the id of the rollout or of the shadow. */
  readonly subjectId: string;
  readonly stage: number;
  readonly revisionId: string;
  /** Share of live requests that it gets copies of. */
  readonly samplePercent: number;
}

/** Who serves what: project id → deployment name → deployment. Never edited; a new one replaces it whole. */
export interface RoutingSnapshot {
  readonly projects: ReadonlyMap<string, ReadonlyMap<string, RoutingDeployment>>;
}

const defaultMaxQueue = 1024;
const defaultNoisePercent = Monitoring.parse({}).noise.percent;

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
  const known = new Set(newestFirst.map((revision) => revision.revisionId));
  const warm = new Set(
    newestFirst.filter((revision) => revision.instances.some((instance) => instance.ready)).map((revision) => revision.revisionId),
  );
  const split = deriveSplit(row, (revisionId) => warm.has(revisionId)).filter((share) => known.has(share.revisionId));
  const rollout = toRollout(row);
  return deepFreeze({
    projectId: row.projectId,
    deploymentId: row.deploymentId,
    name: row.name,
    status: row.status,
    statusReason: row.statusReason ?? undefined,
    suspended: row.suspended,
    split,
    splitSalt: split.length > 1 && rollout !== undefined ? rollout.rolloutId : (split[0]?.revisionId ?? row.deploymentId),
    rollout,
    shadows: row.suspended ? [] : toShadows(row, rollout).filter((shadow) => known.has(shadow.revisionId)),
    revisions: newestFirst,
  });
}

const defaultComparisonsPerSecond = 50;
const defaultTopK = 5;

function toRollout(row: RoutingDeploymentRow): RoutingRollout | undefined {
  const { rollout } = row;
  if (rollout === null || row.suspended || row.wishKind !== 'DEPLOY' || !isOnTrial(rollout)) return undefined;
  return {
    rolloutId: rollout.rolloutId,
    stage: rollout.stage,
    fromRevisionId: rollout.fromRevisionId ?? row.activeRevisionId ?? undefined,
    toRevisionId: rollout.toRevisionId,
    weightPercent: rollout.weightPercent,
    shadowPercent: rollout.shadowPercent,
    comparisonsPerSecond: rollout.comparisonsPerSecond ?? defaultComparisonsPerSecond,
    topK: rollout.topK ?? defaultTopK,
    fastLane: { ...(rollout.fastLane ?? FastLane.parse({})) },
  };
}

function toShadows(row: RoutingDeploymentRow, rollout: RoutingRollout | undefined): RoutingShadow[] {
  const beside = (row.shadows ?? []).map(({ shadowId, revisionId, samplePercent }) => ({ subjectId: shadowId, stage: 0, revisionId, samplePercent }));
  if (rollout === undefined || rollout.shadowPercent <= 0) return beside;
  const { rolloutId, stage, toRevisionId, shadowPercent } = rollout;
  return [{ subjectId: rolloutId, stage, revisionId: toRevisionId, samplePercent: shadowPercent }, ...beside];
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
    noisePercent: row.noisePercent ?? defaultNoisePercent,
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
