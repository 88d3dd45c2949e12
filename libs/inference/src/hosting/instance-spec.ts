import { limits, OutputRange, observedRowsMax, RecordedInputs, Signature, Task } from '@slipway/contracts';
import { z } from 'zod';

/** What an instance program is told at start: a JSON file whose path is its only argument. */
export const InstanceSpec = z.object({
  protocol: z.literal(1),
  instanceId: z.string().min(1),
  projectId: z.string(),
  deploymentId: z.string(),
  deploymentName: z.string(),
  revisionId: z.string(),
  revisionNumber: z.number().int(),
  versionId: z.string(),
  modelName: z.string(),
  versionNumber: z.number().int(),
  digest: z.string(),
  modelPath: z.string(),
  socketPath: z.string(),
  /** On a host that has joined: where gateways on other machines come in, and the file of who this host is. */
  door: z.object({ host: z.string(), port: z.number().int().min(0).max(65_535), identityFile: z.string() }).optional(),
  spoolFolder: z.string(),
  signature: Signature,
  task: Task.nullish(),
  session: z.object({
    intraOpThreads: z.number().int().min(1).max(1024),
    interOpThreads: z.number().int().min(1).max(1024),
    executionProviders: z.array(z.string()).min(1),
    graphOptimization: z.enum(['disabled', 'basic', 'extended', 'all']),
  }),
  /** Values outside of these make an answer count as invalid. */
  outputRanges: z.array(OutputRange).optional(),
  /** Time of one run as measured while validating, in ms; decides where the model is loaded first. */
  runMs: z.number().min(0).optional(),
  /** Joining of requests along the first axis of every input; only for models whose rows are independent. */
  batching: z.object({
    isOn: z.boolean(),
    /** Rows of one joined run. */
    maxBatchSize: z.number().int().min(1),
    /** How long the oldest request may wait for others, in ms. */
    maxDelayMs: z.number().min(0),
    /** Time in the instance that requests should stay under, in ms. */
    latencyTargetMs: z.number().positive().optional(),
  }),
  limits: z.object({
    /** Requests waiting in the instance; the one above is answered QUEUE_FULL. */
    maxQueue: z.number().int().min(1),
    /** Elements of one answer, all outputs together. */
    maxOutputElements: z.number().int().min(1),
    /** Elements of one JSON request, all inputs together; binary tensors are bounded by the body alone. */
    maxInputElements: z.number().int().min(1),
    /** Rows of a single request, where the revision states a batch size. */
    maxRows: z.number().int().min(1).optional(),
    /** Bytes of a request body after expansion. */
    maxBodyBytes: z.number().int().min(1),
  }),
  records: z.object({
    enabled: z.boolean(),
    /** Rows per second that are recorded whole; of more a known share is. */
    maxPerSecond: z.number().min(0),
    maxRowsPerRequest: z.number().int().min(0),
    /** What may lie in the spool folder unshipped. */
    maxSpoolBytes: z.number().int().min(0).optional(),
    /** Inputs by which figures are told apart, and the one that names a row; see `Monitoring`. */
    slices: z.array(z.string()).optional(),
    joinKey: z.string().optional(),
    inputs: RecordedInputs.extend({
      /** Base64: hashes values, as `redactTensor` does. */
      redactionKey: z.string(),
      /** Base64: encrypts what is kept. */
      sealingKey: z.string(),
    }).optional(),
  }),
  /** What is counted besides; nothing where it is absent. */
  monitoring: z
    .object({
      profiles: z.boolean(),
      /** Base64: seals the first rows that a reference is learned from; without it none are kept. */
      learningKey: z.string().optional(),
    })
    .optional(),
});
export type InstanceSpec = z.infer<typeof InstanceSpec>;

/** Limits that suit most models; the worker writes them into the spec. */
export const defaultInstanceLimits: InstanceSpec['limits'] = {
  maxQueue: 256,
  maxOutputElements: 64 * 1024 * 1024,
  maxInputElements: 4 * 1024 * 1024,
  maxBodyBytes: 64 * 1024 * 1024,
};
export const defaultInstanceRecords: InstanceSpec['records'] = { enabled: true, maxPerSecond: 2_000, maxRowsPerRequest: limits.rowsPerRecord };

/** States an instance reports. */
export const instanceStates = ['LOADING', 'READY', 'DRAINING'] as const;
export type InstanceState = (typeof instanceStates)[number];

/** First frame from an instance on every connection. */
export const InstanceHello = z.object({
  protocol: z.literal(1),
  instanceId: z.string(),
  pid: z.number().int(),
  revisionId: z.string(),
  state: z.enum(instanceStates),
  signature: Signature.optional(),
  /** What runs the model; absent while it loads. */
  provider: z.string().optional(),
  /** Why it is not what was wished first. */
  providerNote: z.string().optional(),
});
export type InstanceHello = z.infer<typeof InstanceHello>;

/** First frame from a client. An instance without a `worker` for a minute ends itself. */
export const ClientHello = z.object({ protocol: z.literal(1), role: z.enum(['gateway', 'worker']) });
export type ClientHello = z.infer<typeof ClientHello>;

/** State pushed on change; `reason` says why loading failed, right before the instance ends; what runs the model comes with READY. */
export const InstanceStateChange = z.object({
  state: z.enum([...instanceStates, 'FAILED']),
  reason: z.string().optional(),
  provider: z.string().optional(),
  providerNote: z.string().optional(),
});
export type InstanceStateChange = z.infer<typeof InstanceStateChange>;

/** Counters since the instance started; answers a PING. */
export const InstancePong = z.object({
  pending: z.number(),
  requests: z.number(),
  failures: z.number(),
  runs: z.number(),
  /** How long the queue has not been empty; 0 when idle. */
  busyForMs: z.number(),
  recordsWritten: z.number(),
  /** Left out for a share that is known, by the rate or for want of room in the spool. */
  recordsSampledOut: z.number().optional(),
  /** Lost: they could not be written. */
  recordsDropped: z.number(),
  spoolBytes: z.number(),
});
export type InstancePong = z.infer<typeof InstancePong>;

/** An `ObservedAnswer` as it travels behind an answer's body. */
const Observed = z.union([z.string(), z.number()]);
export const ObservedAnswerBytes = z.object({
  p: z.array(Observed.nullable()).max(observedRowsMax).optional(),
  s: z.array(z.number().nullable()).max(observedRowsMax).optional(),
  k: z.array(z.array(Observed).max(20)).max(observedRowsMax).optional(),
  h: z.string().max(128).optional(),
});

/** Kinds of requests, by their number in a frame header. */
export const inferKinds = ['live', 'shadow', 'probe', 'batch'] as const;
export type InferKind = (typeof inferKinds)[number];

/** What a request's body is, by its number in a frame header: a body of the protocol over HTTP, or a `ModelInferRequest` message. */
export const contentKinds = ['http', 'grpc'] as const;
export type ContentKind = (typeof contentKinds)[number];
