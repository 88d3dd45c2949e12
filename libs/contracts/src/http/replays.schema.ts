import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { Datatype } from '../tensors.schema.js';
import { plainText } from '../text.js';
import { redactions } from './deployments.schema.js';
import { Instant, PageQuery, pageOf } from './paging.schema.js';

/** COMPLETED: every request of it was tried. FAILED: it could not be done as a whole, for the reason that it states. */
export const replayStatuses = ['QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export type ReplayStatus = (typeof replayStatuses)[number];

/** One after the other, in the time between them as it was, or so many times faster than it was. */
export const ReplaySpeed = z.union([z.enum(['fast', 'original']), z.number().gt(0).max(1000)]);
export type ReplaySpeed = z.infer<typeof ReplaySpeed>;

/** Gives recorded requests of a deployment to a version of its model, whether that is deployed or not; live traffic is not touched. */
export const CreateReplay = z
  .strictObject({
    deployment: ResourceName,
    version: z.number().int().min(1).max(2_147_483_647).optional(),
    alias: ResourceName.optional(),
    /** The window that the requests were recorded in; unstated, all that is kept. */
    from: Instant.optional(),
    to: Instant.optional(),
    /** At most so many, the newest of the window, in the order in which they came. */
    requests: z.number().int().min(1).max(limits.replayRequests).default(1000),
    speed: ReplaySpeed.default('fast'),
    reason: plainText(limits.reasonLength).optional(),
  })
  .refine((value) => (value.version === undefined) !== (value.alias === undefined), 'expected exactly one of "version" and "alias"')
  .refine(({ from, to }) => from === undefined || to === undefined || Date.parse(from) < Date.parse(to), 'expected "from" before "to"');
export type CreateReplay = z.infer<typeof CreateReplay>;

/**
 * Why an answer of the very version that answered then has other bits now.
 * `random`: asked twice in a row it answers twice; `joined`: then it ran together with other requests; `provider`: then it ran on other
 * hardware; `rounding`: no value is further off than 1e-5 of its size, as with another number of threads; `unexplained`: none of these.
 */
export const bitDifferences = ['random', 'joined', 'provider', 'rounding', 'unexplained'] as const;
export type BitDifference = (typeof bitDifferences)[number];

/** Answers of the version that answered then, beside what it had answered, bit by bit. */
export const BitEquality = z.object({
  compared: z.number().int(),
  equal: z.number().int(),
  /** Answers with other bits, by reason. */
  differing: z.partialRecord(z.enum(bitDifferences), z.number().int()),
  /** The largest difference of two numbers, relative to the larger one of them; null when there was none. */
  maxRelativeDifference: z.number().nullable(),
});
export type BitEquality = z.infer<typeof BitEquality>;

/** Quantiles of the model's own time, in ms; null without answers. */
const ComputeTime = z.object({
  meanMs: z.number().nullable(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
});
const ReplaySide = z.object({
  requests: z.number().int(),
  errors: z.number().int(),
  invalidOutputs: z.number().int(),
  /** Alone, in a process of its own with one thread; stable is run beside it when it is another version, so that both are timed alike. */
  compute: ComputeTime,
});

export const ReplayView = z.object({
  id: z.string(),
  deployment: z.string(),
  model: z.string(),
  version: z.number().int(),
  status: z.enum(replayStatuses),
  /** Why it failed; null otherwise. */
  failure: z.string().nullable(),
  /** Why a running replay stands still at the moment. */
  waitingFor: z.string().nullable(),
  reason: z.string().nullable(),
  from: Instant,
  to: Instant,
  speed: ReplaySpeed,
  /** The stage of a rollout that it belongs to. */
  rollout: z.object({ id: z.string(), stage: z.number().int() }).nullable(),
  requests: z.object({
    planned: z.number().int(),
    done: z.number().int(),
    /** Not replayed: gone since, or not readable any more. */
    skipped: z.number().int(),
  }),
  /** The versions that had answered these requests. */
  stable: ReplaySide,
  candidate: ReplaySide,
  pairs: z.object({
    requests: z.number().int(),
    rows: z.number().int(),
    flips: z.number().int(),
    flipShare: z.number().nullable(),
    meanDistance: z.number().nullable(),
    maxDistance: z.number(),
    topKOverlap: z.number().nullable(),
    incomparable: z.number().int(),
    byClass: z.record(z.string(), z.object({ rows: z.number().int(), flips: z.number().int() })),
  }),
  /** Of requests that the replayed version itself had answered. */
  sameVersion: BitEquality,
  /** Of requests that another version had answered, which was asked again for comparison: whether it still answers as it did. */
  stableAgain: BitEquality,
  /** One sentence. */
  summary: z.string(),
  /** How often a worker took it up; more than 1 after a worker was lost or restarted. */
  attempts: z.number().int(),
  createdAt: Instant,
  createdBy: z.string(),
  startedAt: Instant.nullable(),
  finishedAt: Instant.nullable(),
});
export type ReplayView = z.infer<typeof ReplayView>;
export const ReplayPage = pageOf(ReplayView);
export const ReplayQuery = PageQuery.extend({ deployment: ResourceName.optional(), status: z.enum(replayStatuses).optional() });
export type ReplayQuery = z.infer<typeof ReplayQuery>;

/** A kept input, as its first values show it. */
export const SampledInput = z.object({
  name: z.string(),
  datatype: Datatype,
  shape: z.array(z.number().int()),
  redaction: z.enum(redactions),
  /** The first of them, as texts; texts are cut. */
  values: z.array(z.string()),
});
export type SampledInput = z.infer<typeof SampledInput>;

const ReplayAnswer = z.object({
  version: z.number().int(),
  /** Of the first rows. */
  predictions: z.array(z.union([z.string(), z.number(), z.null()])),
  scores: z.array(z.number().nullable()),
  error: z.string().nullable(),
});
/** One of the requests that the two versions answered most differently, the most different first. */
export const ReplayDifference = z.object({
  predictionId: z.string(),
  at: Instant,
  rows: z.number().int(),
  flips: z.number().int(),
  /** Sum of the distances of its rows (see `PairEvidence`). */
  distance: z.number(),
  stable: ReplayAnswer,
  candidate: ReplayAnswer,
});
export type ReplayDifference = z.infer<typeof ReplayDifference>;
/** With the inputs as they were kept; null when the request is not kept any more. */
export const ReplayDifferenceView = ReplayDifference.extend({ inputs: z.array(SampledInput).nullable() });
export type ReplayDifferenceView = z.infer<typeof ReplayDifferenceView>;
export const ReplayDifferences = z.object({ items: z.array(ReplayDifferenceView) });
export const ReplayDifferencesQuery = z.strictObject({ format: z.enum(['json', 'csv', 'ndjson']).default('json') });
export type ReplayDifferencesQuery = z.infer<typeof ReplayDifferencesQuery>;

/** What is kept of a deployment's real requests. */
export const RequestSamplesView = z.object({
  deployment: z.string(),
  requests: z.number().int(),
  /** On disk, compressed and encrypted. */
  bytes: z.number().int(),
  oldestAt: Instant.nullable(),
  newestAt: Instant.nullable(),
  /** Live requests that they stand for: `requests / represents` is the share that was kept. */
  represents: z.number().int(),
  /** Of them, with an input that is not kept as it was. */
  redacted: z.number().int(),
  versions: z.array(z.object({ version: z.number().int(), requests: z.number().int() })),
});
export type RequestSamplesView = z.infer<typeof RequestSamplesView>;
/** What was deleted. */
export const DeletedRequestSamples = z.object({ requests: z.number().int(), bytes: z.number().int() });
