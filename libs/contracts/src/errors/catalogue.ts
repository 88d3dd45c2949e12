/** What an error means to the caller; the kind alone decides HTTP status, log level and whether a job is retried. */
export type ErrorKind = keyof typeof errorKinds;

/** `retry`: a job that failed this way may be tried again. `log`: the level at which the process edge reports it. */
export const errorKinds = {
  invalid: { status: 400, log: 'none', retry: false, title: 'The request is not valid' },
  unauthenticated: { status: 401, log: 'none', retry: false, title: 'No valid credential was given' },
  forbidden: { status: 403, log: 'none', retry: false, title: 'The credential does not allow this' },
  not_found: { status: 404, log: 'none', retry: false, title: 'No such thing' },
  method_not_allowed: { status: 405, log: 'none', retry: false, title: 'The route does not take this method' },
  request_timeout: { status: 408, log: 'none', retry: false, title: 'The request did not arrive in time' },
  conflict: { status: 409, log: 'none', retry: false, title: 'Not possible in the present state' },
  too_large: { status: 413, log: 'none', retry: false, title: 'Over a written limit' },
  unsupported_media: { status: 415, log: 'none', retry: false, title: 'The media type is not supported' },
  refused: { status: 422, log: 'none', retry: false, title: 'Well-formed, but not acceptable' },
  exhausted: { status: 429, log: 'count', retry: true, title: 'A limit or buffer is full' },
  header_too_large: { status: 431, log: 'none', retry: false, title: 'The request header is too large' },
  model_fault: { status: 500, log: 'count', retry: false, title: 'The model failed on this input' },
  bug: { status: 500, log: 'error', retry: false, title: 'Slipway made a mistake' },
  not_implemented: { status: 501, log: 'none', retry: false, title: 'Not supported' },
  unavailable: { status: 503, log: 'warn', retry: true, title: 'Something needed is away' },
  timeout: { status: 504, log: 'warn', retry: true, title: 'The deadline passed' },
  full: { status: 507, log: 'error', retry: true, title: 'The disk is full' },
} as const;

