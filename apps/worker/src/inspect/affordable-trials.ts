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

/** Sizes that a batch is measured with, as far as they are affordable. */
export const batchSizes = [1, 2, 4, 8, 16, 32] as const;

/** Runs of one size; their median is kept. */
const runsPerSize = 5;
/** What measuring batches may take altogether, and the generated values of one input of the largest. */
const batchesMs = 1_000;
const batchElements = 1024 * 1024;

/**
 * How often a batch size is run, given the time of one run of the size before and what is left of the time for all sizes: 0 to stop there.
 * A run of twice the rows takes about twice the time at most.
 */
export function affordableRuns(previousRunMs: number, spentMs: number, elements: number): number {
  if (elements > batchElements) return 0;
  const leftMs = batchesMs - spentMs;
  const runs = Math.floor(leftMs / Math.max(2 * previousRunMs, 0.001));
  return runs < 3 ? 0 : Math.min(runs, runsPerSize);
}
