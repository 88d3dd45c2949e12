import type { Rollout } from './rollout.js';

/** Replicas that both revisions should have during a rolling update. */
export interface RollingReplicas {
  readonly candidate: number;
  readonly stable: number;
}

/**
 * A rolling update as a function of its row: the candidate has the replicas that its share of the traffic stands for and one batch more, which
 * becomes ready next; the old revision has the rest, at least one, so that there is always a way back. Before the candidate takes traffic the
 * old revision keeps all of its replicas.
 */
export function rollingReplicas(
  rollout: Pick<Rollout, 'plan' | 'weightPercent'>,
  wanted: { readonly candidate: number; readonly stable: number },
): RollingReplicas {
  const share = rollout.weightPercent / 100;
  const moved = Math.round(share * wanted.candidate);
  return {
    candidate: Math.min(wanted.candidate, moved + rollout.plan.batchReplicas),
    stable: Math.max(1, Math.ceil((1 - share) * wanted.stable - 1e-9)),
  };
}
