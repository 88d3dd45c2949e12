/** So many deaths within the window are no accident any more. */
export const deathsMax = 3;
export const deathWindowMs = 60_000;

export type RestartDecision = { readonly kind: 'restart'; readonly afterMs: number } | { readonly kind: 'fail' };

/**
 * What to do after an instance died. One that has never been ready fails at once: starting it again is the planner's business, with a
 * backoff and a limit. One that served is started again in place, the first time without any delay; the third death within a minute fails it.
 * @param deathsMs times of its deaths, the present one included, ms on a monotonic clock.
 */
export function decideRestart(deathsMs: readonly number[], hasBeenReady: boolean, nowMs: number): RestartDecision {
  if (!hasBeenReady) return { kind: 'fail' };
  const recent = deathsMs.filter((at) => nowMs - at < deathWindowMs).length;
  if (recent >= deathsMax) return { kind: 'fail' };
  return { kind: 'restart', afterMs: recent <= 1 ? 0 : 250 };
}
