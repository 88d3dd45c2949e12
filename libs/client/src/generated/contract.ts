// Made by scripts/generate-client.mjs from the schemas of libs/contracts. Change those, not this.

/** Datatypes of the Open Inference Protocol that can be served. */
export const datatypes = ['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64', 'BYTES'] as const;
export type Datatype = (typeof datatypes)[number];

/** Header names of requests and answers. */
export const headers = {
  predictionId: 'slipway-prediction-id',
  revision: 'slipway-revision',
  routingKey: 'slipway-routing-key',
  deadlineMs: 'slipway-deadline-ms',
  priority: 'slipway-priority',
  error: 'slipway-error',
  requestId: 'x-request-id',
  idempotencyKey: 'idempotency-key',
  inferenceHeaderContentLength: 'inference-header-content-length',
} as const;

/** Bounds that the server sets. */
export const limits = { labelsPerRequest: 10000, controlBodyBytes: 1048576, deadlineMsMax: 600000 } as const;

/** What became of a label. */
export type LabelResult = 'matched' | 'unmatched' | 'late' | 'duplicate' | 'revised';

/** The code of every error that the server answers with. */
export type ErrorCode =
  | 'REQUEST_INVALID'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'BODY_NOT_JSON'
  | 'BODY_TOO_LARGE'
  | 'BODY_TIMEOUT'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'ENCODING_UNSUPPORTED'
  | 'HEADER_TOO_LARGE'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'IDEMPOTENCY_IN_PROGRESS'
  | 'CURSOR_INVALID'
  | 'CREDENTIAL_MISSING'
  | 'CREDENTIAL_INVALID'
  | 'SCOPE_MISSING'
  | 'CROSS_SITE_REQUEST'
  | 'SIGN_IN_TOKEN_INVALID'
  | 'KEY_NOT_FOUND'
  | 'KEY_NAME_TAKEN'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_NAME_TAKEN'
  | 'MODEL_IN_USE'
  | 'VERSION_NOT_FOUND'
  | 'VERSION_NOT_READY'
  | 'VERSION_IN_USE'
  | 'VERSION_ARCHIVED'
  | 'DATASET_NOT_FOUND'
  | 'DATASET_NAME_TAKEN'
  | 'DATASET_REFUSED'
  | 'DATASET_IN_USE'
  | 'EVALUATION_NOT_FOUND'
  | 'EVALUATION_UNFINISHED'
  | 'REFERENCE_NOT_FOUND'
  | 'REFERENCE_REFUSED'
  | 'REFERENCE_UNFINISHED'
  | 'COMPARISON_REFUSED'
  | 'COMPARISONS_BUSY'
  | 'HISTORY_UNAVAILABLE'
  | 'RESTORE_REFUSED'
  | 'ALIAS_NOT_FOUND'
  | 'ALIAS_REFUSED'
  | 'ARTEFACT_REFUSED'
  | 'UPLOADS_BUSY'
  | 'ARTEFACT_TOO_LARGE'
  | 'ARTEFACT_EMPTY'
  | 'ARTEFACT_DIGEST_MISMATCH'
  | 'ARTEFACT_NOT_FOUND'
  | 'ARTEFACT_CORRUPT'
  | 'ARTEFACT_STORE_FULL'
  | 'ARTEFACT_STORE_UNAVAILABLE'
  | 'TASK_REFUSED'
  | 'DEPLOYMENT_NOT_FOUND'
  | 'DEPLOYMENT_NAME_TAKEN'
  | 'DEPLOYMENT_CHANGED'
  | 'DEPLOYMENT_SUSPENDED'
  | 'REVISION_NOT_FOUND'
  | 'ROLLBACK_NOWHERE'
  | 'ROLLOUT_NOT_FOUND'
  | 'ROLLOUT_IN_PROGRESS'
  | 'ROLLOUT_FINISHED'
  | 'ROLLOUT_ACTION_UNSUPPORTED'
  | 'ROLLOUT_REFUSED'
  | 'ROLLOUT_PLAN_NOT_FOUND'
  | 'ROLLOUT_FROZEN'
  | 'FREEZE_WINDOW_NOT_FOUND'
  | 'FREEZE_WINDOW_NAME_TAKEN'
  | 'SHADOW_NOT_FOUND'
  | 'SHADOW_LIMIT'
  | 'ROLLOUT_ACTION_REFUSED'
  | 'SIGNATURE_BREAKING'
  | 'GATE_NOT_MET'
  | 'HOST_NOT_FOUND'
  | 'HOST_NAME_TAKEN'
  | 'HOST_IN_USE'
  | 'JOIN_TOKEN_INVALID'
  | 'JOIN_TOKEN_NOT_FOUND'
  | 'QUOTA_NOT_FOUND'
  | 'QUOTA_EXCEEDED'
  | 'QUOTA_LIMITED'
  | 'INFER_INVALID'
  | 'INFER_TOO_LARGE'
  | 'INFER_OUTPUT_TOO_LARGE'
  | 'DEPLOYMENT_NOT_READY'
  | 'INSTANCE_GONE'
  | 'DRAINING'
  | 'QUEUE_FULL'
  | 'DEADLINE_EXCEEDED'
  | 'MODEL_RUN_FAILED'
  | 'INPUT_QUARANTINED'
  | 'FEATURE_UNSUPPORTED'
  | 'PREDICTION_NOT_FOUND'
  | 'LABEL_INVALID'
  | 'TASK_UNKNOWN'
  | 'BATCH_PREDICTION_NOT_FOUND'
  | 'BATCH_PREDICTION_UNFINISHED'
  | 'BATCH_PREDICTION_FINISHED'
  | 'BATCH_PREDICTIONS_BUSY'
  | 'TABLE_UNREADABLE'
  | 'TABLE_MAPPING_REFUSED'
  | 'REPLAY_NOT_FOUND'
  | 'REPLAY_FINISHED'
  | 'REPLAY_UNFINISHED'
  | 'REPLAY_NO_REQUESTS'
  | 'REPLAYS_BUSY'
  | 'RULE_NOT_FOUND'
  | 'RULE_NAME_TAKEN'
  | 'RULE_REFUSED'
  | 'ALERT_NOT_FOUND'
  | 'RECEIVER_NOT_FOUND'
  | 'RECEIVER_NAME_TAKEN'
  | 'RECEIVER_REFUSED'
  | 'RECEIVER_IN_USE'
  | 'EGRESS_BLOCKED'
  | 'DELIVERY_FAILED'
  | 'DELIVERY_NOT_FOUND'
  | 'SLO_NOT_FOUND'
  | 'SLO_NAME_TAKEN'
  | 'SLO_REFUSED'
  | 'DATABASE_UNAVAILABLE'
  | 'QUEUE_UNAVAILABLE'
  | 'CONSOLE_UNAVAILABLE'
  | 'DISK_FULL'
  | 'START_REFUSED'
  | 'INTERNAL';

