import { z } from 'zod';
import { limits } from '../limits.js';
import { plainText } from '../text.js';
import { Instant, pageOf } from './paging.schema.js';

const Count = z.number().int().min(0).max(1_000_000_000);
const Bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What a project, or one deployment of it, may take. What is not stated is not limited. */
export const QuotaLimits = z
  .strictObject({
    /** Wanted copies of everything that is not suspended; beside them a rollout may run those it comes from. */
    replicas: Count,
    /** Memory limits of these replicas; without one, what the version was measured to take. */
    memoryBytes: Bytes,
    /** Threads of one run of each replica; `auto` counts as one. */
    threads: Count,
    gpus: Count,
    /** Predictions that are let in, per second and gateway process. */
    requestsPerSecond: z.number().gt(0).max(1_000_000),
    /** So many may come at once after a quiet time; without it, as many as one second allows. */
    burst: z.number().int().min(1).max(1_000_000),
    /** Predictions under way at a time, per gateway process. */
    concurrency: z.number().int().min(1).max(1_000_000),
    /** Files of versions, each once; of a project alone, as the next two. */
    storageBytes: Bytes,
    models: Count,
    versions: Count,
  })
  .partial()
  .refine((value) => Object.keys(value).length > 0, 'expected at least one limit')
  .refine((value) => value.burst === undefined || value.requestsPerSecond !== undefined, 'expected "requestsPerSecond" beside "burst"');
export type QuotaLimits = z.infer<typeof QuotaLimits>;

/**
 * What becomes of predictions over `requestsPerSecond` or `concurrency`. `refuse`: 429 with Retry-After. `queue`: they wait for their turn
 * until their deadline; bursts pass. `throttle`: they are let in one by one at an even pace.
 */
export const quotaPolicies = ['refuse', 'queue', 'throttle'] as const;
export type QuotaPolicy = (typeof quotaPolicies)[number];

export const SetQuota = z.strictObject({
  limits: QuotaLimits,
  policy: z.enum(quotaPolicies).default('refuse'),
  reason: plainText(limits.reasonLength).optional(),
});
export type SetQuota = z.infer<typeof SetQuota>;

export const quotaResources = [
  'replicas',
  'memoryBytes',
  'threads',
  'gpus',
  'requestsPerSecond',
  'concurrency',
  'storageBytes',
  'models',
  'versions',
] as const;
export type QuotaResource = (typeof quotaResources)[number];

export const QuotaView = z.object({
  /** `project`, or `deployment:<name>`. */
  scope: z.string(),
  /** null: nothing is limited, this only shows what is used. */
  limits: z.record(z.string(), z.number()).nullable(),
  policy: z.enum(quotaPolicies).nullable(),
  /** What is taken now; rates and predictions under way as this gateway process sees them. */
  used: z.record(z.string(), z.number()),
  updatedAt: Instant.nullable(),
  updatedBy: z.string().nullable(),
});
export type QuotaView = z.infer<typeof QuotaView>;
export const QuotaPage = pageOf(QuotaView);
