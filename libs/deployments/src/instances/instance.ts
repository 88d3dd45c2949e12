import type { InstanceStatus, MemoryLimiter } from '@slipway/contracts';

export const instanceWishes = ['RUN', 'STOP'] as const;
export type InstanceWish = (typeof instanceWishes)[number];

/** What an instance runs with, as its host decided and found it. */
export interface InstanceSetup {
  /** Threads of one run. */
  readonly threads: number | undefined;
  /** Why these are fewer than wished. */
  readonly threadsNote: string | undefined;
  /** The execution provider; known once the model is loaded. */
  readonly provider: string | undefined;
  /** Why it is not the one that was wished for first. */
  readonly providerNote: string | undefined;
  readonly memoryLimitBytes: number | undefined;
  readonly memoryLimitBy: MemoryLimiter | undefined;
}

/** Nothing is known yet. */
export const noSetup: InstanceSetup = {
  threads: undefined,
  threadsNote: undefined,
  provider: undefined,
  providerNote: undefined,
  memoryLimitBytes: undefined,
  memoryLimitBy: undefined,
};

/** A real loaded copy: one child process on one host. The planner writes `wish`, the hosting worker everything below it. */
export interface Instance {
  readonly id: string;
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly hostId: string;
  readonly hostName: string;
  readonly wish: InstanceWish;
  readonly createdAt: Date;
  readonly status: InstanceStatus;
  readonly address: string | undefined;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Why its last process ended. */
  readonly reason: string | undefined;
  readonly setup: InstanceSetup;
  readonly readyAt: Date | undefined;
  readonly updatedAt: Date;
}

/** Whether the process is there or on its way. */
export function isRunning(instance: Pick<Instance, 'status'>): boolean {
  return instance.status !== 'GONE' && instance.status !== 'FAILED';
}

/** Whether it may take traffic. */
export function isServing(instance: Pick<Instance, 'status' | 'wish'>): boolean {
  return instance.status === 'READY' && instance.wish === 'RUN';
}
