/** Between two looks at the memory of a process: at rest, and at the least while it grows towards its limit. */
export const calmLookMs = 200;
export const hastyLookMs = 10;

export interface MemorySight {
  readonly atMs: number;
  readonly usedBytes: number;
}

/**
 * When to look at a process's memory again: at the latest when it could have gone half of the way to its limit at the pace it has shown since
 * the last look, but never more often than every 10 ms or less often than every 200 ms.
 */
export function nextLookMs(before: MemorySight, now: MemorySight, limitBytes: number): number {
  const bytesPerMs = (now.usedBytes - before.usedBytes) / Math.max(1, now.atMs - before.atMs);
  if (bytesPerMs <= 0) return calmLookMs;
  const leftMs = (limitBytes - now.usedBytes) / bytesPerMs;
  return Math.min(calmLookMs, Math.max(hastyLookMs, leftMs / 2));
}
