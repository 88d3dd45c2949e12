/**
 * A rate as the generic cell rate algorithm keeps it (ITU-T I.371, Annex A): one number, the time at which a caller that keeps exactly to
 * the rate would come next. The same bounds as a token bucket, without a timer that fills it.
 */
export interface Pace {
  readonly intervalMs: number;
  /** So many may come at once after a quiet time. */
  readonly burst: number;
}

/** Timers are late by some ms; at high rates an even pace lets in what fell into that time. */
const evenWithinMs = 10;

/** @param isEven as few at once as can be, whatever burst is stated. */
export function paceOf(requestsPerSecond: number, burst: number | undefined, isEven: boolean): Pace {
  const most = isEven ? (requestsPerSecond * evenWithinMs) / 1000 : (burst ?? requestsPerSecond);
  return { intervalMs: 1000 / requestsPerSecond, burst: Math.max(1, Math.floor(most)) };
}

/** Sums of intervals are off by this much of rounding at most; nobody is made to wait for it. */
const roundingMs = 1e-6;

/** How long until one more may come, in ms; 0: now. @param dueAt the time that is kept. @param now on the same monotonic clock. */
export function paceWaitMs(pace: Pace, dueAt: number, now: number): number {
  const wait = dueAt - (pace.burst - 1) * pace.intervalMs - now;
  return wait > roundingMs ? wait : 0;
}

/** The time to keep once one was let in. */
export function nextDue(pace: Pace, dueAt: number, now: number): number {
  return Math.max(now, dueAt) + pace.intervalMs;
}

/** The time to keep when the rate changes: what was let in ahead of time stays counted, in the new rate's measure. */
export function dueUnder(before: Pace, after: Pace, dueAt: number, now: number): number {
  const ahead = Math.max(0, dueAt - now) / before.intervalMs;
  return now + Math.min(ahead, after.burst) * after.intervalMs;
}
