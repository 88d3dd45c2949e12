/** Pause before the next start of a program that died: 0.2 s, doubling to 5 s. Bounds of architecture: quick heal, no busy loop. */
export function restartDelayMs(deathsInARow: number): number {
  return Math.min(5_000, 200 * 2 ** Math.max(0, deathsInARow - 1));
}

/** A program that ran this long is healthy again: the next death starts counting at one. */
export const healthyAfterMs = 30_000;

/** Deaths in a row after one more, given how long the program ran. */
export function countDeath(deathsInARow: number, ranMs: number): number {
  return ranMs >= healthyAfterMs ? 1 : deathsInARow + 1;
}
