import { outcomes } from '@slipway/contracts';
import { batchBucketCount } from './batch-buckets.js';
import { latencyBucketCount } from './latency-buckets.js';

/** Stages of a request whose times are kept; `duration` is the whole of it. */
export const stages = ['duration', 'queue', 'compute', 'decode', 'encode'] as const;
export type Stage = (typeof stages)[number];

// Summing by subscript reads each row once; unnesting the arrays would make a row per bucket of each row.
const bucketSums = (column: string, count: number, type: string) =>
  `array[${Array.from({ length: count }, (_, at) => `coalesce(sum(${column}[${at + 1}]), 0)`).join(', ')}]::${type}[]`;

/** Sums of the bucket arrays of a group of windows or hours, under the names of their columns. */
export function sumsOfBuckets(type: 'bigint' | 'float8'): string {
  const ofStages = stages.map((stage) => `${bucketSums(`${stage}_buckets`, latencyBucketCount, type)} as ${stage}_buckets`);
  return [...ofStages, `${bucketSums('batch_buckets', batchBucketCount, type)} as batch_buckets`].join(', ');
}

/** Sums of requests per outcome by its place in `outcomes`. */
export const sumsOfOutcomes = `array[${outcomes.map((outcome) => `coalesce(sum((outcomes->>'${outcome}')::bigint), 0)`).join(', ')}]::float8[] as outcome_counts`;

/** The same as the JSON of a row: outcomes that occurred. */
export const outcomesAsJson = `jsonb_strip_nulls(jsonb_build_object(${outcomes.map((outcome) => `'${outcome}', nullif(sum((outcomes->>'${outcome}')::bigint), 0)`).join(', ')}))`;
