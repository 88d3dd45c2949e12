import type { DeploymentStatus } from '@slipway/contracts';

export const wishKinds = ['DEPLOY', 'ROLLBACK'] as const;
/** DEPLOY walks to the desired revision by a rollout; ROLLBACK goes there as soon as it has a ready instance. */
export type WishKind = (typeof wishKinds)[number];

/** The named thing that clients call. The API writes `wish`, the worker writes `fact`. */
export interface Deployment {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly wish: DeploymentWish;
  readonly fact: DeploymentFact;
}

export interface DeploymentWish {
  /** The fencing epoch: grows with every wish; what was decided for an older epoch changes nothing. */
  readonly epoch: number;
  readonly kind: WishKind;
  readonly desiredRevisionId: string | undefined;
  readonly suspended: boolean;
  readonly deletedAt: Date | undefined;
}

export interface DeploymentFact {
  /** The revision that took the traffic when the worker last wrote; undefined until the first one was ready. */
  readonly activeRevisionId: string | undefined;
  readonly status: DeploymentStatus;
  readonly statusReason: string | undefined;
}
