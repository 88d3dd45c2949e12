export const versionStatuses = ['UPLOADING', 'VALIDATING', 'READY', 'REJECTED'] as const;
export type VersionStatus = (typeof versionStatuses)[number];
export const deploymentStatuses = ['CREATING', 'READY', 'DEGRADED', 'UNAVAILABLE', 'SUSPENDED', 'DELETING'] as const;
export type DeploymentStatus = (typeof deploymentStatuses)[number];
export const instanceStatuses = ['ASSIGNED', 'LOADING', 'READY', 'DRAINING', 'GONE', 'FAILED'] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];
export const rolloutStatuses = ['PROGRESSING', 'PAUSED', 'HELD', 'COMPLETED', 'ABORTED'] as const;
export type RolloutStatus = (typeof rolloutStatuses)[number];
export const rolloutPhases = ['validating', 'warming', 'shadowing', 'step', 'promoting', 'rolling_back'] as const;
export type RolloutPhase = (typeof rolloutPhases)[number];
/** COMPLETED_WITH_ERRORS: every row is in the result, but some have an error in place of a prediction. FAILED: the file as a whole could not be done. */
export const batchPredictionStatuses = ['QUEUED', 'RUNNING', 'COMPLETED', 'COMPLETED_WITH_ERRORS', 'FAILED', 'CANCELLED'] as const;
export type BatchPredictionStatus = (typeof batchPredictionStatuses)[number];
export const alertStates = ['inactive', 'pending', 'firing', 'resolved'] as const;
export type AlertState = (typeof alertStates)[number];

/** How a prediction request ended; the label `outcome` of every serving metric. */
export const outcomes = [
  'success',
  'invalid_input',
  'rejected_queue_full',
  'rejected_quota',
  'deadline_exceeded',
  'cancelled',
  'runtime_error',
  'nan_output',
  'out_of_range_output',
  'instance_crashed',
  'unavailable',
  'dependency_error',
] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes that are no fault of the service: left out of error shares. */
export const callerOutcomes: readonly Outcome[] = ['invalid_input', 'cancelled'];

/** How an instance ended that nobody had asked to. `instance_hung`: it was ended because it did not answer any more, or stood still. */
export const instanceFailureReasons = ['load_failed', 'warmup_failed', 'instance_crashed', 'oom_killed', 'instance_hung'] as const;
export type InstanceFailureReason = (typeof instanceFailureReasons)[number];

/**
 * The one list of what goes wrong with a model: with its requests, then with its instances. Requests that were inside an instance when it
 * ended count as `instance_crashed`, for whatever reason it did. The label `reason` of every metric of failures.
 */
export const failureReasons = [
  'invalid_input',
  'rejected_queue_full',
  'rejected_quota',
  'deadline_exceeded',
  'cancelled',
  'runtime_error',
  'nan_output',
  'out_of_range_output',
  'instance_crashed',
  'unavailable',
  'dependency_error',
  'load_failed',
  'warmup_failed',
  'oom_killed',
  'instance_hung',
] as const satisfies readonly (Exclude<Outcome, 'success'> | InstanceFailureReason)[];
export type FailureReason = (typeof failureReasons)[number];

/** The reasons of `nv_inference_request_failure` (Triton) that ours fall under. */
export const tritonFailureReasons: Readonly<Record<FailureReason, 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER'>> = {
  invalid_input: 'OTHER',
  rejected_queue_full: 'REJECTED',
  rejected_quota: 'REJECTED',
  deadline_exceeded: 'REJECTED',
  cancelled: 'CANCELED',
  runtime_error: 'BACKEND',
  nan_output: 'OTHER',
  out_of_range_output: 'OTHER',
  instance_crashed: 'OTHER',
  unavailable: 'OTHER',
  dependency_error: 'OTHER',
  load_failed: 'OTHER',
  warmup_failed: 'OTHER',
  oom_killed: 'OTHER',
  instance_hung: 'OTHER',
};
export const roles = ['stable', 'candidate', 'shadow'] as const;
export type Role = (typeof roles)[number];
