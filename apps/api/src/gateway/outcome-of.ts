import type { ErrorCode, Outcome } from '@slipway/contracts';
import type { InferResult } from '@slipway/inference';

/** The outcome that an error counts as. */
export function outcomeOf(code: ErrorCode): Outcome {
  switch (code) {
    case 'QUEUE_FULL':
      return 'rejected_queue_full';
    case 'QUOTA_LIMITED':
      return 'rejected_quota';
    case 'DEADLINE_EXCEEDED':
      return 'deadline_exceeded';
    case 'INSTANCE_GONE':
      return 'instance_crashed';
    case 'DEPLOYMENT_NOT_READY':
    case 'DRAINING':
      return 'unavailable';
    case 'MODEL_RUN_FAILED':
    case 'INFER_OUTPUT_TOO_LARGE':
      return 'runtime_error';
    case 'INTERNAL':
      return 'dependency_error';
    default:
      return 'invalid_input';
  }
}

/** The outcome that an answer counts as. */
export function answerOutcome({ invalidOutput, isOutOfRange }: Pick<InferResult, 'invalidOutput' | 'isOutOfRange'>): Outcome {
  if (!invalidOutput) return 'success';
  return isOutOfRange ? 'out_of_range_output' : 'nan_output';
}