/** The truth about one prediction. Exactly one of `predictionId` and `clientId`; a bare `predictionId` names a one-row request, row k is `<id>#<k>`. */
export interface LabelInput {
  readonly predictionId?: string;
  readonly clientId?: string;
  readonly joinKey?: string | number | boolean;
  readonly label: string | number | boolean;
  readonly observedAt?: string;
  readonly source?: string;
}

/** Labels in bulk. */
export interface CreateLabels {
  readonly labels: readonly LabelInput[];
}

/** What the answer of a version means; labels and quality need it. */
export interface Task {
  readonly kind: 'binary' | 'multiclass' | 'regression' | 'other';
  readonly predictionOutput?: string;
  readonly scoreOutput?: string;
  readonly classes?: readonly (string | number)[];
  readonly rowAxis: number | null;
  readonly positiveClass?: string | number;
}

/** One input or output; -1 is a dynamic dimension. */
export interface TensorSignature {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly optional?: boolean;
  readonly unranked?: boolean;
}

/** What a model takes and gives. */
export interface Signature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
}

/** What became of each label, in the order given, and how many of each kind. */
export interface LabelsAccepted {
  readonly results: readonly {
    readonly predictionId: string | null;
    readonly clientId: string | null;
    readonly joinKey?: string | null;
    readonly result: 'matched' | 'unmatched' | 'late' | 'duplicate' | 'revised';
  }[];
  readonly counts: Readonly<Record<'matched' | 'unmatched' | 'late' | 'duplicate' | 'revised', number>>;
}

