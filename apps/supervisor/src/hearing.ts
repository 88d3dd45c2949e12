/** Between two questions to a program. */
export const askEveryMs = 1_000;
/** A program that has been silent for longer is stopped, or turns in a circle: it will not come back by itself. */
const silentLimitMs = 15_000;
/** Of the time between two questions, what counts at most: the rest is the supervisor's own pause and tells nothing about the program. */
const gapCountedMs = 2_500;

/** What the supervisor has heard of a program. */
export interface Hearing {
  /** When it asked last, ms on a monotonic clock. */
  readonly askedAtMs: number;
  /** For how long, while the supervisor itself was awake, no question was answered. */
  readonly silentMs: number;
}

/** What is known when the next question is asked. */
export function afterAsking(before: Hearing, answered: boolean, nowMs: number): Hearing {
  if (answered) return { askedAtMs: nowMs, silentMs: 0 };
  return { askedAtMs: nowMs, silentMs: before.silentMs + Math.min(nowMs - before.askedAtMs, gapCountedMs) };
}

/** Whether the program has been silent for too long. */
export function isDeaf(hearing: Hearing): boolean {
  return hearing.silentMs > silentLimitMs;
}
