/** Deaths while serving within this time make the next restart wait longer. */
export const deathWindowMs = 60_000;
/** So many restarts in a row may fail to become ready. */
export const startsMax = 3;
/** Deaths within the window that are healed without delay. */
const freeDeaths = 2;
const delayMinMs = 250;
const delayMaxMs = 4_000;

/** How one process of an instance ended. */
export interface Death {
  /** ms on a monotonic clock. */
  readonly atMs: number;
  /** It had become ready. */
  readonly wasReady: boolean;
}

export type RestartDecision = { readonly kind: 'restart'; readonly afterMs: number } | { readonly kind: 'fail' };

/**
 * What to do after an instance died. One that has never been ready fails at once: starting it again is the planner's business, with a backoff
 * and a limit. One that served is started again in place however often it dies, because its callers' inputs may be what ends it and must not
 * take the deployment down: twice within a minute without delay, then after 250 ms, doubling to 4 s. It fails when three starts in a row
 * did not become ready.
 * @param deaths all that are remembered, the present one last; see `remembered`.
 */
export function decideRestart(deaths: readonly Death[], nowMs: number): RestartDecision {
  const lastReady = deaths.findLastIndex((death) => death.wasReady);
  if (lastReady < 0) return { kind: 'fail' };
  const failedStarts = deaths.length - 1 - lastReady;
  if (failedStarts >= startsMax) return { kind: 'fail' };
  const recent = deaths.filter(({ wasReady, atMs }) => wasReady && nowMs - atMs < deathWindowMs).length;
  const doublings = Math.max(0, recent - freeDeaths - 1) + Math.max(0, failedStarts - 1);
  const isFree = recent <= freeDeaths && failedStarts === 0;
  return { kind: 'restart', afterMs: isFree ? 0 : Math.min(delayMaxMs, delayMinMs * 2 ** doublings) };
}

/** What has to be kept of the past: bounded, since no more than so many deaths fit into the window at the longest delay or change a decision. */
export function remembered(deaths: readonly Death[]): readonly Death[] {
  return deaths.slice(-rememberedMax);
}

export const rememberedMax = 32;