/** A problem document (RFC 9457) with the code of the error. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly requestId: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

/** How a version is run. */
export interface RevisionSpec {
  readonly intraOpThreads: number | 'auto';
  readonly executionProviders: readonly ('cpu' | 'cuda' | 'tensorrt' | 'dml' | 'coreml' | 'webgpu')[];
  readonly batching: {
    readonly mode: 'auto' | 'on' | 'off';
    readonly maxBatchSize?: number;
    readonly maxDelayMs?: number;
    readonly latencyTargetMs?: number;
  };
  readonly memoryLimitBytes?: number;
  readonly maxQueue: number;
  readonly deadlineMs?: number;
  readonly keepWarmSeconds: number;
  readonly recordPredictions: boolean;
  readonly monitoring: {
    readonly profiles: boolean;
    readonly slices: readonly string[];
    readonly joinKey?: string;
    readonly records: {
      readonly maxPerSecond: number;
      readonly inputs?: {
        readonly percent: number;
        readonly fields: Readonly<Record<string, 'keep' | 'hash' | 'mask' | 'drop'>>;
        readonly others: 'keep' | 'hash' | 'mask' | 'drop';
      };
    };
    readonly noise: { readonly percent: number };
  };
  readonly requestSamples?: {
    readonly percent: number;
    readonly perMinute: number;
    readonly maxRequests: number;
    readonly maxBytes: number;
    readonly keepHours: number;
    readonly redact: Readonly<Record<string, 'keep' | 'hash' | 'mask' | 'drop'>>;
  };
  readonly outputRanges?: readonly { readonly output: string; readonly min?: number; readonly max?: number }[];
  readonly gpus?: number;
  readonly hostLabels?: Readonly<Record<string, string>>;
}

/** A revision of a deployment. */
export interface RevisionView {
  readonly id: string;
  readonly revision: number;
  readonly version: number;
  readonly versionId: string;
  readonly digest: string;
  readonly replicas: number;
  readonly spec: RevisionSpec;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly activatedAt: string | null;
  readonly retiredAt: string | null;
  readonly warm: boolean;
  readonly weightPercent: number;
}

/** A rollout of a revision. */
export interface RolloutView {
  readonly id: string;
  readonly deployment: string;
  readonly fromRevision: number | null;
  readonly fromVersion: number | null;
  readonly toRevision: number;
  readonly toVersion: number;
  readonly strategy: 'all-at-once' | 'rolling' | 'blue-green' | 'canary' | 'shadow';
  readonly status: 'PROGRESSING' | 'PAUSED' | 'HELD' | 'COMPLETED' | 'ABORTED';
  readonly phase: 'validating' | 'warming' | 'shadowing' | 'step' | 'promoting' | 'rolling_back';
  readonly step: number;
  readonly stageStartedAt: string;
  readonly weightPercent: number;
  readonly shadowPercent: number;
  readonly plan: {
    readonly strategy: 'all-at-once' | 'rolling' | 'blue-green' | 'canary' | 'shadow';
    readonly stages: readonly (
      | {
          readonly kind: 'replay';
          readonly requests: number;
          readonly maxAgeSeconds: number;
          readonly withoutRequests: 'hold' | 'skip';
          readonly approval: boolean;
        }
      | {
          readonly kind: 'shadow';
          readonly samplePercent: number;
          readonly minDurationSeconds: number;
          readonly minRequests: number;
          readonly maxDurationSeconds: number;
          readonly approval: boolean;
        }
      | {
          readonly kind: 'step';
          readonly weightPercent: number;
          readonly minDurationSeconds: number;
          readonly minRequests: number;
          readonly maxDurationSeconds: number;
          readonly approval: boolean;
        }
    )[];
    readonly afterStages: 'promote' | 'hold' | 'end';
    readonly batchReplicas: number;
    readonly guards: {
      readonly errorShare: { readonly mode: 'enforce' | 'watch' | 'off'; readonly maxIncrease: number };
      readonly latency: {
        readonly mode: 'enforce' | 'watch' | 'off';
        readonly quantiles: readonly number[];
        readonly maxRatio: number;
        readonly minIncreaseMs: number;
      };
      readonly refusals: { readonly mode: 'enforce' | 'watch' | 'off'; readonly maxIncrease: number };
      readonly memory: { readonly mode: 'enforce' | 'watch' | 'off'; readonly maxRatio: number };
      readonly invalidOutput: { readonly mode: 'enforce' | 'watch' | 'off'; readonly maxIncrease: number; readonly constant: boolean };
      readonly disagreement: {
        readonly mode: 'enforce' | 'watch' | 'off';
        readonly maxFlipShare?: number;
        readonly maxScoreDistance?: number;
        readonly minTopKOverlap?: number;
        readonly topK: number;
        readonly maxFlipSharePerClass?: number;
      };
      readonly scoreDrift: { readonly mode: 'enforce' | 'watch' | 'off'; readonly maxPsi: number };
      readonly quality: { readonly mode: 'enforce' | 'watch' | 'off'; readonly maxDrop: number; readonly minLabels: number };
    };
    readonly fastLane: {
      readonly crashes: number;
      readonly consecutiveErrors: number;
      readonly hardErrorShare: number;
      readonly hardMinRequests: number;
    };
    readonly falseAlarmBudget: number;
    readonly onFail: 'roll-back' | 'hold';
    readonly comparisonsPerSecond: number;
    readonly hooks: readonly {
      readonly receiver: string;
      readonly mode: 'ask' | 'tell';
      readonly timeoutSeconds: number;
      readonly onFailure: 'go' | 'hold' | 'abort';
    }[];
    readonly maxWarmingSeconds: number;
    readonly maxFailures: number;
    readonly undoSeconds?: number;
  };
  readonly planName: string | null;
  readonly waitingFor: string | null;
  readonly actions: readonly ('pause' | 'resume' | 'promote' | 'approve' | 'abort' | 'undo')[];
  readonly judgements: readonly {
    readonly value: number | null;
    readonly interval: readonly [number, number] | null;
    readonly n: number;
    readonly threshold: number | null;
    readonly verdict: 'ok' | 'alarm' | 'insufficient';
    readonly reason: string;
    readonly guard: string;
    readonly mode: 'enforce' | 'watch' | 'off';
    readonly outcome: 'pass' | 'fail' | 'not_enough_evidence' | 'common_fault';
    readonly unit: string;
    readonly candidate: { readonly n: number; readonly value: number | null };
    readonly stable: { readonly n: number; readonly value: number | null };
    readonly smallestVisible: number | null;
    readonly requestsNeeded: number | null;
  }[];
  readonly judgedAt: string | null;
  readonly counts: {
    readonly stable: { readonly requests: number; readonly errors: number };
    readonly candidate: { readonly requests: number; readonly errors: number };
    readonly shadow: { readonly requests: number; readonly errors: number };
    readonly pairs: number;
    readonly flips: number;
  } | null;
  readonly cause: string | null;
  readonly causeDetail: string | null;
  readonly reason: string | null;
  readonly createdBy: string;
  readonly startedAt: string;
  readonly scheduledFor: string | null;
  readonly finishedAt: string | null;
  readonly undoUntil: string | null;
}

