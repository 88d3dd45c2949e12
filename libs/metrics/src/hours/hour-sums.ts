import { averagesOfHosts, averagesOfResources, hostRates, resourceRates, singleResources, summedResources } from '../windows/resource-columns.js';
import { outcomesAsJson, sumsOfBuckets } from '../windows/serving-columns.js';

/** Series of windows that are summed by the hour. */
export const summedSeries = ['serving', 'resource', 'host'] as const;
export type SummedSeries = (typeof summedSeries)[number];

/** One statement each: sums the windows of an owner ($1) in an hour (from $2 on) into its row. */
export const sumHour: Readonly<Record<SummedSeries, { readonly hours: string; readonly owner: string; readonly insert: string }>> = {
  serving: {
    hours: 'telemetry.serving_hours',
    owner: 'deployment_id',
    insert: `
insert into telemetry.serving_hours (deployment_id, start_at, project_id, revision_id, version_number, role, requests, "rows", outcomes, duration_buckets,
  queue_buckets, compute_buckets, decode_buckets, encode_buckets, batch_buckets, runs, run_rows, request_bytes, response_bytes)
select deployment_id, $2::timestamptz, min(project_id), revision_id, max(version_number), role, sum(requests), sum("rows"), ${outcomesAsJson},
  ${sumsOfBuckets('bigint')}, sum(runs), sum(run_rows), sum(request_bytes), sum(response_bytes)
from telemetry.serving_windows where deployment_id = $1 and start_at >= $2::timestamptz and start_at < $2::timestamptz + interval '1 hour'
group by deployment_id, revision_id, role`,
  },
  resource: {
    hours: 'telemetry.resource_hours',
    owner: 'deployment_id',
    insert: `
insert into telemetry.resource_hours (deployment_id, start_at, instance_id, version_number, host_id, windows, cpu, memory, memory_limit, read, written, reads,
  writes, threads, files, throttled, gpu_memory, cpu_seconds, oom_kills, instances, reduced)
with ${resourceRates(`deployment_id = $1 and start_at >= $2::timestamptz and start_at < $2::timestamptz + interval '1 hour'`)},
kept as (
  select * from ${summedResources('0')} as "all"
  union all select * from ${summedResources('version_number')} as versions
  union all select * from ${singleResources('')} as singles
)
select $1::text, $2::timestamptz, instance_id, version_number, max(host_id), count(*), ${averagesOfResources}, sum(cpu_seconds), sum(oom_kills), max(instances), bool_or(reduced)
from kept group by instance_id, version_number`,
  },
  host: {
    hours: 'telemetry.host_hours',
    owner: 'host_id',
    insert: `
insert into telemetry.host_hours (host_id, start_at, windows, cores, cpu, memory, memory_limit, read, written, reads, writes, received, sent, throttled, cpu_stall,
  memory_stall, io_stall, gpu, gpu_memory, gpu_memory_limit, cpu_seconds, oom_kills, reduced)
select $1::text, $2::timestamptz, count(*), ${averagesOfHosts}, sum(cpu_seconds), sum(oom_kills), bool_or(reduced)
from (select ${hostRates} from telemetry.host_windows where host_id = $1 and start_at >= $2::timestamptz and start_at < $2::timestamptz + interval '1 hour') w
having count(*) > 0`,
  },
};
