import type { RolloutPlan, RolloutStage, StageEvidence } from '@slipway/contracts';
import type { GuardInput } from './guard-input.js';
import { logSumExp } from './proportion-evidence.js';

/** Where a rollout is, and what the guards' tests need to know of the way there. */
export interface RolloutCourse {
  /** In order; the last is the present stage if that has evidence. */
  readonly stages: readonly StageEvidence[];
  readonly present: StageEvidence | undefined;
  /** Undefined: the plan has no stage there (all at once, rolling). */
  readonly presentStage: RolloutStage | undefined;
  /** Whether live callers get answers of the candidate now, or have got any. */
  readonly isLive: boolean;
  /** Share (0–1) of the traffic that the candidate is to get next. */
  readonly nextShare: number;
  /** In words, for example `the next step of 10 %`. */
  readonly nextStep: string;
  /** Stages that the plan has, at least those seen. */
  readonly planned: number;
}

export function rolloutCourse({ plan, stages, stage }: GuardInput): RolloutCourse {
  const ordered = [...stages].sort((a, b) => a.stage - b.stage);
  const presentIndex = stage ?? ordered.at(-1)?.stage ?? 0;
  const upToNow = ordered.filter((one) => one.stage <= presentIndex);
  const presentStage = plan.stages[presentIndex];
  const next = nextPercent(plan, presentIndex);
  return {
    stages: upToNow,
    present: upToNow.find((one) => one.stage === presentIndex),
    presentStage,
    isLive: presentStage === undefined || presentStage.kind === 'step' || upToNow.some((one) => one.candidate.requests > 0),
    nextShare: next / 100,
    nextStep: next < 100 ? `the next step of ${Number(next.toPrecision(3))} %` : 'all of the traffic',
    planned: Math.max(plan.stages.length, upToNow.length, 1),
  };
}

/** Of the first step that comes; without any, everything. */
function nextPercent(plan: RolloutPlan, present: number): number {
  for (const stage of plan.stages.slice(present + 1)) if (stage.kind === 'step') return stage.weightPercent;
  return 100;
}

/**
 * An increase that may still be possible when the candidate moves on. The harm to all callers is the increase times the share of them that gets
 * the candidate: at the next share it has to stay within the limit. So a step to 10 % asks for less certainty than the promotion, which is
 * held to the limit itself. At most a tenth, so that nothing passes unseen.
 */
export function allowedNext(limit: number, course: RolloutCourse): number {
  return Math.max(limit, Math.min(loosestPass, limit / course.nextShare));
}
const loosestPass = 0.1;

/**
 * Log evidence over the stages of a rollout from the log evidence of each. Every stage is tested for itself (traffic and its faults differ between
 * stages, so their counts must not be added), and a stage's evidence starts at 1 given everything before: products of consecutive stages are
 * supermartingales. The mixture over the stage in which a fault may have begun keeps what was fine before from hiding it.
 */
export function evidenceSinceAnyStage(logs: readonly number[], planned: number): number {
  const weight = -Math.log(planned);
  const terms = suffixSums(logs).map((sum) => sum + weight);
  // Stages that have not begun are still at 1.
  if (planned > logs.length) terms.push(Math.log((planned - logs.length) / planned));
  return logSumExp(terms);
}

/** The same for what lets a stage end, which is mostly that stage's own. */
export function evidenceForStage(logs: readonly number[]): number {
  const earlier = logs.length - 1;
  if (earlier < 1) return logs[0] ?? 0;
  const sums = suffixSums(logs);
  return logSumExp(sums.map((sum, index) => sum + Math.log(index === earlier ? presentWeight : (1 - presentWeight) / earlier)));
}
const presentWeight = 0.7;

function suffixSums(logs: readonly number[]): number[] {
  const sums: number[] = [];
  let sum = 0;
  for (const log of [...logs].reverse()) {
    sum += log;
    sums.unshift(sum);
  }
  return sums;
}
