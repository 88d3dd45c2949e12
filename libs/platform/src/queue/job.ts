import type { z } from 'zod';

/** A job's contract: it lives in the owning library; the handler lives in the worker. The payload carries ids, never state. */
export interface JobContract<Payload> {
  readonly queue: QueueName;
  readonly name: string;
  readonly payload: z.ZodType<Payload>;
  /** How often a failed run is tried again before it goes to the history as failed. */
  readonly attempts: number;
}

/** One queue per pace of work, so that slow jobs do not hold up quick ones. */
export const queueNames = ['control', 'validation', 'monitoring', 'notifications', 'batch', 'replay', 'evaluation'] as const;
export type QueueName = (typeof queueNames)[number];

/** Declares a job contract. */
export function defineJob<Payload>(contract: JobContract<Payload>): JobContract<Payload> {
  return contract;
}
