import type { HistoryState, KeptRow } from '@slipway/platform';
import { rowsOfKind } from '@slipway/platform';
import { z } from 'zod';

/** A revision's share of a deployment's traffic at a moment of the past. */
export interface ShareThen {
  readonly revisionId: string;
  readonly weightPercent: number;
}

/** Times of kept rows are UTC without a zone. */
export const KeptTime = z.string().transform((text) => new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`));

export const DeploymentThen = z.object({
  id: z.string(),
  name: z.string(),
  modelId: z.string(),
  epoch: z.number(),
  wishKind: z.string(),
  desiredRevisionId: z.string().nullable(),
  activeRevisionId: z.string().nullable(),
  suspended: z.boolean(),
  deletedAt: KeptTime.nullable(),
});
export type DeploymentThen = z.infer<typeof DeploymentThen>;

export const RolloutThen = z.object({
  id: z.string(),
  deploymentId: z.string(),
  epoch: z.number(),
  fromRevisionId: z.string().nullable(),
  toRevisionId: z.string(),
  status: z.string(),
  wish: z.string().nullable(),
  weightPercent: z.number(),
});
export type RolloutThen = z.infer<typeof RolloutThen>;

export const RevisionThen = z.object({
  id: z.string(),
  deploymentId: z.string(),
  number: z.number(),
  versionId: z.string(),
  replicas: z.number(),
  spec: z.looseObject({ keepWarmSeconds: z.number().default(0) }),
  reason: z.string().nullable(),
  createdBy: z.string(),
  createdAt: KeptTime,
  activatedAt: KeptTime.nullable(),
  retiredAt: KeptTime.nullable(),
});
export type RevisionThen = z.infer<typeof RevisionThen>;

/** What is known of a deployment's traffic at a moment. */
export interface TrafficThen {
  readonly deployment: DeploymentThen;
  /** Those of the deployment, or all of the project. */
  readonly rollouts: readonly RolloutThen[];
  readonly revisions: ReadonlyMap<string, RevisionThen>;
  readonly at: Date;
}

/**
 * The traffic split as wishes and facts had it, by the rules that gateways route by. Which instances were ready is not kept: a revision
 * counts as warm from its first traffic on until its time to stay warm was over.
 */
export function splitThen(traffic: TrafficThen): readonly ShareThen[] {
  const { deployment } = traffic;
  if (deployment.suspended || deployment.deletedAt !== null) return [];
  const { desiredRevisionId, activeRevisionId } = deployment;
  if (deployment.wishKind === 'ROLLBACK' && desiredRevisionId !== null && isWarmThen(traffic, desiredRevisionId)) return whole(desiredRevisionId);
  const rollout = traffic.rollouts.find((each) => each.deploymentId === deployment.id && each.epoch === deployment.epoch);
  if (deployment.wishKind === 'ROLLBACK' || rollout === undefined || rollout.status === 'COMPLETED') return whole(activeRevisionId);
  const stable = rollout.fromRevisionId ?? activeRevisionId;
  const isTakenBack = rollout.status === 'ABORTED' || rollout.wish === 'abort' || rollout.wish === 'supersede';
  const weightPercent = isTakenBack ? 0 : rollout.weightPercent;
  if (stable === null || weightPercent >= 100) return weightPercent > 0 ? whole(rollout.toRevisionId) : [];
  if (weightPercent <= 0) return whole(stable);
  return [
    { revisionId: stable, weightPercent: 100 - weightPercent },
    { revisionId: rollout.toRevisionId, weightPercent },
  ];
}

/** What a state knows of all its deployments' traffic. */
export function trafficOf(state: HistoryState, at: Date): readonly TrafficThen[] {
  const revisions = new Map(rowsOf(state, 'revision', RevisionThen).map((revision) => [revision.id, revision]));
  const rollouts = rowsOf(state, 'rollout', RolloutThen);
  return rowsOf(state, 'deployment', DeploymentThen).map((deployment) => ({ deployment, rollouts, revisions, at }));
}

/** The rows of a kind that a state has, as they are needed. */
export function rowsOf<T>(state: HistoryState, kind: string, schema: z.ZodType<T, unknown>): readonly T[] {
  return rowsOfKind(state, kind).map((entry) => schema.parse(entry.row satisfies KeptRow));
}

function isWarmThen({ revisions, at }: TrafficThen, revisionId: string): boolean {
  const revision = revisions.get(revisionId);
  if (revision === undefined || revision.activatedAt === null) return false;
  return revision.retiredAt === null || at.getTime() - revision.retiredAt.getTime() < revision.spec.keepWarmSeconds * 1000;
}

function whole(revisionId: string | null): readonly ShareThen[] {
  return revisionId === null ? [] : [{ revisionId, weightPercent: 100 }];
}
