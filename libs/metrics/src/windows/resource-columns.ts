/** What is averaged over the windows of a step: rates per second, and levels. */
export const resourceLevels = [
  'cpu',
  'memory',
  'memory_limit',
  'read',
  'written',
  'reads',
  'writes',
  'threads',
  'files',
  'throttled',
  'gpu_memory',
] as const;
export type ResourceLevel = (typeof resourceLevels)[number];

const perSecond = (column: string) => `${column} / nullif(covered_seconds, 0)`;

/** Windows of instances with their rates, as the table expression `rates`. */
export function resourceRates(where: string): string {
  return `rates as (
  select start_at, instance_id, version_number, host_id, ${perSecond('cpu_seconds')} as cpu, memory_bytes::float8 as memory,
    memory_limit_bytes::float8 as memory_limit, ${perSecond('read_bytes')} as read, ${perSecond('written_bytes')} as written,
    ${perSecond('read_operations')} as reads, ${perSecond('write_operations')} as writes, threads::float8 as threads, open_files::float8 as files,
    ${perSecond('throttled_seconds')} as throttled, gpu_memory_bytes::float8 as gpu_memory, cpu_seconds, oom_kills::float8 as oom_kills, reduced
  from telemetry.resource_windows where ${where}
)`;
}

/**
 * The rates of all instances together, window by window: rates first, then summed over the instances that lived in the window, so that an
 * instance that lived for half a step does not distort the sum.
 * @param version `version_number`, or 0 for all versions together.
 */
export function summedResources(version: 'version_number' | '0'): string {
  const sums = resourceLevels.map((level) => `sum(${level}) as ${level}`).join(', ');
  return `(select start_at, ''::text as instance_id, ${version === '0' ? '0' : 'version_number'} as version_number, max(host_id) as host_id, ${sums},
    sum(cpu_seconds) as cpu_seconds, sum(oom_kills) as oom_kills, count(*)::integer as instances, bool_or(reduced) as reduced
  from rates group by 1, 3)`;
}

/** The rates of each instance. @param where begins with `where`, or is empty. */
export function singleResources(where: string): string {
  return `(select start_at, instance_id, version_number, host_id, ${resourceLevels.join(', ')}, cpu_seconds, oom_kills, 1 as instances, reduced from rates ${where})`;
}

export const averagesOfResources = resourceLevels.map((level) => `avg(${level})::float8 as ${level}`).join(', ');

/** Of hosts likewise. */
export const hostLevels = [
  'cores',
  'cpu',
  'memory',
  'memory_limit',
  'read',
  'written',
  'reads',
  'writes',
  'received',
  'sent',
  'throttled',
  'cpu_stall',
  'memory_stall',
  'io_stall',
  'gpu',
  'gpu_memory',
  'gpu_memory_limit',
] as const;
export type HostLevel = (typeof hostLevels)[number];

/** Columns of windows of hosts with their rates. */
export const hostRates = `start_at, cores, ${perSecond('cpu_seconds')} as cpu, memory_bytes::float8 as memory, memory_limit_bytes::float8 as memory_limit,
  ${perSecond('read_bytes')} as read, ${perSecond('written_bytes')} as written, ${perSecond('read_operations')} as reads,
  ${perSecond('write_operations')} as writes, ${perSecond('received_bytes')} as received, ${perSecond('sent_bytes')} as sent,
  ${perSecond('throttled_seconds')} as throttled, ${perSecond('cpu_stall_seconds')} as cpu_stall, ${perSecond('memory_stall_seconds')} as memory_stall,
  ${perSecond('io_stall_seconds')} as io_stall, gpu_ratio as gpu, gpu_memory_bytes::float8 as gpu_memory,
  gpu_memory_limit_bytes::float8 as gpu_memory_limit, cpu_seconds, oom_kills::float8 as oom_kills, reduced`;

export const averagesOfHosts = hostLevels.map((level) => `avg(${level})::float8 as ${level}`).join(', ');
