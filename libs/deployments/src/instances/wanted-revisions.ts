import { type DeploymentState, revisionOf, servingRevision, walkingRollout } from '../deployments/deployment-state.js';
import type { Revision } from '../revisions/revision.js';

export interface WantedRevision {
  readonly revision: Revision;
  /** Why instances of it should run. */
  readonly role: 'active' | 'desired' | 'candidate' | 'warm';
}

/** So many retired revisions of one deployment stay warm at most, the latest first. */
export const warmRevisionsMax = 2;

/**
 * The revisions of a deployment that should have instances now, the most important first: the one that takes the traffic, the one a rollback
 * goes to, the one a rollout walks to, and the latest retired ones for as long as they should stay warm. A suspended or deleted deployment
 * wants none; the target of an aborted rollout is not wanted either, so nothing applies it again.
 */
export function wantedRevisions(state: DeploymentState, now: Date): readonly WantedRevision[] {
  const { wish, fact } = state.deployment;
  if (wish.suspended || wish.deletedAt !== undefined) return [];
  const wanted = new Map<string, WantedRevision>();
  const want = (role: WantedRevision['role'], revision: Revision | undefined) => {
    if (revision !== undefined && !wanted.has(revision.id)) wanted.set(revision.id, { revision, role });
  };
  want('active', servingRevision(state));
  want('active', revisionOf(state, fact.activeRevisionId));
  if (wish.kind === 'ROLLBACK') want('desired', revisionOf(state, wish.desiredRevisionId));
  want('candidate', revisionOf(state, walkingRollout(state)?.toRevisionId));
  for (const revision of warmRevisions(state, now)) want('warm', revision);
  return [...wanted.values()];
}

function warmRevisions(state: DeploymentState, now: Date): readonly Revision[] {
  return state.revisions
    .flatMap((revision) => (revision.retiredAt === undefined ? [] : [{ revision, retiredAt: revision.retiredAt.getTime() }]))
    .filter(
      ({ revision, retiredAt }) =>
        revision.id !== state.deployment.fact.activeRevisionId && now.getTime() < retiredAt + revision.spec.keepWarmSeconds * 1000,
    )
    .sort((a, b) => b.retiredAt - a.retiredAt)
    .slice(0, warmRevisionsMax)
    .map(({ revision }) => revision);
}
