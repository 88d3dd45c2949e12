import { expect, it } from 'vitest';
import { batchBucketCount, batchBucketOf, batchEdges } from './batch-buckets.js';

it('puts each edge into its own bucket and what is above into the next', () => {
  batchEdges.forEach((edge, bucket) => {
    expect([edge, batchBucketOf(edge), batchBucketOf(edge + 1)]).toEqual([edge, bucket, Math.max(bucket + 1, 1)]);
  });
});

it.each([
  [0, 0],
  [3, 2],
  [100, 7],
  [5_000, batchBucketCount - 1],
  [2 ** 31, batchBucketCount - 1],
])('puts %i rows into bucket %i', (rows, bucket) => {
  expect(batchBucketOf(rows)).toBe(bucket);
});
