const mebibyte = 1024 ** 2;
/** Requests and answers need room beside the model, however small that is. */
const leastBytes = 1024 * mebibyte;
const measuredTimes = 4;
/** Of the host's memory, what one instance may take at most: so that an allocation gone wild never takes the host. */
const hostShare = 0.5;
/** A model that needs most of a host may have it, with this much more than it was seen to need, and not the system's own part. */
const spareTimes = 1.25;
const hostShareMax = 0.9;

/**
 * The memory limit of an instance whose revision states none: four times what a ready one is expected to take and at least 1 GiB, but at
 * most half of the host, unless the model alone is known to need more than that.
 * @param expectedBytes measured while validating, else estimated from the file's size.
 */
export function defaultMemoryLimit(expectedBytes: number, hostBytes: number): number {
  const generous = Math.max(measuredTimes * expectedBytes, leastBytes);
  const bearable = Math.max(hostShare * hostBytes, Math.min(spareTimes * expectedBytes, hostShareMax * hostBytes));
  return Math.round(Math.min(generous, bearable));
}
