import { isHanging, type Silence } from './silence.js';

/** A load that takes longer is given up. */
const loadLimitMs = 240_000;

/** What is seen of an instance's process from outside. */
export interface ProcessSight {
  /** It has been ready; before that, loading may block it for long. */
  readonly isProven: boolean;
  readonly ageMs: number;
  readonly silence: Silence;
  /** The longest time a request may take in it. */
  readonly longestDeadlineMs: number;
  readonly residentBytes: number | undefined;
  readonly memoryLimitBytes: number | undefined;
}

/** Why a process must be ended, in words for people; undefined when it is all right. */
export function reasonToKill(sight: ProcessSight): string | undefined {
  if (!sight.isProven && sight.ageMs > loadLimitMs) return `it was not ready after ${loadLimitMs / 1000} s`;
  if (sight.isProven && isHanging(sight.silence, sight.longestDeadlineMs)) {
    return `it has not answered for ${Math.round(sight.silence.silentMs / 1000)} s`;
  }
  const { residentBytes: used, memoryLimitBytes: limit } = sight;
  if (used === undefined || limit === undefined || used <= limit) return undefined;
  return `it used ${mebibytes(used)} MiB of memory; its limit is ${mebibytes(limit)} MiB`;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