/** Every error Slipway can answer with. The code is part of the contract; the message of an occurrence is free text for people. */
export const errorCatalogue = {
  // The request itself
  REQUEST_INVALID: 'invalid',
  ROUTE_NOT_FOUND: 'not_found',
  METHOD_NOT_ALLOWED: 'method_not_allowed',
  BODY_NOT_JSON: 'invalid',
  BODY_TOO_LARGE: 'too_large',
  BODY_TIMEOUT: 'request_timeout',
  MEDIA_TYPE_UNSUPPORTED: 'unsupported_media',
  ENCODING_UNSUPPORTED: 'unsupported_media',
  HEADER_TOO_LARGE: 'header_too_large',
  IDEMPOTENCY_KEY_REUSED: 'refused',
  IDEMPOTENCY_IN_PROGRESS: 'conflict',
  CURSOR_INVALID: 'invalid',
  // Access
  CREDENTIAL_MISSING: 'unauthenticated',
  CREDENTIAL_INVALID: 'unauthenticated',
  SCOPE_MISSING: 'forbidden',
  CROSS_SITE_REQUEST: 'forbidden',
  SIGN_IN_TOKEN_INVALID: 'unauthenticated',
  KEY_NOT_FOUND: 'not_found',
  KEY_NAME_TAKEN: 'conflict',
  // Registry
  MODEL_NOT_FOUND: 'not_found',
  MODEL_NAME_TAKEN: 'conflict',
  MODEL_IN_USE: 'conflict',
  VERSION_NOT_FOUND: 'not_found',
  VERSION_NOT_READY: 'conflict',
  VERSION_IN_USE: 'conflict',
  VERSION_ARCHIVED: 'conflict',
  DATASET_NOT_FOUND: 'not_found',
  DATASET_NAME_TAKEN: 'conflict',
  DATASET_REFUSED: 'refused',
  DATASET_IN_USE: 'conflict',
  EVALUATION_NOT_FOUND: 'not_found',
  EVALUATION_UNFINISHED: 'conflict',
  REFERENCE_NOT_FOUND: 'not_found',
  REFERENCE_REFUSED: 'refused',
  REFERENCE_UNFINISHED: 'conflict',
  COMPARISON_REFUSED: 'refused',
  COMPARISONS_BUSY: 'exhausted',
  HISTORY_UNAVAILABLE: 'not_found',
  RESTORE_REFUSED: 'conflict',
  ALIAS_NOT_FOUND: 'not_found',
  ALIAS_REFUSED: 'refused',
  ARTEFACT_REFUSED: 'refused',
  UPLOADS_BUSY: 'exhausted',
  ARTEFACT_TOO_LARGE: 'too_large',
  ARTEFACT_EMPTY: 'invalid',
  ARTEFACT_DIGEST_MISMATCH: 'refused',
  ARTEFACT_NOT_FOUND: 'not_found',
  ARTEFACT_CORRUPT: 'bug',
  ARTEFACT_STORE_FULL: 'full',
  ARTEFACT_STORE_UNAVAILABLE: 'unavailable',
  TASK_REFUSED: 'refused',
  // Deployments
  DEPLOYMENT_NOT_FOUND: 'not_found',
  DEPLOYMENT_NAME_TAKEN: 'conflict',
  DEPLOYMENT_CHANGED: 'conflict',
  DEPLOYMENT_SUSPENDED: 'conflict',
  REVISION_NOT_FOUND: 'not_found',
  ROLLBACK_NOWHERE: 'conflict',
  ROLLOUT_NOT_FOUND: 'not_found',
  ROLLOUT_IN_PROGRESS: 'conflict',
  ROLLOUT_FINISHED: 'conflict',
  ROLLOUT_ACTION_UNSUPPORTED: 'not_implemented',
  ROLLOUT_REFUSED: 'refused',
  ROLLOUT_PLAN_NOT_FOUND: 'not_found',
  ROLLOUT_FROZEN: 'conflict',
  FREEZE_WINDOW_NOT_FOUND: 'not_found',
  FREEZE_WINDOW_NAME_TAKEN: 'conflict',
  SHADOW_NOT_FOUND: 'not_found',
  SHADOW_LIMIT: 'conflict',
  ROLLOUT_ACTION_REFUSED: 'conflict',
  SIGNATURE_BREAKING: 'conflict',
  GATE_NOT_MET: 'conflict',
  HOST_NOT_FOUND: 'not_found',
  HOST_NAME_TAKEN: 'conflict',
  HOST_IN_USE: 'conflict',
  JOIN_TOKEN_INVALID: 'unauthenticated',
  JOIN_TOKEN_NOT_FOUND: 'not_found',
  QUOTA_NOT_FOUND: 'not_found',
  QUOTA_EXCEEDED: 'refused',
  QUOTA_LIMITED: 'exhausted',
  // Predictions
  INFER_INVALID: 'invalid',
  INFER_TOO_LARGE: 'too_large',
  INFER_OUTPUT_TOO_LARGE: 'invalid',
  DEPLOYMENT_NOT_READY: 'unavailable',
  INSTANCE_GONE: 'unavailable',
  DRAINING: 'unavailable',
  QUEUE_FULL: 'exhausted',
  DEADLINE_EXCEEDED: 'timeout',
  MODEL_RUN_FAILED: 'model_fault',
  INPUT_QUARANTINED: 'refused',
  FEATURE_UNSUPPORTED: 'not_implemented',
  PREDICTION_NOT_FOUND: 'not_found',
  LABEL_INVALID: 'refused',
  TASK_UNKNOWN: 'conflict',
  // Batch predictions
  BATCH_PREDICTION_NOT_FOUND: 'not_found',
  BATCH_PREDICTION_UNFINISHED: 'conflict',
  BATCH_PREDICTION_FINISHED: 'conflict',
  BATCH_PREDICTIONS_BUSY: 'exhausted',
  TABLE_UNREADABLE: 'refused',
  TABLE_MAPPING_REFUSED: 'refused',
  // Replays
  REPLAY_NOT_FOUND: 'not_found',
  REPLAY_FINISHED: 'conflict',
  REPLAY_UNFINISHED: 'conflict',
  REPLAY_NO_REQUESTS: 'conflict',
  REPLAYS_BUSY: 'exhausted',
  // Alerts
  RULE_NOT_FOUND: 'not_found',
  RULE_NAME_TAKEN: 'conflict',
  RULE_REFUSED: 'refused',
  ALERT_NOT_FOUND: 'not_found',
  RECEIVER_NOT_FOUND: 'not_found',
  RECEIVER_NAME_TAKEN: 'conflict',
  RECEIVER_REFUSED: 'refused',
  RECEIVER_IN_USE: 'conflict',
  EGRESS_BLOCKED: 'refused',
  DELIVERY_FAILED: 'unavailable',
  DELIVERY_NOT_FOUND: 'not_found',
  // Objectives
  SLO_NOT_FOUND: 'not_found',
  SLO_NAME_TAKEN: 'conflict',
  SLO_REFUSED: 'refused',
  // Everything else
  DATABASE_UNAVAILABLE: 'unavailable',
  QUEUE_UNAVAILABLE: 'unavailable',
  CONSOLE_UNAVAILABLE: 'unavailable',
  DISK_FULL: 'full',
  START_REFUSED: 'conflict',
  INTERNAL: 'bug',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCatalogue;

/** The kind of a code. */
export function kindOf(code: ErrorCode): ErrorKind {
  return errorCatalogue[code];
}

/** The HTTP status of a code. */
export function statusOf(code: ErrorCode): number {
  return errorKinds[errorCatalogue[code]].status;
}

/** Whether the text is a known code; used where a code arrives over a wire. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCatalogue, text);
}
