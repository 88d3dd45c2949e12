import type { GuardJudgement, GuardOutcome, RolloutCounts, RolloutPhase, RolloutPlan, RolloutStatus, Strategy } from '@slipway/contracts';

export const rolloutWishes = ['abort', 'supersede', 'pause'] as const;
/**
 * `abort`: a person, a guard or a gateway asked for it. `supersede`: a newer wish (rollback, suspension, deletion) took its place. `pause`: a
 * person wants it to stay where it is.
 */
export type RolloutWish = (typeof rolloutWishes)[number];

/** Why a rollout was aborted: by a person, a newer wish, instances that do not start, time, a guard, a hook, or a gateway's fast lane. */
export const abortCauses = [
  'ABORT_REQUESTED',
  'SUPERSEDED',
  'CANDIDATE_FAILED',
  'TIMED_OUT',
  'GUARD_FAILED',
  'HOOK_ABORTED',
  'CANDIDATE_CRASHED',
  'CONSECUTIVE_ERRORS',
  'HARD_ERROR_SHARE',
] as const;
export type AbortCause = (typeof abortCauses)[number];

/** What a rollout was held for and a person has let pass: this guard with this outcome, no other. */
export interface Waiver {
  readonly guard: string;
  readonly outcome: GuardOutcome;
}

/** The walk from one revision to the next. */
export interface Rollout {
  readonly id: string;
  readonly deploymentId: string;
  readonly epoch: number;
  readonly fromRevisionId: string | undefined;
  readonly toRevisionId: string;
  readonly strategy: Strategy;
  readonly plan: RolloutPlan;
  readonly planName: string | undefined;
  readonly createdBy: string;
  readonly reason: string | undefined;
  readonly startedAt: Date;
  /** Not before this time. */
  readonly scheduledFor: Date | undefined;
  readonly wish: RolloutWish | undefined;
  readonly wishCause: AbortCause | undefined;
  readonly wishDetail: string | undefined;
  readonly wishBy: string | undefined;
  readonly approvedStage: number | undefined;
  readonly promoteNow: boolean;
  readonly overrideFreeze: boolean;
  readonly waived: readonly Waiver[];
  readonly status: RolloutStatus;
  readonly phase: RolloutPhase;
  /** Index of the present stage of the plan; the number of stages when all are done. */
  readonly step: number;
  readonly stepStartedAt: Date;
  /** The candidate's share of live traffic; routing is a function of it. */
  readonly weightPercent: number;
  /** Share of live requests that the candidate gets copies of. */
  readonly shadowPercent: number;
  readonly waitingFor: string | undefined;
  readonly judgements: readonly GuardJudgement[];
  readonly judgedAt: Date | undefined;
  readonly counts: RolloutCounts | undefined;
  readonly cause: string | undefined;
  readonly causeDetail: string | undefined;
  readonly finishedAt: Date | undefined;
  readonly undoUntil: Date | undefined;
  readonly rowVersion: number;
}

export const walkingStatuses = ['PROGRESSING', 'PAUSED', 'HELD'] as const satisfies readonly RolloutStatus[];

/** Whether the rollout still moves: not finished and nobody asked to end it. */
export function isWalking(rollout: Pick<Rollout, 'status' | 'wish'> | undefined): boolean {
  return (
    rollout !== undefined && (rollout.wish === undefined || rollout.wish === 'pause') && walkingStatuses.some((status) => status === rollout.status)
  );
}
