const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** When a notice is tried again after its first attempt, which is at once: quick at first, since an alarm is worth most while it is fresh. */
export const retryDelaysMs: readonly number[] = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  2 * hour,
  6 * hour,
  12 * hour,
  24 * hour,
];

const jitterShare = 0.1;
const maxRetryAfterMs = 24 * hour;

/**
 * How long to wait after a failed attempt, or undefined when there are no more: the notice is dead then.
 * @param attempts made so far, 1 after the first.
 * @param random from 0 to 1; spreads retries so that receivers that come back are not met by all at once.
 * @param retryAfterMs what the receiver asked for; never shortens the wait.
 */
export function retryDelayMs(attempts: number, random: number, retryAfterMs = 0): number | undefined {
  const base = retryDelaysMs[attempts - 1];
  if (base === undefined) return undefined;
  const spread = Math.round(base * (1 + jitterShare * random));
  return Math.max(spread, Math.min(retryAfterMs, maxRetryAfterMs));
}

/** The wait of a Retry-After header (RFC 9110: seconds or a date) in milliseconds; 0 when there is none. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * second;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}
