import type { InferKind } from '../hosting/instance-spec.js';

/** The default of live requests: between those that state a priority above and below it. */
const defaultPriority = 128;
const lowestPriority = 255;
const behindLive: Readonly<Record<Exclude<InferKind, 'live'>, number>> = { batch: 256, shadow: 257, probe: 258 };

/** Ranks are whole numbers below this. */
export const rankCount = 259;

/**
 * Who is served first: the lower rank. Live requests come by their priority (1 is the highest, 255 and above the lowest, 0 stands for the middle),
 * everything that is not live comes after all of them.
 */
export function rankOf(kind: InferKind, priority: number): number {
  if (kind !== 'live') return behindLive[kind];
  return priority === 0 ? defaultPriority : Math.min(priority, lowestPriority);
}

/** Whether a rank is that of work nobody waits for online. */
export function isBackground(rank: number): boolean {
  return rank >= behindLive.batch;
}
