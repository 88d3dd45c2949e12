import type { ProcessUsage } from './process-usage.js';

export interface UsageSample {
  readonly atMs: number;
  readonly usage: ProcessUsage;
}

/** What a process used between two samples. */
export interface UsageDelta {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly readOperations: number | null;
  readonly writeOperations: number | null;
}

/**
 * The usage since the previous sample. A process that was replaced in between (restart in place) counts from its own start, so that sums of
 * deltas never go back. Without a previous sample a process counts from its start when it started while we watched, else from now on.
 * @param watchedSinceMs when the watching began.
 */
export function usageDelta(previous: UsageSample | undefined, current: UsageSample, watchedSinceMs: number): UsageDelta {
  const { usage } = current;
  const isSame = previous?.usage.startedAt === usage.startedAt;
  if (previous !== undefined && isSame) return between(previous.usage, usage, (current.atMs - previous.atMs) / 1000);
  const startedMs = current.atMs - usage.ageSeconds * 1000;
  const isNew = previous !== undefined || startedMs >= watchedSinceMs;
  return isNew ? between(undefined, usage, usage.ageSeconds) : between(usage, usage, 0);
}

function between(from: ProcessUsage | undefined, to: ProcessUsage, seconds: number): UsageDelta {
  return {
    seconds: Math.max(0, seconds),
    cpuSeconds: Math.max(0, to.cpuSeconds - (from?.cpuSeconds ?? 0)),
    readBytes: growth(from?.readBytes, to.readBytes),
    writtenBytes: growth(from?.writtenBytes, to.writtenBytes),
    readOperations: growth(from?.readOperations, to.readOperations),
    writeOperations: growth(from?.writeOperations, to.writeOperations),
  };
}

function growth(from: number | null | undefined, to: number | null): number | null {
  return to === null ? null : Math.max(0, to - (from ?? 0));
}
