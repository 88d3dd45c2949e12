import { type Queryable, withPartitions } from '../windows/partitions.store.js';
import type { HostWindow } from './host-recorder.js';

const columns = `start_at, host_id, covered_seconds, cores, cpu_seconds, memory_bytes, memory_limit_bytes, read_bytes, written_bytes, read_operations,
  write_operations, received_bytes, sent_bytes, throttled_seconds, oom_kills, cpu_stall_seconds, memory_stall_seconds, io_stall_seconds, gpu_ratio,
  gpu_memory_bytes, gpu_memory_limit_bytes, reduced`;
const replaced = columns
  .split(/,\s+/)
  .slice(2)
  .map((column) => `${column} = excluded.${column}`)
  .join(', ');

/** A worker that restarts inside a window saw only its rest; the row that covers more time stays. */
const upsert = `
insert into telemetry.host_windows (${columns})
select ${columns} from jsonb_to_recordset($1::jsonb) as w(start_at timestamptz, host_id text, covered_seconds double precision, cores double precision,
  cpu_seconds double precision, memory_bytes bigint, memory_limit_bytes bigint, read_bytes bigint, written_bytes bigint, read_operations bigint,
  write_operations bigint, received_bytes bigint, sent_bytes bigint, throttled_seconds double precision, oom_kills integer,
  cpu_stall_seconds double precision, memory_stall_seconds double precision, io_stall_seconds double precision, gpu_ratio double precision,
  gpu_memory_bytes bigint, gpu_memory_limit_bytes bigint, reduced boolean)
order by start_at
on conflict (start_at, host_id) do update set ${replaced}
where host_windows.covered_seconds <= excluded.covered_seconds`;

/** Writes windows of one host as rows. */
export class HostWindowStore {
  constructor(
    private readonly db: Queryable,
    private readonly hostId: string,
  ) {}

  async write(windows: readonly HostWindow[]): Promise<void> {
    const rows = JSON.stringify(windows.map((window) => this.rowOf(window)));
    await withPartitions(
      this.db,
      windows.map(({ startAtMs }) => startAtMs),
      () => this.db.query(upsert, [rows]),
    );
  }

  private rowOf(window: HostWindow): Record<string, unknown> {
    return {
      start_at: new Date(window.startAtMs).toISOString(),
      host_id: this.hostId,
      covered_seconds: window.coveredSeconds,
      cores: window.cores,
      cpu_seconds: window.cpuSeconds,
      memory_bytes: window.memoryBytes,
      memory_limit_bytes: window.memoryLimitBytes,
      read_bytes: window.readBytes,
      written_bytes: window.writtenBytes,
      read_operations: window.readOperations,
      write_operations: window.writeOperations,
      received_bytes: window.receivedBytes,
      sent_bytes: window.sentBytes,
      throttled_seconds: window.throttledSeconds,
      oom_kills: window.oomKills,
      cpu_stall_seconds: window.cpuStallSeconds,
      memory_stall_seconds: window.memoryStallSeconds,
      io_stall_seconds: window.ioStallSeconds,
      gpu_ratio: window.gpuRatio,
      gpu_memory_bytes: window.gpuMemoryBytes,
      gpu_memory_limit_bytes: window.gpuMemoryLimitBytes,
      reduced: window.reduced,
    };
  }
}
