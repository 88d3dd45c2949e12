/** So long a loading process may wait for a processor before it matters how little it gets. */
const waitedMinMs = 1_000;
const waitedPerRun = 4;

/**
 * Whether a process that loads behind the others gets too little of the processor to get anywhere: on a host that is busy all the time it would
 * never become ready. Beside instances that are busy for a third of the time it waits less than it runs.
 */
export function isStarved({ runMs, waitMs }: { readonly runMs: number; readonly waitMs: number }): boolean {
  return waitMs >= waitedMinMs && waitMs > waitedPerRun * runMs;
}
