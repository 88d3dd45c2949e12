import { Batching, FastLane, RequestSamples, Signature, Task } from '@slipway/contracts';
import { z } from 'zod';

/** The rollout that belongs to a deployment's present epoch. */
export const RoutingRolloutRow = z.object({
  rolloutId: z.string(),
  status: z.string(),
  wish: z.string().nullable().default(null),
  fromRevisionId: z.string().nullable(),
  toRevisionId: z.string(),
  /** Index of its present stage. */
  stage: z.number().int().default(0),
  weightPercent: z.number().default(0),
  shadowPercent: z.number().default(0),
  // Of its plan; a rollout from before has none of them.
  fastLane: FastLane.nullish(),
  comparisonsPerSecond: z.number().nullish(),
  topK: z.number().int().nullish(),
});
export type RoutingRolloutRow = z.infer<typeof RoutingRolloutRow>;

/** A revision that gets copies of live requests beside any rollout. */
export const RoutingShadowRow = z.object({ shadowId: z.string(), revisionId: z.string(), samplePercent: z.number() });
export type RoutingShadowRow = z.infer<typeof RoutingShadowRow>;

export const RoutingDeploymentRow = z.object({
  deploymentId: z.string(),
  projectId: z.string(),
  name: z.string(),
  status: z.string(),
  statusReason: z.string().nullable(),
  suspended: z.boolean(),
  wishKind: z.string(),
  desiredRevisionId: z.string().nullable(),
  activeRevisionId: z.string().nullable(),
  rollout: RoutingRolloutRow.nullable(),
  shadows: z.array(RoutingShadowRow).nullish(),
});
export type RoutingDeploymentRow = z.infer<typeof RoutingDeploymentRow>;

export const RoutingRevisionRow = z.object({
  revisionId: z.string(),
  deploymentId: z.string(),
  number: z.number().int(),
  versionId: z.string(),
  versionNumber: z.number().int(),
  digest: z.string(),
  modelName: z.string(),
  signature: Signature.nullable(),
  task: Task.nullable(),
  maxQueue: z.number().int().nullable(),
  deadlineMs: z.number().int().nullable(),
  batching: Batching.nullish(),
  requestSamples: RequestSamples.nullish(),
  rowsIndependent: z.boolean().nullish(),
  // A revision from before is measured as one that says nothing of it.
  noisePercent: z.number().nullish(),
});
export type RoutingRevisionRow = z.infer<typeof RoutingRevisionRow>;

export const RoutingInstanceRow = z.object({
  instanceId: z.string(),
  revisionId: z.string(),
  /** Where the instance listens, for example `unix:/path`. */
  address: z.string(),
  /** The hosting worker has proven it with a canary request. */
  ready: z.boolean(),
});
export type RoutingInstanceRow = z.infer<typeof RoutingInstanceRow>;

/**
 * All that routing is a function of, as one consistent read: wishes, facts, and addresses. It is also the form in which a gateway
 * keeps its last snapshot on disk. Unknown fields are ignored, so a gateway may be a release older than the file.
 */
export const RoutingRows = z.object({
  deployments: z.array(RoutingDeploymentRow),
  revisions: z.array(RoutingRevisionRow),
  instances: z.array(RoutingInstanceRow),
});
export type RoutingRows = z.infer<typeof RoutingRows>;
