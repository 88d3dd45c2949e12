import { isHanging, type Silence } from './silence.js';

/** A load that takes longer is given up. */
const loadLimitMs = 240_000;
/** A process that is stopped from outside (SIGSTOP) for longer serves nobody and will not go on by itself. */
const stoppedLimitMs = 1_900;

/** What is seen of an instance's process from outside. */
export interface ProcessSight {
  /** It has been ready; before that, loading may block it for long. */
  readonly isProven: boolean;
  readonly ageMs: number;
  readonly silence: Silence;
  /** For how long it was seen to be stopped. */
  readonly stoppedMs: number;
  /** How long it may be silent and well. */
  readonly longestBlockMs: number;
}

/** Why a process must be ended, in words for people; undefined when it is all right. */
export function reasonToKill({ isProven, ageMs, silence, stoppedMs, longestBlockMs }: ProcessSight): string | undefined {
  if (stoppedMs > stoppedLimitMs) return `it was stopped for ${Math.round(stoppedMs / 1000)} s`;
  if (!isProven && ageMs > loadLimitMs) return `it was not ready after ${loadLimitMs / 1000} s`;
  if (isProven && isHanging(silence, longestBlockMs)) return `it has not answered for ${Math.round(silence.silentMs / 1000)} s`;
  return undefined;
}
