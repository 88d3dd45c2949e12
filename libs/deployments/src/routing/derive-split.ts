import type { RoutingDeploymentRow, RoutingRolloutRow } from './routing-rows.schema.js';

/** One revision's share of a deployment's traffic. The shares of a deployment sum to 100, or there are none. */
export interface SplitShare {
  readonly revisionId: string;
  readonly weightPercent: number;
}

/** What a rollout's row says about its share. */
export type TrialBasis = Pick<
  RoutingRolloutRow,
  'rolloutId' | 'status' | 'wish' | 'fromRevisionId' | 'toRevisionId' | 'weightPercent' | 'shadowPercent'
>;

/** The wishes and facts of one deployment that decide its split. */
export interface SplitBasis extends Pick<RoutingDeploymentRow, 'suspended' | 'wishKind' | 'desiredRevisionId' | 'activeRevisionId'> {
  /** The newest rollout of the present epoch. */
  readonly rollout: TrialBasis | null;
}

/**
 * The traffic split as a function of wishes (written by the API) and facts (written by whoever advances rollouts), so that a rollback to a
 * warm revision takes effect with the row alone, without queue or worker. The candidate comes first.
 *
 * - suspended: nothing is served;
 * - a wish to roll back whose target has a ready instance: the target at once;
 * - a rollout of the present epoch that has not completed: the revision it started from, as long as that one is warm. It differs from
 *   the active revision when a rollback was overtaken by a new deploy before any worker could write it down;
 * - otherwise: the active revision, warm or not. Without one (first deploy, not ready yet) nothing is served;
 * - of that, a rollout that is still on trial gives its candidate the share that its row names, as long as the candidate is warm. A wish to
 *   abort or supersede ends the trial by itself.
 *
 * @param isWarm whether a revision has a ready instance.
 */
export function deriveSplit(basis: SplitBasis, isWarm: (revisionId: string) => boolean): readonly SplitShare[] {
  if (basis.suspended) return [];
  const { desiredRevisionId, rollout } = basis;
  if (basis.wishKind === 'ROLLBACK' && desiredRevisionId !== null && isWarm(desiredRevisionId)) return whole(desiredRevisionId);
  const stable = stableOf(basis, isWarm);
  if (stable === null) return [];
  if (basis.wishKind !== 'DEPLOY' || rollout === null || !isOnTrial(rollout)) return whole(stable);
  const weightPercent = Math.min(100, rollout.weightPercent);
  if (!(weightPercent > 0) || rollout.toRevisionId === stable || !isWarm(rollout.toRevisionId)) return whole(stable);
  if (weightPercent === 100) return whole(rollout.toRevisionId);
  return [
    { revisionId: rollout.toRevisionId, weightPercent },
    { revisionId: stable, weightPercent: 100 - weightPercent },
  ];
}

const trialStatuses: readonly string[] = ['PROGRESSING', 'PAUSED', 'HELD'];

/** Whether a rollout's candidate may have traffic or copies: it is not finished and nobody asked to end it. */
export function isOnTrial({ status, wish }: Pick<TrialBasis, 'status' | 'wish'>): boolean {
  return trialStatuses.includes(status) && (wish === null || wish === 'pause');
}

function stableOf({ wishKind, activeRevisionId, rollout }: SplitBasis, isWarm: (revisionId: string) => boolean): string | null {
  if (wishKind !== 'DEPLOY' || rollout === null || rollout.status === 'COMPLETED') return activeRevisionId;
  const { fromRevisionId } = rollout;
  return fromRevisionId !== null && isWarm(fromRevisionId) ? fromRevisionId : activeRevisionId;
}

function whole(revisionId: string): readonly SplitShare[] {
  return [{ revisionId, weightPercent: 100 }];
}
