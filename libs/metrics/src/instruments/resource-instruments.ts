import { Counter, Gauge, type Registry } from 'prom-client';
import type { SampledInstance } from '../windows/resource-window.js';

/** What the instances of one revision used since this process watches them, and what they hold now. */
export interface ResourceTotals {
  readonly owner: SampledInstance;
  readonly exposed: boolean;
  cpuSeconds: number;
  readBytes: number;
  writtenBytes: number;
  readOperations: number;
  writeOperations: number;
  throttledSeconds: number;
  oomKills: number;
  rssBytes: number;
  memoryLimitBytes: number;
  gpuMemoryBytes: number;
  threads: number;
  openFiles: number;
  instances: number;
  /** When an instance of it last lived. */
  seenMs: number;
}

/** Time series that one revision takes. */
export const seriesPerModel = 12;

const ownerLabels = ['project', 'deployment', 'version', 'revision'];

/** Shows the recorder's totals on a registry; read when somebody scrapes. Each instance is a process, so attribution is exact. */
export function exposeResources(registry: Registry, totals: () => Iterable<ResourceTotals>): void {
  const shown = () => [...totals()].filter(({ exposed }) => exposed);
  const counter = (name: string, help: string, pick: (totals: ResourceTotals) => number) =>
    new Counter({
      name,
      help,
      labelNames: ownerLabels,
      registers: [registry],
      collect() {
        this.reset();
        for (const one of shown()) this.inc(labelsOf(one.owner), pick(one));
      },
    });
  const gauge = (name: string, help: string, pick: (totals: ResourceTotals) => number | undefined, extra: Record<string, string> = {}) =>
    new Gauge({
      name,
      help,
      labelNames: [...ownerLabels, ...Object.keys(extra)],
      registers: [registry],
      collect() {
        this.reset();
        for (const one of shown()) {
          const value = one.instances > 0 ? pick(one) : undefined;
          if (value !== undefined) this.inc({ ...labelsOf(one.owner), ...extra }, value);
        }
      },
    });
  counter('slipway_model_cpu_seconds_total', 'Processor time of the instances.', (one) => one.cpuSeconds);
  counter('slipway_model_disk_read_bytes_total', 'Bytes the instances read from storage.', (one) => one.readBytes);
  counter('slipway_model_disk_written_bytes_total', 'Bytes the instances wrote to storage.', (one) => one.writtenBytes);
  counter('slipway_model_disk_reads_total', 'Read system calls of the instances.', (one) => one.readOperations);
  counter('slipway_model_disk_writes_total', 'Write system calls of the instances.', (one) => one.writeOperations);
  counter(
    'slipway_model_throttled_seconds_total',
    'Time that a quota kept processors away from the instances; what is under one quota shares it evenly.',
    (one) => one.throttledSeconds,
  );
  counter('slipway_model_oom_kills_total', 'Instances that were ended for want of memory.', (one) => one.oomKills);
  gauge('slipway_model_memory_bytes', 'Memory of the instances.', (one) => one.rssBytes, { kind: 'rss' });
  gauge(
    'slipway_model_memory_limit_bytes',
    'Memory that ends an instance which needs more, summed over the instances.',
    (one) => one.memoryLimitBytes,
  );
  gauge('slipway_model_gpu_memory_bytes', 'GPU memory of the instances, where the driver tells.', (one) =>
    one.gpuMemoryBytes === 0 ? undefined : one.gpuMemoryBytes,
  );
  gauge('slipway_model_threads', 'Threads of the instances.', (one) => one.threads);
  gauge('slipway_model_open_files', 'Open file descriptors of the instances.', (one) => one.openFiles);
}

function labelsOf(owner: SampledInstance): Record<string, string> {
  return { project: owner.projectId, deployment: owner.deployment, version: String(owner.versionNumber), revision: String(owner.revision) };
}
