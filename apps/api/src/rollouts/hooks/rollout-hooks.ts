import type { RolloutAsk } from '@slipway/deployments';

/** The hooks of rollouts' plans: webhook receivers that are asked before a move, or told of what has happened. */
export interface RolloutHooks {
  /**
   * Asks the hooks of mode `ask` before a forward move, all at once, each within its own time. May be called again and again for the same move: it
   * answers `wait` while they are being asked, and asks nobody twice. Every answer becomes a transition `hook_asked` of the rollout.
   */
  readonly ask: RolloutAsk;
  /**
   * Tells the hooks of mode `tell` of every transition of the rollout that they have not been told of yet. Idempotent: call it after whatever may
   * have written a transition, and once when the rollout has ended.
   */
  readonly tell: (rolloutId: string) => Promise<void>;
}
