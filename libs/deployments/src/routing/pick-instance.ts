/** What the choice looks at. */
export interface Candidate {
  /** Requests sent to it that have no answer yet. */
  readonly outstanding: number;
  /** How many it may have. */
  readonly window: number;
  /** Before this time (ms, same clock as `nowMs`) it is left out. */
  readonly ejectedUntilMs: number;
}

/**
 * The less loaded of two picked at random, among those with room that are not ejected; when both are out, the least loaded of all. When
 * every instance is ejected, ejection tells nothing and is ignored.
 * @param random uniform in [0, 1).
 * @returns undefined when none has room: the request waits.
 */
export function pickInstance<T extends Candidate>(instances: readonly T[], nowMs: number, random: () => number): T | undefined {
  const only = instances[0];
  if (only === undefined) return undefined;
  if (instances.length === 1) return hasRoom(only) ? only : undefined;
  const first = Math.floor(random() * instances.length);
  const second = (first + 1 + Math.floor(random() * (instances.length - 1))) % instances.length;
  const a = instances[first];
  const b = instances[second];
  const aTakes = a !== undefined && takes(a, nowMs);
  const bTakes = b !== undefined && takes(b, nowMs);
  if (aTakes && bTakes) return a.outstanding <= b.outstanding ? a : b;
  if (aTakes) return a;
  if (bTakes) return b;
  return leastLoaded(instances, nowMs);
}

function leastLoaded<T extends Candidate>(instances: readonly T[], nowMs: number): T | undefined {
  const allEjected = instances.every((instance) => instance.ejectedUntilMs > nowMs);
  let best: T | undefined;
  for (const instance of instances) {
    const fits = allEjected ? hasRoom(instance) : takes(instance, nowMs);
    if (fits && (best === undefined || instance.outstanding < best.outstanding)) best = instance;
  }
  return best;
}

function takes(instance: Candidate, nowMs: number): boolean {
  return instance.ejectedUntilMs <= nowMs && hasRoom(instance);
}

function hasRoom(instance: Candidate): boolean {
  return instance.outstanding < instance.window;
}
