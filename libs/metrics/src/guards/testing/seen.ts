import { defaultPlans, type PairEvidence, RolloutPlan, type SideEvidence, type StageEvidence, type Task } from '@slipway/contracts';
import { latencyBucketCount, latencyBucketOf } from '../../windows/latency-buckets.js';
import type { GuardInput } from '../guard-input.js';

/** Evidence as tests write it down; whatever is left out is as in a healthy service. */
export const binaryTask: Task = { kind: 'binary', rowAxis: 0, classes: ['benign', 'malignant'] };
export const canaryPlan = RolloutPlan.parse(defaultPlans.canary);

export interface SeenSide {
  readonly n?: number;
  readonly errors?: number;
  readonly refused?: number;
  readonly invalid?: number;
  /** Seconds of all requests. */
  readonly seconds?: number;
  readonly varies?: boolean;
  readonly more?: Partial<SideEvidence>;
}

export function side({ n = 0, errors = 0, refused = 0, invalid = 0, seconds = 0.004, varies = n > 2, more = {} }: SeenSide = {}): SideEvidence {
  const duration = new Array<number>(latencyBucketCount).fill(0);
  duration[latencyBucketOf(seconds)] = n;
  return {
    requests: n,
    outcomes: { success: n - errors - refused - invalid, runtime_error: errors, deadline_exceeded: refused, nan_output: invalid },
    duration,
    compute: duration,
    rows: n,
    invalidOutputs: invalid,
    classes: { benign: 0.6 * n, malignant: 0.4 * n },
    scores: new Array<number>(50).fill(n / 50),
    values: { n: 0, sum: 0, sumOfSquares: 0, min: null, max: null },
    varies,
    crashes: 0,
    ...more,
  };
}

export function pairs(n = 0, more: Partial<PairEvidence> = {}): PairEvidence {
  return {
    requests: n,
    rows: n,
    flips: 0,
    byClass: {},
    distance: { n, sum: 0, sumOfSquares: 0, max: 0 },
    topK: { n: 0, sum: 0 },
    failedOn: { stable: 0, candidate: 0, both: 0 },
    invalidOn: { stable: 0, candidate: 0, both: 0 },
    incomparable: 0,
    ...more,
  };
}

export interface SeenStage {
  readonly stable?: SeenSide;
  readonly candidate?: SeenSide;
  readonly shadow?: SeenSide;
  readonly pairs?: PairEvidence;
}

export function stage(index: number, { stable = {}, candidate = {}, shadow = {}, pairs: both = pairs() }: SeenStage): StageEvidence {
  return { stage: index, stable: side(stable), candidate: side(candidate), shadow: side(shadow), pairs: both };
}

/** A canary in its first step, of 1 %. */
export function seen(first: SeenStage, more: Partial<GuardInput> = {}): GuardInput {
  return { plan: canaryPlan, isNewTraining: true, task: binaryTask, stages: [stage(0, first)], ...more };
}
