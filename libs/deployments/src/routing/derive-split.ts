import type { RoutingDeploymentRow } from './routing-rows.schema.js';

/** One revision's share of a deployment's traffic. The shares of a deployment sum to 100, or there are none. */
export interface SplitShare {
  readonly revisionId: string;
  readonly weightPercent: number;
}

/** The wishes and facts of one deployment that decide its split. */
export type SplitBasis = Pick<RoutingDeploymentRow, 'suspended' | 'wishKind' | 'desiredRevisionId' | 'activeRevisionId' | 'rollout'>;

/**
 * The traffic split as a function of wishes (written by the API) and facts (written by the worker), so that a rollback to a warm
 * revision takes effect with the row alone, without queue or worker:
 *
 * - suspended: nothing is served;
 * - a wish to roll back whose target has a ready instance: the target at once;
 * - a rollout of the present epoch that has not completed: the revision it started from, as long as that one is warm. It differs from
 *   the active revision when a rollback was overtaken by a new deploy before any worker could write it down;
 * - otherwise: the active revision, warm or not. Without one (first deploy, not ready yet) nothing is served.
 *
 * @param isWarm whether a revision has a ready instance.
 */
export function deriveSplit(basis: SplitBasis, isWarm: (revisionId: string) => boolean): readonly SplitShare[] {
  if (basis.suspended) return [];
  const { desiredRevisionId, activeRevisionId, rollout } = basis;
  if (basis.wishKind === 'ROLLBACK' && desiredRevisionId !== null && isWarm(desiredRevisionId)) return whole(desiredRevisionId);
  if (basis.wishKind === 'DEPLOY' && rollout !== null && rollout.status !== 'COMPLETED') {
    const { fromRevisionId } = rollout;
    if (fromRevisionId !== null && isWarm(fromRevisionId)) return whole(fromRevisionId);
  }
  return activeRevisionId === null ? [] : whole(activeRevisionId);
}

function whole(revisionId: string): readonly SplitShare[] {
  return [{ revisionId, weightPercent: 100 }];
}
