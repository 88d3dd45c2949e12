import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Gives recorded requests to a version, to the end or from the last checkpoint on. */
export const runReplay = defineJob({ queue: 'replay', name: 'run-replay', payload: z.object({ replayId: z.string() }), attempts: 5 });

/** One job per replay at a time; the same id again while it waits or runs adds nothing. */
export function runReplayJobId(replayId: string): string {
  return `replay.${replayId}`;
}

/** Publishes the job again of replays whose message got lost or whose worker is gone. */
export const requeueReplays = defineJob({ queue: 'control', name: 'requeue-replays', payload: z.object({}), attempts: 1 });

/** Removes replays that ended long ago, and requests that are kept past their time. */
export const expireReplays = defineJob({ queue: 'control', name: 'expire-replays', payload: z.object({}), attempts: 1 });
