import type { GuardJudgement, RolloutCounts, RolloutPhase, RolloutPlan } from '@slipway/contracts';
import { invariant } from '@slipway/contracts';
import { type DeploymentState, revisionOf } from '../deployments/deployment-state.js';
import type { ReplayProgress } from './decide-stage.js';
import type { Rollout } from './rollout.js';

/** A rollout as those see it who judge it or are asked about it; names and ids alone, nothing that changes while they look. */
export interface RolloutAtHand {
  readonly id: string;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deploymentName: string;
  readonly plan: RolloutPlan;
  readonly phase: RolloutPhase;
  /** Index of the present stage of the plan; the number of stages while a rolling update moves on after them. */
  readonly stage: number;
  readonly fromRevisionId: string | undefined;
  readonly toRevisionId: string;
  readonly fromVersionId: string | undefined;
  readonly toVersionId: string;
  readonly fromVersion: number | undefined;
  readonly toVersion: number;
  readonly startedAt: Date;
  readonly stageStartedAt: Date;
  /** When it was judged last. */
  readonly judgedAt: Date | undefined;
  readonly createdBy: string;
}

/** What judging a rollout gives. */
export interface RolloutVerdict {
  readonly judgements: readonly GuardJudgement[];
  readonly counts: RolloutCounts;
  /** Answers of the candidate in the present stage: to live callers in a step, to copies in a shadow stage. */
  readonly candidateRequestsInStage: number;
  /** How far the replay of a replay stage is; undefined before it has begun. */
  readonly replay?: ReplayProgress | undefined;
}

/** Reads the evidence of a rollout and judges it; given in by the application, which knows where evidence is kept. */
export type RolloutJudge = (rollout: RolloutAtHand) => Promise<RolloutVerdict>;

/** A move that hooks are asked about before it is made. */
export interface PlannedMove {
  readonly action: 'started' | 'stage_entered' | 'moved' | 'completed';
  readonly phase: RolloutPhase;
  readonly stage: number;
  readonly weightPercent: number;
}

/** The word of whoever was asked; `wait` while no answer is there yet. */
export type HookWord =
  | { readonly kind: 'go' }
  | { readonly kind: 'wait'; readonly waitingFor: string }
  | { readonly kind: 'hold'; readonly reason: string }
  | { readonly kind: 'abort'; readonly reason: string };

/** Asks the hooks of a plan before a forward move; it may be called more than once for the same move. */
export type RolloutAsk = (rollout: RolloutAtHand, move: PlannedMove) => Promise<HookWord>;

export function atHand(state: DeploymentState, rollout: Rollout): RolloutAtHand {
  const { deployment } = state;
  const from = revisionOf(state, rollout.fromRevisionId);
  const to = revisionOf(state, rollout.toRevisionId);
  invariant(to !== undefined, 'the target revision of a rollout is there', { rollout: rollout.id });
  return {
    id: rollout.id,
    projectId: deployment.projectId,
    deploymentId: deployment.id,
    deploymentName: deployment.name,
    plan: rollout.plan,
    phase: rollout.phase,
    stage: rollout.step,
    fromRevisionId: rollout.fromRevisionId,
    toRevisionId: rollout.toRevisionId,
    fromVersionId: from?.versionId,
    toVersionId: to.versionId,
    fromVersion: from?.versionNumber,
    toVersion: to.versionNumber,
    startedAt: rollout.startedAt,
    stageStartedAt: rollout.stepStartedAt,
    judgedAt: rollout.judgedAt,
    createdBy: rollout.createdBy,
  };
}
