/**
 * Upper edges of the sizes of runs in rows: powers of two. The same for every deployment, so that windows add up exactly; changing them breaks
 * that for stored windows.
 */
export const batchEdges: readonly number[] = Object.freeze([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096]);

/** Number of buckets: one per edge and an open one above the last. */
export const batchBucketCount = batchEdges.length + 1;

/** Index of the bucket of a run with so many rows; a bucket contains its upper edge. A run without rows counts as one of a single row. */
export function batchBucketOf(rows: number): number {
  return rows <= 1 ? 0 : Math.min(batchBucketCount - 1, 32 - Math.clz32(rows - 1));
}