/** A process that serves a revision. */
export interface InstanceView {
  readonly id: string;
  readonly revision: number;
  readonly version: number;
  readonly host: string;
  readonly status: 'ASSIGNED' | 'LOADING' | 'READY' | 'DRAINING' | 'GONE' | 'FAILED';
  readonly pid: number | null;
  readonly restarts: number;
  readonly reason: string | null;
  readonly threads: number | null;
  readonly threadsNote: string | null;
  readonly provider: string | null;
  readonly providerNote: string | null;
  readonly memoryLimitBytes: number | null;
  readonly memoryLimitBy: 'system' | 'worker' | null;
  readonly readyAt: string | null;
  readonly createdAt: string;
}

/** A deployment: what serves, how it is split, what it takes. */
export interface DeploymentView {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly status: 'CREATING' | 'READY' | 'DEGRADED' | 'UNAVAILABLE' | 'SUSPENDED' | 'DELETING';
  readonly statusReason: string | null;
  readonly suspended: boolean;
  readonly epoch: number;
  readonly split: readonly { readonly revision: number; readonly version: number; readonly weightPercent: number }[];
  readonly replicas: { readonly wanted: number; readonly ready: number };
  readonly createdAt: string;
  readonly createdBy: string;
  readonly signature: Signature | null;
  readonly task: Task | null;
  readonly revisions: readonly RevisionView[];
  readonly rollout: RolloutView | null;
  readonly instances: readonly InstanceView[];
}

/** A row that was predicted, and its label once it is known. */
export interface PredictionView {
  readonly id: string;
  readonly row: number;
  readonly at: string;
  readonly deployment: string;
  readonly model: string;
  readonly version: number;
  readonly revision: number;
  readonly digest: string;
  readonly clientId: string | null;
  readonly predicted: string | number | null;
  readonly score: number | null;
  readonly queueMicros: number | null;
  readonly computeMicros: number;
  readonly probability: number;
  readonly slices: Readonly<Record<string, string>> | null;
  readonly joinKey: string | null;
  readonly outputs: {
    readonly scores?: readonly (number | null)[];
    readonly top?: readonly (readonly [string | number, number])[];
    readonly others?: Readonly<Record<string, readonly (string | number | boolean | null)[]>>;
  } | null;
  readonly inputs:
    | readonly { readonly name: string; readonly how: 'keep' | 'hash' | 'mask' | 'omitted'; readonly value: string | number | boolean | null }[]
    | null;
  readonly label: string | number | null;
  readonly labelledAt: string | null;
}

/** The rows of one prediction. */
export interface PredictionRows {
  readonly items: readonly PredictionView[];
}
