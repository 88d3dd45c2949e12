import { type DeploymentState, revisionOf, servingRevision, walkingRollout } from '../deployments/deployment-state.js';
import type { Revision } from '../revisions/revision.js';
import { rollingReplicas } from '../rollouts/rolling-replicas.js';

export interface WantedRevision {
  /** Its replicas are those that it should have now, which a rolling update changes batch by batch. */
  readonly revision: Revision;
  /** Why instances of it should run. */
  readonly role: 'active' | 'desired' | 'candidate' | 'shadow' | 'warm';
}

/** So many retired revisions of one deployment stay warm at most, the latest first. */
export const warmRevisionsMax = 2;

/**
 * The revisions of a deployment that should have instances now, the most important first: the one that takes the traffic, the one a rollback
 * goes to, the one a rollout walks to (once its time has come), those that get copies of requests, and the latest retired ones for as long as they
 * should stay warm. A suspended or deleted deployment wants none; the target of an aborted rollout is not wanted either, so nothing applies it
 * again, unless a guard took it back and a person may still undo that.
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
  const walking = walkingRollout(state);
  if (walking !== undefined && walking.phase !== 'validating') want('candidate', revisionOf(state, walking.toRevisionId));
  for (const shadow of state.shadows) want('shadow', revisionOf(state, shadow.revisionId));
  for (const revision of warmRevisions(state, now)) want('warm', revision);
  return [...wanted.values()].map((each) => withReplicasOfNow(state, each));
}

function withReplicasOfNow(state: DeploymentState, wanted: WantedRevision): WantedRevision {
  // What a rolling update has taken down is not started again only to be warm: one replica is the way back.
  if (wanted.role === 'warm' && state.rollout?.strategy === 'rolling') return { ...wanted, revision: { ...wanted.revision, replicas: 1 } };
  const walking = walkingRollout(state);
  const stable = revisionOf(state, walking?.fromRevisionId);
  const candidate = revisionOf(state, walking?.toRevisionId);
  if (walking?.strategy !== 'rolling' || stable === undefined || candidate === undefined) return wanted;
  const replicas = rollingReplicas(walking, { candidate: candidate.replicas, stable: stable.replicas });
  // A person's word to promote waits for all of them; batch by batch they would never come.
  if (wanted.revision.id === candidate.id)
    return walking.promoteNow ? wanted : { ...wanted, revision: { ...wanted.revision, replicas: replicas.candidate } };
  if (wanted.revision.id === stable.id) return { ...wanted, revision: { ...wanted.revision, replicas: replicas.stable } };
  return wanted;
}

function warmRevisions(state: DeploymentState, now: Date): readonly Revision[] {
  return state.revisions
    .flatMap((revision) => {
      const until = warmUntil(state, revision);
      return until === undefined || revision.id === state.deployment.fact.activeRevisionId || until <= now.getTime() ? [] : [{ revision, until }];
    })
    .sort(
      (a, b) => Number(isUndoTarget(state, b.revision)) - Number(isUndoTarget(state, a.revision)) || retiredMs(b.revision) - retiredMs(a.revision),
    )
    .slice(0, warmRevisionsMax)
    .map(({ revision }) => revision);
}

/** As long as the revision itself says, or as long as the newest rollout can be undone by it, whichever is longer. */
function warmUntil(state: DeploymentState, revision: Revision): number | undefined {
  const kept = revision.retiredAt === undefined ? undefined : revision.retiredAt.getTime() + revision.spec.keepWarmSeconds * 1000;
  const undo = isUndoTarget(state, revision) ? state.rollout?.undoUntil?.getTime() : undefined;
  return kept === undefined || undo === undefined ? (kept ?? undo) : Math.max(kept, undo);
}

function isUndoTarget({ rollout }: DeploymentState, revision: Revision): boolean {
  if (rollout?.undoUntil === undefined) return false;
  return revision.id === (rollout.status === 'COMPLETED' ? rollout.fromRevisionId : rollout.toRevisionId);
}

function retiredMs(revision: Revision): number {
  return revision.retiredAt?.getTime() ?? 0;
}
