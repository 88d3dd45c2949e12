import { z } from 'zod';
import { SeriesFrame } from './monitoring.schema.js';
import { Instant } from './paging.schema.js';

/** Resources per step, summed over the instances of the deployment. `reduced`: the system gives less than /proc does. Null: not known, not 0. */
export const ResourcePoint = z.object({
  at: Instant,
  /** Processor seconds per second. */
  cpuCores: z.number().nullable(),
  /** Of the host's cores, from 0 to 1. */
  cpuRatio: z.number().nullable(),
  /** Processor time spent in the step. */
  cpuSeconds: z.number().nullable(),
  /** Resident. */
  memoryBytes: z.number().nullable(),
  /** What ends an instance that needs more; summed like the memory. */
  memoryLimitBytes: z.number().nullable(),
  readBytesPerSecond: z.number().nullable(),
  writtenBytesPerSecond: z.number().nullable(),
  /** Read and write system calls. */
  readsPerSecond: z.number().nullable(),
  writesPerSecond: z.number().nullable(),
  threads: z.number().nullable(),
  openFiles: z.number().nullable(),
  /** Of the time, how much a quota kept processors away from threads that wanted one; above 1 with several threads. */
  throttledRatio: z.number().nullable(),
  /** Ends for want of memory in the step. */
  oomKills: z.number().nullable(),
  gpuMemoryBytes: z.number().nullable(),
  instances: z.number(),
});
export type ResourcePoint = z.infer<typeof ResourcePoint>;

export const ResourceSeries = SeriesFrame.extend({
  reduced: z.boolean(),
  total: z.array(ResourcePoint),
  instances: z.array(z.object({ instance: z.string(), version: z.number().int(), host: z.string(), points: z.array(ResourcePoint) })),
  hosts: z.array(z.object({ host: z.string(), name: z.string().nullable(), cores: z.number().nullable() })),
});
export type ResourceSeries = z.infer<typeof ResourceSeries>;

/** A whole host per step, with everything that runs on it, Slipway's or not. */
export const HostPoint = z.object({
  at: Instant,
  cpuCores: z.number().nullable(),
  cpuRatio: z.number().nullable(),
  cpuSeconds: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  memoryLimitBytes: z.number().nullable(),
  readBytesPerSecond: z.number().nullable(),
  writtenBytesPerSecond: z.number().nullable(),
  /** Operations that reached a disk. */
  readsPerSecond: z.number().nullable(),
  writesPerSecond: z.number().nullable(),
  /** Of the whole host: the system counts them per network namespace, not per process. */
  receivedBytesPerSecond: z.number().nullable(),
  sentBytesPerSecond: z.number().nullable(),
  throttledRatio: z.number().nullable(),
  oomKills: z.number().nullable(),
  /** Of the time, how much something stood still for want of it (pressure stall information, "some"). */
  cpuStallRatio: z.number().nullable(),
  memoryStallRatio: z.number().nullable(),
  ioStallRatio: z.number().nullable(),
  gpuRatio: z.number().nullable(),
  gpuMemoryBytes: z.number().nullable(),
  gpuMemoryLimitBytes: z.number().nullable(),
});
export type HostPoint = z.infer<typeof HostPoint>;

export const HostSeries = SeriesFrame.extend({
  host: z.string(),
  name: z.string(),
  reduced: z.boolean(),
  /** What counts other things of the host as well as Slipway's. */
  hostWide: z.array(z.string()),
  points: z.array(HostPoint),
});
export type HostSeries = z.infer<typeof HostSeries>;
