import { rolloutStatuses } from '@slipway/contracts';
import { deriveSplit, rolloutWishes, type SplitShare, wishKinds } from '@slipway/deployments';
import { type HistoryState, type KeptRow, rowsOfKind } from '@slipway/platform';
import { z } from 'zod';

/** Times of kept rows are UTC without a zone. */
export const KeptTime = z.string().transform((text) => new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`));

export const DeploymentThen = z.object({
  id: z.string(),
  name: z.string(),
  modelId: z.string(),
  epoch: z.number(),
  wishKind: z.enum(wishKinds),
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
  status: z.enum(rolloutStatuses),
  wish: z.enum(rolloutWishes).nullable(),
  weightPercent: z.number(),
  shadowPercent: z.number(),
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
 * The traffic split as wishes and facts had it, by the rule that gateways route by. Which instances were ready is not kept: a revision
 * counts as warm from its first traffic on until its time to stay warm was over, a candidate as soon as it was given a share.
 */
export function splitThen(traffic: TrafficThen): readonly SplitShare[] {
  const { deployment } = traffic;
  const rollout = traffic.rollouts.find((each) => each.deploymentId === deployment.id && each.epoch === deployment.epoch);
  const isCandidate = (revisionId: string) => rollout?.toRevisionId === revisionId && rollout.weightPercent > 0;
  const basis = {
    suspended: deployment.suspended || deployment.deletedAt !== null,
    wishKind: deployment.wishKind,
    desiredRevisionId: deployment.desiredRevisionId,
    activeRevisionId: deployment.activeRevisionId,
    rollout: rollout === undefined ? null : { ...rollout, rolloutId: rollout.id },
  };
  return deriveSplit(basis, (revisionId) => isWarmThen(traffic, revisionId) || isCandidate(revisionId));
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
