import type { GuardJudgement, RolloutPhase, RolloutStatus } from '@slipway/contracts';
import { newId, type Transaction, toJson } from '@slipway/platform';

/** One step of a rollout's walk. */
export interface NewTransition {
  readonly rolloutId: string;
  readonly at: Date;
  /** A person's key or session, or "system:<part>". */
  readonly actor: string;
  readonly action: string;
  /** Where the rollout is after it; the stage is absent before the first one. */
  readonly place: {
    readonly status: RolloutStatus;
    readonly phase: RolloutPhase;
    readonly stage: number | undefined;
    readonly weightPercent: number;
  };
  /** One sentence. */
  readonly reason: string | undefined;
  /** What it was decided by. */
  readonly judgements?: readonly GuardJudgement[];
}

/**
 * Appends to the walk of a rollout; rows are never changed. Call it after the rollout's own row was written in the same transaction: that row's
 * lock is what orders the numbers.
 */
export async function recordTransition(tx: Transaction, transition: NewTransition): Promise<void> {
  const { rolloutId, place } = transition;
  const last = await tx.rolloutTransition.aggregate({ where: { rolloutId }, _max: { sequence: true } });
  await tx.rolloutTransition.create({
    data: {
      id: newId('rtr'),
      rolloutId,
      sequence: (last._max.sequence ?? 0) + 1,
      at: transition.at,
      actor: transition.actor,
      action: transition.action,
      status: place.status,
      phase: place.phase,
      stage: place.stage ?? null,
      weightPercent: place.weightPercent,
      reason: transition.reason ?? null,
      judgements: toJson(transition.judgements ?? []),
    },
  });
}
