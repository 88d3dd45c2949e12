import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { deploymentStatuses, instanceStatuses } from '../statuses.js';
import { Signature, Task } from '../tensors.schema.js';
import { plainText } from '../text.js';
import { Instant, pageOf } from './paging.schema.js';
import { RolloutPlan, RolloutView, strategies } from './rollouts.schema.js';

const Reason = plainText(limits.reasonLength);
/** A number counted up from 1 that the database keeps as a 32-bit integer. */
const Ordinal = z.number().int().min(1).max(2_147_483_647);
const Replicas = z.number().int().min(1).max(limits.replicasMax);

/** What runs a model. All but `cpu` need their hardware and a runtime built for it; without that an instance runs on `cpu` and says so. */
export const executionProviders = ['cpu', 'cuda', 'tensorrt', 'dml', 'coreml', 'webgpu'] as const;

/** Joining requests into one run of the model. */
export const Batching = z.strictObject({
  /** `auto`: where the validation has proven that rows do not influence each other; `on`: also without that proof; `off`: each request alone. */
  mode: z.enum(['auto', 'on', 'off']).default('auto'),
  /** Rows of one run. Stated, it also bounds a single request; unstated, requests of any size run and up to 64 rows are joined. */
  maxBatchSize: z.number().int().min(1).max(4096).optional(),
  /** How long a request may wait for others to join it; how long it does is learned. */
  maxDelayMs: z.number().min(0).max(1_000).optional(),
  /** Time in an instance that requests should stay under; bounds the delay and the size of joined runs. */
  latencyTargetMs: z.number().min(1).max(60_000).optional(),
});
export type Batching = z.infer<typeof Batching>;

/** What becomes of an input's values before they are kept: as they are, a keyed hash of each, a constant of the same type, or nothing (zeros). */
export const redactions = ['keep', 'hash', 'mask', 'drop'] as const;
export const RequestSamples = z.strictObject({
  /** Share of the requests that are candidates for being kept. */
  percent: z.number().gt(0).max(100).default(100),
  perMinute: z.number().int().min(1).max(6000).default(60),
  maxRequests: z.number().int().min(1).max(100_000).default(1000),
  maxBytes: z
    .number()
    .int()
    .min(1024)
    .max(4 * 1024 ** 3)
    .default(32 * 1024 * 1024),
  keepHours: z
    .number()
    .int()
    .min(1)
    .max(24 * 90)
    .default(72),
  /** Per input; those not named are kept as they are. */
  redact: z.record(plainText(256), z.enum(redactions)).default({}),
});
export type RequestSamples = z.infer<typeof RequestSamples>;

export const OutputRange = z
  .strictObject({ output: plainText(256), min: z.number().optional(), max: z.number().optional() })
  .refine(
    ({ min, max }) => (min !== undefined || max !== undefined) && (min === undefined || max === undefined || min <= max),
    'expected a min, a max, or both with min ≤ max',
  );
export type OutputRange = z.infer<typeof OutputRange>;

/** What a prediction record keeps of the inputs. Nothing unless stated: inputs may be personal data. */
export const RecordedInputs = z.strictObject({
  /** Share of the recorded predictions whose inputs are kept. */
  percent: z.number().gt(0).max(100).default(100),
  /** Per input (see `columnName`). `hash`: a keyed hash, equal for equal values; `mask`: that there was a value; `drop`: nothing. */
  fields: z.record(plainText(256), z.enum(redactions)).default({}),
  /** What becomes of inputs that are not named. */
  others: z.enum(redactions).default('drop'),
});
export type RecordedInputs = z.infer<typeof RecordedInputs>;

