import type { InstanceFact } from '@slipway/deployments';
import type { Logger } from '@slipway/platform';
import type { InstancePaths } from './instance-paths.js';
import type { InstanceIdentity } from './process-record.js';

export interface InstanceLimits {
  readonly deadlineMs?: number | undefined;
  readonly memoryLimitBytes?: number | undefined;
}

export interface Surroundings {
  /** The instance program's file. */
  readonly program: string;
  readonly paths: InstancePaths;
  readonly defaultDeadlineMs: number;
  readonly log: Logger;
  /** Takes every change of fact; must not throw. */
  readonly report: (identity: InstanceIdentity, fact: InstanceFact) => void;
}

/** Where an instance is on its way. */
export type Phase = 'preparing' | 'loading' | 'ready' | 'stopping' | 'ended';

/** What it is in the end: gone by wish, failed, or to be started again by the next worker. */
export type Ending = 'GONE' | 'FAILED' | 'ASSIGNED';
