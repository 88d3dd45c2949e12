import { expect, it } from 'vitest';
import { latencyBucketCount, latencyBucketOf, latencyEdges, latencyQuantile, mergeLatencyBuckets } from './latency-buckets.js';

const counts = (entries: Readonly<Record<number, number | undefined>>) =>
  Array.from({ length: latencyBucketCount }, (_, bucket) => entries[bucket] ?? 0);

it.each([
  { seconds: 0, bucket: 0 },
  { seconds: 0.0005, bucket: 0 },
  { seconds: 0.00050001, bucket: 1 },
  { seconds: 0.1, bucket: 7 },
  { seconds: 30, bucket: 14 },
  { seconds: 30.1, bucket: 15 },
  { seconds: Number.POSITIVE_INFINITY, bucket: 15 },
])('puts $seconds s into bucket $bucket, edges belong to the lower one', ({ seconds, bucket }) => {
  expect(latencyBucketOf(seconds)).toBe(bucket);
});

it.each([
  { name: 'is null without observations', given: {}, quantile: 0.95, is: null },
  { name: 'interpolates inside a bucket', given: { 7: 100 }, quantile: 0.5, is: 0.075 },
  { name: 'starts the first bucket at zero', given: { 0: 10 }, quantile: 0.5, is: 0.00025 },
  { name: 'reaches the upper edge at the last observation', given: { 3: 4 }, quantile: 1, is: 0.005 },
  { name: 'skips empty buckets', given: { 2: 50, 9: 50 }, quantile: 0.75, is: 0.375 },
  { name: 'gives the last edge for the open bucket', given: { 15: 3 }, quantile: 0.95, is: 30 },
])('quantile: $name', ({ given, quantile, is }) => {
  const value = latencyQuantile(counts(given), quantile);
  if (is === null) expect(value).toBeNull();
  else expect(value).toBeCloseTo(is, 12);
});

it('merges exactly, in any order', () => {
  const a = counts({ 1: 3, 15: 1 });
  const b = counts({ 1: 2, 4: 7 });
  expect(mergeLatencyBuckets([a, b])).toEqual(mergeLatencyBuckets([b, a]));
  expect(mergeLatencyBuckets([a, b])).toEqual(counts({ 1: 5, 4: 7, 15: 1 }));
});

it('keeps the edges that common latency objectives use', () => {
  for (const objective of [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 10]) expect(latencyEdges).toContain(objective);
});
