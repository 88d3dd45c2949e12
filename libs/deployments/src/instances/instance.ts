import type { InstanceStatus } from '@slipway/contracts';

export const instanceWishes = ['RUN', 'STOP'] as const;
export type InstanceWish = (typeof instanceWishes)[number];

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
  readonly reason: string | undefined;
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
