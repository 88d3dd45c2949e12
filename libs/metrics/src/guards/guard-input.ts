import type { RolloutPlan, StageEvidence, Task } from '@slipway/contracts';

/** Sums over rows of the error e = predicted − true; they add up over windows. */
export interface ErrorSums {
  readonly n: number;
  readonly absolute: number;
  readonly squared: number;
  /** Of the fourth power: gives the spread of the squared error. */
  readonly fourth: number;
}

/** Labelled rows of one side since the rollout began: how many of them were predicted wrongly, or the sums of their errors. */
export type LabelledTotals =
  | { readonly kind: 'classification'; readonly labelled: number; readonly wrong: number }
  | { readonly kind: 'regression'; readonly errors: ErrorSums };

/** Everything that guards are judged by. Running totals only, so that who judges needs no memory of what it judged before. */
export interface GuardInput {
  readonly plan: RolloutPlan;
  /** False where the candidate is the same training in another form (provenance `derivedFrom`): its answers should hardly change. */
  readonly isNewTraining: boolean;
  /** Of the candidate; undefined: nothing is known of what its outputs mean. */
  readonly task: Task | undefined;
  /** One per stage of the plan that has seen anything, the sum over gateways. Order does not matter. */
  readonly stages: readonly StageEvidence[];
  /** Index of the present stage in `plan.stages`; unstated: the last one that has evidence. */
  readonly stage?: number;
  /** Bytes of one instance. */
  readonly memory?: { readonly stable?: number; readonly candidate?: number };
  readonly quality?: { readonly stable: LabelledTotals; readonly candidate: LabelledTotals };
  /** What stable did before the rollout, so that a fault that hits both can be told from a service that always fails a little. */
  readonly usual?: { readonly requests: number; readonly errors: number };
}
