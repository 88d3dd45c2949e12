import type { ErrorCode, Outcome } from '@slipway/contracts';

/** The outcome that an error counts as. */
export function outcomeOf(code: ErrorCode): Outcome {
  switch (code) {
    case 'QUEUE_FULL':
      return 'rejected_queue_full';
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
