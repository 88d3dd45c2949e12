/** Between two looks at an instance. */
export const lookEveryMs = 1_000;
/** Of a gap between looks, what counts at most: the rest is the worker's own pause (stopped, starved) and tells nothing about the instance. */
const gapCountedMs = 2_500;

export interface Silence {
  /** When the last look was, ms on a monotonic clock. */
  readonly lookedAtMs: number;
  /** For how long, seen by a worker that was awake, the instance has not answered. */
  readonly silentMs: number;
}

/** The silence after one more look. A worker that itself was paused must not take its own absence for the instance's. */
export function afterLook(before: Silence, answered: boolean, nowMs: number): Silence {
  if (answered) return { lookedAtMs: nowMs, silentMs: 0 };
  return { lookedAtMs: nowMs, silentMs: before.silentMs + Math.min(nowMs - before.lookedAtMs, gapCountedMs) };
}

/**
 * Whether an instance hangs: a run may block it, so for as long as one may take silence is only work. One second more covers the time between
 * the start of a run and the look before it.
 */
export function isHanging(silence: Silence, longestBlockMs: number): boolean {
  return silence.silentMs > longestBlockMs + lookEveryMs;
}
