import type { RolloutPhase, RolloutStatus } from '@slipway/contracts';
import { z } from 'zod';

export const strategyNames = ['all-at-once'] as const;
export const rolloutWishes = ['abort', 'supersede'] as const;
/** `abort`: a person asked for it. `supersede`: a newer wish (rollback, suspension, deletion) took its place. */
export type RolloutWish = (typeof rolloutWishes)[number];

/** Why a rollout was aborted. */
export const abortCauses = ['ABORT_REQUESTED', 'SUPERSEDED', 'CANDIDATE_FAILED', 'TIMED_OUT'] as const;
export type AbortCause = (typeof abortCauses)[number];

/** What a rollout was asked to do; immutable, so that a rollout is judged by the rules it was started under. */
export const RolloutPlan = z.object({
  /** After this long without success the rollout is aborted. */
  maxDurationMs: z.number().int().min(1).default(300_000),
  /** This many failed instances of the candidate abort the rollout. */
  maxFailures: z.number().int().min(1).default(3),
});
export type RolloutPlan = z.infer<typeof RolloutPlan>;

/** The walk from one revision to the next. */
export interface Rollout {
  readonly id: string;
  readonly deploymentId: string;
  readonly epoch: number;
  readonly fromRevisionId: string | undefined;
  readonly toRevisionId: string;
  readonly strategy: (typeof strategyNames)[number];
  readonly plan: RolloutPlan;
  readonly createdBy: string;
  readonly reason: string | undefined;
  readonly startedAt: Date;
  readonly wish: RolloutWish | undefined;
  readonly status: RolloutStatus;
  readonly phase: RolloutPhase;
  readonly step: number;
  readonly cause: string | undefined;
  readonly causeDetail: string | undefined;
  readonly finishedAt: Date | undefined;
  readonly rowVersion: number;
}

export const walkingStatuses = ['PROGRESSING', 'PAUSED', 'HELD'] as const satisfies readonly RolloutStatus[];

/** Whether the rollout still moves: not finished and nobody asked to end it. */
export function isWalking(rollout: Pick<Rollout, 'status' | 'wish'> | undefined): boolean {
  return rollout !== undefined && rollout.wish === undefined && walkingStatuses.some((status) => status === rollout.status);
}
