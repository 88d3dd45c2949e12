import { type Instance, isServing } from '../instances/instance.js';
import type { AbortCause, Rollout } from './rollout.js';

/** What is seen of a rollout's surroundings at one moment. */
export interface RolloutObservation {
  readonly deployment: { readonly epoch: number; readonly suspended: boolean; readonly deleted: boolean };
  /** Replicas that the target revision wants. */
  readonly replicas: number;
  /** Why some of them could not be placed. */
  readonly unplacedReason: string | undefined;
  /** Instances of the target revision, failed ones included. */
  readonly instances: readonly Pick<Instance, 'status' | 'wish' | 'reason' | 'createdAt' | 'updatedAt'>[];
}

export type Decision =
  | { readonly kind: 'wait'; readonly retryInMs: number }
  | { readonly kind: 'complete' }
  | { readonly kind: 'abort'; readonly cause: AbortCause; readonly detail: string };

/** Readiness is told by nudges; this is how long a lost one may go unnoticed. */
const pollMs = 1_000;

/**
 * The next step of a rollout, all at once: wait until every wanted replica is ready (each has loaded, warmed up and answered a canary
 * request), then complete. It aborts when somebody wished so, when a newer wish came, when the candidate failed too often, or when its
 * time is over; being nearly there at that moment is not enough.
 * @param now on the database's clock.
 */
export function decideStep(rollout: Rollout, seen: RolloutObservation, now: Date): Decision {
  const ended = decideByWish(rollout, seen);
  if (ended !== undefined) return ended;
  const ready = seen.instances.filter(isServing).length;
  if (ready >= seen.replicas) return { kind: 'complete' };

  const failed = seen.instances.filter((instance) => instance.status === 'FAILED' && instance.createdAt >= rollout.startedAt);
  if (failed.length >= rollout.plan.maxFailures) {
    return { kind: 'abort', cause: 'CANDIDATE_FAILED', detail: `${failed.length} instances failed; the last one: ${lastReason(failed)}` };
  }
  const leftMs = rollout.startedAt.getTime() + rollout.plan.maxWarmingSeconds * 1000 - now.getTime();
  if (leftMs <= 0) {
    const seconds = rollout.plan.maxWarmingSeconds;
    const because = seen.unplacedReason === undefined ? '' : `: ${seen.unplacedReason}`;
    return { kind: 'abort', cause: 'TIMED_OUT', detail: `${ready} of ${seen.replicas} instances became ready within ${seconds} s${because}` };
  }
  return { kind: 'wait', retryInMs: Math.min(pollMs, leftMs) };
}

function decideByWish(rollout: Rollout, seen: RolloutObservation): Decision | undefined {
  if (rollout.wish === 'abort') return { kind: 'abort', cause: 'ABORT_REQUESTED', detail: 'a person asked to abort the rollout' };
  if (rollout.wish === 'supersede' || seen.deployment.deleted || seen.deployment.suspended || seen.deployment.epoch !== rollout.epoch) {
    return { kind: 'abort', cause: 'SUPERSEDED', detail: 'a newer wish for the deployment took its place' };
  }
  return undefined;
}

function lastReason(failed: RolloutObservation['instances']): string {
  const last = failed.reduce((newest, at) => (at.updatedAt > newest.updatedAt ? at : newest));
  return last.reason ?? 'it gave no reason';
}
