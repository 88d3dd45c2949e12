/** What a credential may do. `admin` may do everything in its project. */
export const scopes = ['admin', 'view', 'predict', 'label', 'develop', 'deploy', 'audit'] as const;
export type Scope = (typeof scopes)[number];

/** Header names that Slipway reads and writes. */
export const headers = {
  predictionId: 'slipway-prediction-id',
  revision: 'slipway-revision',
  /** In answers while a rollout is under way: its id. */
  rollout: 'slipway-rollout',
  routingKey: 'slipway-routing-key',
  deadlineMs: 'slipway-deadline-ms',
  priority: 'slipway-priority',
  /** What the request is for; honoured from Slipway's own callers only. */
  kind: 'slipway-kind',
  /** In answers to Slipway's own callers: what the request took of the model's time. */
  computeMicros: 'slipway-compute-micros',
  error: 'slipway-error',
  requestId: 'x-request-id',
  idempotencyKey: 'idempotency-key',
  inferenceHeaderContentLength: 'inference-header-content-length',
} as const;
