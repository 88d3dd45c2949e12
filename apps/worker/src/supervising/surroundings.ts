import type { InstanceFailureReason } from '@slipway/contracts';
import type { InstanceFact } from '@slipway/deployments';
import type { Logger } from '@slipway/platform';
import type { InstancePaths } from './instance-paths.js';
import type { MemoryGroups } from './memory-groups.js';
import type { InstanceIdentity } from './process-record.js';
import type { ThreadShare, ThreadWish } from './thread-budget.js';

/** What an instance may use, as its revision says or the host decides. */
export interface InstanceLimits {
  readonly memoryLimitBytes: number;
  /** What it is expected to take; undefined when nobody knows any more. */
  readonly memoryBytes?: number | undefined;
  readonly threadWish: ThreadWish;
}

export interface Surroundings {
  /** The instance program's file. */
  readonly program: string;
  readonly paths: InstancePaths;
  /** Where gateways reach it. */
  readonly address: string;
  readonly log: Logger;
  /** Takes every change of fact; must not throw. */
  readonly report: (identity: InstanceIdentity, fact: InstanceFact) => void;
  /** Takes every end that nobody had asked for; must not throw. */
  readonly failed?: (identity: InstanceIdentity, end: UnwantedEnd) => void;
  /** Where there are none, memory is watched. */
  readonly groups: MemoryGroups | undefined;
  /** What the host's budget has for an instance that starts now. */
  readonly shareThreads: (instanceId: string, wish: ThreadWish) => ThreadShare;
}

/** How a process of an instance ended that was to go on. */
export interface UnwantedEnd {
  readonly reason: InstanceFailureReason;
  readonly signal: string | undefined;
  readonly exitCode: number | undefined;
  readonly wasReady: boolean;
  /** It is started again in place. */
  readonly restarts: boolean;
  readonly message: string;
  readonly memoryLimitBytes: number;
}

/** Where an instance is on its way. */
export type Phase = 'preparing' | 'loading' | 'ready' | 'stopping' | 'ended';

/** What it is in the end: gone by wish, failed, or to be started again by the next worker. */
export type Ending = 'GONE' | 'FAILED' | 'ASSIGNED';
