const firstMs = 500;
const mostMs = 15_000;
/** A gateway that asks for more patience than this is asked again anyway. */
const askedMostMs = 60_000;

/**
 * How long to wait before the same rows are sent again: what the gateway asked for, at least a time that doubles with each try, and a little
 * more by chance, so that many jobs do not come back as one.
 * @param tries how often in a row it was in vain, from 1
 * @param random 0–1
 */
export function backoffMs(tries: number, retryAfterSeconds: number | undefined, random: number): number {
  const ownMs = Math.min(mostMs, firstMs * 2 ** Math.min(tries - 1, 10));
  const askedMs = Math.min(askedMostMs, (retryAfterSeconds ?? 0) * 1_000);
  return Math.round(Math.max(ownMs, askedMs) * (1 + random / 4));
}
