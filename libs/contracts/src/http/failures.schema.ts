import { z } from 'zod';
import { failureReasons, instanceFailureReasons } from '../statuses.js';
import { JudgementView, SeriesFrame } from './monitoring.schema.js';
import { Instant } from './paging.schema.js';

const reason = z.enum(failureReasons);
const instanceReason = z.enum(instanceFailureReasons);

/** Failures per step: requests by their outcome, instances by how they ended. Reasons that did not occur are absent. */
export const FailurePoint = z.object({
  at: Instant,
  /** Requests that count: without those that were wrong or taken back by their callers. */
  valid: z.number(),
  errors: z.number(),
  errorRatio: z.number().nullable(),
  reasons: z.partialRecord(reason, z.number()),
  /** Instances that ended; requests that were inside count above, as `instance_crashed`. */
  instanceReasons: z.partialRecord(instanceReason, z.number()),
});
export type FailurePoint = z.infer<typeof FailurePoint>;

/** An instance that ended without having been asked to. */
export const InstanceFailure = z.object({
  id: z.string(),
  at: Instant,
  instance: z.string(),
  version: z.number().int(),
  host: z.string(),
  reason: instanceReason,
  signal: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  wasReady: z.boolean(),
  /** It was started again in place. */
  restarts: z.boolean(),
  /** What the system says of the cause, else the last words of the process. */
  message: z.string(),
});
export type InstanceFailure = z.infer<typeof InstanceFailure>;

/** One of the requests that failed; a part of them is kept, never with their inputs. */
export const FailureSample = z.object({
  predictionId: z.string(),
  at: Instant,
  version: z.number().int().nullable(),
  reason,
  /** The error that the caller got; null where an answer went out. */
  code: z.string().nullable(),
  /** Null where it could repeat what the caller sent. */
  message: z.string().nullable(),
});
export type FailureSample = z.infer<typeof FailureSample>;

export const FailureSeries = SeriesFrame.extend({
  total: z.array(FailurePoint),
  /** Of requests over the whole span; all reasons that occurred, the most frequent first, and what share of the requests that count they are. */
  reasons: z.array(z.object({ reason, count: z.number(), ratio: z.number().nullable(), isService: z.boolean() })),
  instanceReasons: z.array(z.object({ reason: instanceReason, count: z.number() })),
  /** The newest first, at most 100. */
  instanceFailures: z.array(InstanceFailure),
  samples: z.array(FailureSample),
  judgements: z.array(JudgementView),
});
export type FailureSeries = z.infer<typeof FailureSeries>;
