/** Runs measured for `runMs`; the first one allocates and is left out. */
export const timedRuns = 3;

/** Above this, allocating is a small part of a run: the first one is measure enough. */
const timingBelowMs = 500;
/** Comparing rows takes four more runs. The validation has 10 s for all of them. */
const rowsBelowMs = 1_500;

/**
 * What a model is tried with after its first run. A slow model, or any on a busy machine, must not use up with repetitions the time in
 * which one run has to end: it would be refused as one that never ends.
 */
export function affordableTrials(firstRunMs: number): { readonly timing: boolean; readonly rows: boolean } {
  return { timing: firstRunMs <= timingBelowMs, rows: firstRunMs <= rowsBelowMs };
}
