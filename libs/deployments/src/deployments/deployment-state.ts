import { type Instance, isServing } from '../instances/instance.js';
import type { Revision } from '../revisions/revision.js';
import { isWalking, type Rollout } from '../rollouts/rollout.js';
import { deriveSplit, type SplitShare } from '../routing/derive-split.js';
import type { Deployment } from './deployment.js';

/** Everything that a decision about one deployment looks at, read in one go. */
export interface DeploymentState {
  readonly deployment: Deployment;
  /** Those that take traffic, are wanted, are warm or have instances; not the whole history. */
  readonly revisions: readonly Revision[];
  /** The newest one, finished or not. */
  readonly rollout: Rollout | undefined;
  /** Those that are not gone; failed ones for as long as they count for the backoff. */
  readonly instances: readonly Instance[];
  /** Revisions that get copies of live requests beside any rollout. */
  readonly shadows: readonly { readonly id: string; readonly revisionId: string; readonly samplePercent: number }[];
}

/**
 * The revision that takes the traffic, by the same rule as the gateway's snapshot; undefined while nothing is served. While a rollout walks it
 * is the one that it started from, whatever the candidate's share: the candidate is on trial until it is promoted.
 */
export function servingRevision(state: DeploymentState): Revision | undefined {
  return revisionOf(state, deriveShares(state, 0)[0]?.revisionId);
}

/** The traffic split of a deployment. */
export function splitOf(state: DeploymentState): readonly SplitShare[] {
  return deriveShares(state, state.rollout?.weightPercent ?? 0);
}

function deriveShares(state: DeploymentState, weightPercent: number): readonly SplitShare[] {
  const { wish, fact } = state.deployment;
  const rollout = state.rollout?.epoch === wish.epoch ? state.rollout : undefined;
  const basis = {
    suspended: wish.suspended || wish.deletedAt !== undefined,
    wishKind: wish.kind,
    desiredRevisionId: wish.desiredRevisionId ?? null,
    activeRevisionId: fact.activeRevisionId ?? null,
    rollout:
      rollout === undefined
        ? null
        : {
            rolloutId: rollout.id,
            status: rollout.status,
            wish: rollout.wish ?? null,
            fromRevisionId: rollout.fromRevisionId ?? null,
            toRevisionId: rollout.toRevisionId,
            weightPercent,
            shadowPercent: rollout.shadowPercent,
          },
  };
  return deriveSplit(basis, (revisionId) => hasReadyInstance(state, revisionId));
}

/** The rollout that still moves towards the present wish. */
export function walkingRollout(state: DeploymentState): Rollout | undefined {
  return state.rollout?.epoch === state.deployment.wish.epoch && isWalking(state.rollout) ? state.rollout : undefined;
}

/** Whether a request could be served by this revision now. */
export function hasReadyInstance(state: Pick<DeploymentState, 'instances'>, revisionId: string): boolean {
  return state.instances.some((instance) => instance.revisionId === revisionId && isServing(instance));
}

export function revisionOf(state: Pick<DeploymentState, 'revisions'>, id: string | undefined): Revision | undefined {
  return state.revisions.find((revision) => revision.id === id);
}

/** A revision as events name it. */
export function namesOf(revision: Revision | undefined): { readonly revision: number; readonly version: number } | undefined {
  return revision === undefined ? undefined : { revision: revision.number, version: revision.versionNumber };
}
