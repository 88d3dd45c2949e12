/** Rows are counted by so many milliseconds: fine enough to see within minutes that something has changed. */
export const profileWindowMs = 300_000;
/** Windows are added up to hours when they are some hours old. */
export const profileHourMs = 3_600_000;

/** Start of the window that holds a time, both in epoch ms. */
export function profileWindowOf(atMs: number): number {
  return Math.floor(atMs / profileWindowMs) * profileWindowMs;
}