/** What is watched of the predictions of a revision. */
export const Monitoring = z.strictObject({
  /** Counts inputs and outputs of every prediction into the version's profile. */
  profiles: z.boolean().default(true),
  /** Inputs with few values, by which figures are also told apart. */
  slices: z.array(plainText(256).min(1)).max(8).default([]),
  /** The input that names a row for labels; the caller's request id does without it. */
  joinKey: plainText(256).min(1).optional(),
  records: z
    .strictObject({
      /** Records per second and instance; above it a share is kept that is known for each of them. */
      maxPerSecond: z.number().int().min(1).max(100_000).default(2_000),
      inputs: RecordedInputs.optional(),
    })
    .prefault({}),
  noise: z
    .strictObject({
      /** Extra runs for measuring noise, as a share of the requests served; 0 turns the probes off. */
      percent: z.number().min(0).max(1).default(0.5),
    })
    .prefault({}),
});
export type Monitoring = z.infer<typeof Monitoring>;

const specFields = {
  /** Threads of one run; `auto`: one for models that run in a few milliseconds, else the host's cores as far as its budget goes. */
  intraOpThreads: z.union([z.number().int().min(1).max(256), z.literal('auto')]),
  /** In order of preference. */
  executionProviders: z.array(z.enum(executionProviders)).min(1).max(executionProviders.length),
  batching: Batching,
  memoryLimitBytes: z
    .number()
    .int()
    .min(64 * 1024 * 1024)
    .optional(),
  maxQueue: z.number().int().min(1).max(100_000),
  deadlineMs: z.number().int().min(1).max(limits.deadlineMsMax).optional(),
  keepWarmSeconds: z.number().int().min(0).max(86_400),
  recordPredictions: z.boolean(),
  monitoring: Monitoring,
  /** Keeps a sample of real requests, so that they can be replayed against another version. Off unless stated. */
  requestSamples: RequestSamples.optional(),
  /** Values outside of these make an answer count as invalid. */
  outputRanges: z.array(OutputRange).max(64).optional(),
  /** GPUs of one instance. */
  gpus: z.number().int().min(0).max(64).optional(),
  /** Only hosts with all of these labels. */
  hostLabels: z.record(ResourceName, plainText(256)).optional(),
};

/** How to run a version; immutable on a revision. Every field has a default, so `{}` is a complete wish. */
export const RevisionSpec = z.strictObject({
  ...specFields,
  intraOpThreads: specFields.intraOpThreads.default('auto'),
  executionProviders: specFields.executionProviders.default(['cpu']),
  batching: Batching.prefault({}),
  maxQueue: specFields.maxQueue.default(1024),
  keepWarmSeconds: specFields.keepWarmSeconds.default(600),
  recordPredictions: specFields.recordPredictions.default(true),
  monitoring: Monitoring.prefault({}),
});
export type RevisionSpec = z.infer<typeof RevisionSpec>;

/** What a new revision changes; absent fields stay as they were (a default here would reset them). */
const RevisionSpecChange = z.strictObject(specFields).partial();

const VersionChoice = { version: Ordinal.optional(), alias: ResourceName.optional() };
const oneOfVersionOrAlias = (value: { version?: number | undefined; alias?: string | undefined }) =>
  (value.version === undefined) !== (value.alias === undefined);
const oneOfText = 'expected exactly one of "version" and "alias"';

export const CreateDeployment = z
  .strictObject({
    name: ResourceName,
    model: ResourceName,
    ...VersionChoice,
    replicas: Replicas.default(1),
    spec: RevisionSpec.prefault({}),
    /** Deploys although gates of the model's evaluations are not met; the word is kept in the event. */
    overrideGates: z.boolean().optional(),
    reason: Reason.optional(),
  })
  .refine(oneOfVersionOrAlias, oneOfText);
export type CreateDeployment = z.infer<typeof CreateDeployment>;

export const CreateRevision = z
  .strictObject({
    ...VersionChoice,
    replicas: Replicas.optional(),
    spec: RevisionSpecChange.optional(),
    /** The plan of that name (see `defaultPlans`), in place of a plan; without either all at once. */
    strategy: z.enum(strategies).optional(),
    /** A named plan of the project, or a plan of its own. */
    plan: z.union([ResourceName, RolloutPlan]).optional(),
    /** Not before this time. */
    scheduledFor: Instant.optional(),
    /** The signature may break callers (see `compareSignatures`); without this word such a version is refused. */
    allowBreaking: z.boolean().optional(),
    /** Deploys although gates of the model's evaluations are not met; the word is kept in the event. */
    overrideGates: z.boolean().optional(),
    /** Deploys into a freeze window; the word is kept in the event. */
    overrideFreeze: z.boolean().optional(),
    reason: Reason.optional(),
  })
  .refine(oneOfVersionOrAlias, oneOfText)
  .refine(({ strategy, plan }) => strategy === undefined || plan === undefined, {
    message: 'expected either "strategy" or "plan": a plan has a strategy of its own',
    path: ['strategy'],
  });
