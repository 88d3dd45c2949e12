/**
 * Upper edges of the latency buckets in seconds, 0.5 ms to 30 s, the same for every deployment, so that windows of any source, version and
 * time add up exactly. Changing them breaks that for stored windows: append a new set instead.
 */
export const latencyEdges: readonly number[] = Object.freeze([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]);

/** Number of buckets: one per edge and an open one above the last. */
export const latencyBucketCount = latencyEdges.length + 1;

/** Index of the bucket that holds the value; a bucket contains its upper edge, as Prometheus' `le` does. */
export function latencyBucketOf(seconds: number): number {
  let low = 0;
  let high = latencyEdges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    // The edge exists: middle < length.
    if (seconds <= (latencyEdges[middle] ?? Number.POSITIVE_INFINITY)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The quantile (0 to 1) of bucketed latencies in seconds, interpolated linearly inside its bucket as Prometheus' `histogram_quantile` does.
 * @returns null without observations; the last edge when the quantile lies in the open bucket (a lower bound).
 */
export function latencyQuantile(counts: ArrayLike<number>, quantile: number): number | null {
  const total = sumOf(counts);
  if (total === 0) return null;
  const rank = quantile * total;
  let below = 0;
  for (let bucket = 0; bucket < latencyEdges.length; bucket += 1) {
    const count = counts[bucket] ?? 0;
    const upper = latencyEdges[bucket] ?? 0;
    if (count > 0 && below + count >= rank) {
      const lower = bucket === 0 ? 0 : (latencyEdges[bucket - 1] ?? 0);
      return lower + (upper - lower) * Math.max(0, (rank - below) / count);
    }
    below += count;
  }
  return latencyEdges.at(-1) ?? null;
}

/** Bucket counts of several windows as one. */
export function mergeLatencyBuckets(windows: Iterable<ArrayLike<number>>): number[] {
  const merged = new Array<number>(latencyBucketCount).fill(0);
  for (const counts of windows) {
    for (let bucket = 0; bucket < latencyBucketCount; bucket += 1) merged[bucket] = (merged[bucket] ?? 0) + (counts[bucket] ?? 0);
  }
  return merged;
}

/** Observations in all buckets. */
export function sumOf(counts: ArrayLike<number>): number {
  let total = 0;
  for (let at = 0; at < counts.length; at += 1) total += counts[at] ?? 0;
  return total;
}
