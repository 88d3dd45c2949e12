import { type Queryable, withPartitions } from './partitions.store.js';
import type { ResourceWindow } from './resource-window.js';

const columns = `start_at, project_id, deployment_id, revision_id, version_number, instance_id, host_id, covered_seconds, cpu_seconds, memory_bytes,
  read_bytes, written_bytes, read_operations, write_operations, threads, open_files, reduced, memory_limit_bytes, throttled_seconds, throttled_periods, oom_kills,
  gpu_memory_bytes`;

/** A worker that restarts inside a window saw only its rest; the row that covers more time stays. */
const upsert = `
insert into telemetry.resource_windows (${columns})
select ${columns} from jsonb_to_recordset($1::jsonb) as w(start_at timestamptz, project_id text, deployment_id text, revision_id text,
  version_number integer, instance_id text, host_id text, covered_seconds double precision, cpu_seconds double precision, memory_bytes bigint,
  read_bytes bigint, written_bytes bigint, read_operations bigint, write_operations bigint, threads integer, open_files integer, reduced boolean,
  memory_limit_bytes bigint, throttled_seconds double precision, throttled_periods bigint, oom_kills integer, gpu_memory_bytes bigint)
order by start_at, instance_id
on conflict (start_at, instance_id) do update set covered_seconds = excluded.covered_seconds, cpu_seconds = excluded.cpu_seconds,
  memory_bytes = excluded.memory_bytes, read_bytes = excluded.read_bytes, written_bytes = excluded.written_bytes,
  read_operations = excluded.read_operations, write_operations = excluded.write_operations, threads = excluded.threads,
  open_files = excluded.open_files, reduced = excluded.reduced, memory_limit_bytes = excluded.memory_limit_bytes,
  throttled_seconds = excluded.throttled_seconds, throttled_periods = excluded.throttled_periods, oom_kills = excluded.oom_kills,
  gpu_memory_bytes = excluded.gpu_memory_bytes
where resource_windows.covered_seconds <= excluded.covered_seconds`;

const chunk = 1_000;

/** Writes resource windows as rows. */
export class ResourceWindowStore {
  constructor(
    private readonly db: Queryable,
    private readonly hostId: string,
  ) {}

  async write(windows: readonly ResourceWindow[]): Promise<void> {
    for (let at = 0; at < windows.length; at += chunk) {
      const part = windows.slice(at, at + chunk);
      const rows = JSON.stringify(part.map((window) => this.rowOf(window)));
      await withPartitions(
        this.db,
        part.map(({ startAtMs }) => startAtMs),
        () => this.db.query(upsert, [rows]),
      );
    }
  }

  private rowOf({ owner, ...window }: ResourceWindow): Record<string, unknown> {
    return {
      start_at: new Date(window.startAtMs).toISOString(),
      project_id: owner.projectId,
      deployment_id: owner.deploymentId,
      revision_id: owner.revisionId,
      version_number: owner.versionNumber,
      instance_id: owner.instanceId,
      host_id: this.hostId,
      covered_seconds: window.coveredSeconds,
      cpu_seconds: window.cpuSeconds,
      memory_bytes: window.memoryBytes,
      read_bytes: window.readBytes,
      written_bytes: window.writtenBytes,
      read_operations: window.readOperations,
      write_operations: window.writeOperations,
      threads: window.threads,
      open_files: window.openFiles,
      reduced: window.reduced,
      memory_limit_bytes: window.memoryLimitBytes,
      throttled_seconds: window.throttledSeconds,
      throttled_periods: window.throttledPeriods === null ? null : Math.round(window.throttledPeriods),
      oom_kills: window.oomKills,
      gpu_memory_bytes: window.gpuMemoryBytes,
    };
  }
}