export type CreateRevision = z.infer<typeof CreateRevision>;

/** Without `revision`: the revision that served before the present one. */
export const Rollback = z.strictObject({ revision: Ordinal.optional(), reason: Reason.optional() });
export type Rollback = z.infer<typeof Rollback>;
export const RolloutAction = z.strictObject({ reason: Reason.optional() });
export type RolloutAction = z.infer<typeof RolloutAction>;
export const ChangeDeployment = z.strictObject({ suspended: z.boolean(), reason: Reason.optional() });
export type ChangeDeployment = z.infer<typeof ChangeDeployment>;

/** Who holds an instance to its memory limit. */
export const memoryLimiters = ['system', 'worker'] as const;
export type MemoryLimiter = (typeof memoryLimiters)[number];

export const InstanceView = z.object({
  id: z.string(),
  revision: z.number().int(),
  version: z.number().int(),
  host: z.string(),
  status: z.enum(instanceStatuses),
  pid: z.number().int().nullable(),
  restarts: z.number().int(),
  /** Why its last process ended. */
  reason: z.string().nullable(),
  /** Threads of one run, as given out of the host's budget; null until it has been started. */
  threads: z.number().int().nullable(),
  /** Why these are fewer than wished. */
  threadsNote: z.string().nullable(),
  /** What runs the model; null until it is loaded. */
  provider: z.string().nullable(),
  /** Why it is not the provider that was wished for first. */
  providerNote: z.string().nullable(),
  memoryLimitBytes: z.number().nullable(),
  /** Who holds it to that limit: the system, which lets nothing past it, or the worker, which looks often. */
  memoryLimitBy: z.enum(memoryLimiters).nullable(),
  readyAt: Instant.nullable(),
  createdAt: Instant,
});
export type InstanceView = z.infer<typeof InstanceView>;

export const RevisionView = z.object({
  id: z.string(),
  revision: z.number().int(),
  version: z.number().int(),
  versionId: z.string(),
  digest: z.string(),
  replicas: z.number().int(),
  spec: RevisionSpec,
  reason: z.string().nullable(),
  createdAt: Instant,
  createdBy: z.string(),
  activatedAt: Instant.nullable(),
  retiredAt: Instant.nullable(),
  /** Has a ready instance now, so that a rollback to it takes effect at once. */
  warm: z.boolean(),
  weightPercent: z.number(),
});
export type RevisionView = z.infer<typeof RevisionView>;

export const RevisionPage = pageOf(RevisionView);

export const SplitEntry = z.object({ revision: z.number().int(), version: z.number().int(), weightPercent: z.number() });
/** A row of the list. */
export const DeploymentSummary = z.object({
  id: z.string(),
  name: z.string(),
  model: z.string(),
  status: z.enum(deploymentStatuses),
  statusReason: z.string().nullable(),
  suspended: z.boolean(),
  epoch: z.number().int(),
  split: z.array(SplitEntry),
  replicas: z.object({ wanted: z.number().int(), ready: z.number().int() }),
  createdAt: Instant,
  createdBy: z.string(),
});
export type DeploymentSummary = z.infer<typeof DeploymentSummary>;
export const DeploymentView = DeploymentSummary.extend({
  signature: Signature.nullable(),
  task: Task.nullable(),
  revisions: z.array(RevisionView),
  rollout: RolloutView.nullable(),
  instances: z.array(InstanceView),
});
export type DeploymentView = z.infer<typeof DeploymentView>;
export const DeploymentPage = pageOf(DeploymentSummary);
