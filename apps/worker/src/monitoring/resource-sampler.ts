import { availableParallelism } from 'node:os';
import {
  type GpuUsage,
  type HostRecorder,
  type ResourceRecorder,
  readGpuUsage,
  readHostUsage,
  readProcessUsage,
  type SampledInstance,
} from '@slipway/metrics';
import { readContainerMemory } from './container-memory.js';
import { CpuQuotas } from './cpu-quotas.js';

/** Asking the driver of GPUs starts a program, so it is asked once per window; where there was none, now and then. */
const gpuEveryMs = 10_000;
const noGpuEveryMs = 600_000;

/** Measures every live instance, and the host around them, and files the samples. An instance that ends while it is measured is left out. */
export class ResourceSampler {
  private readonly quotas = new CpuQuotas();
  private gpu: GpuUsage | undefined;
  private gpuDueMs = 0;

  constructor(
    private readonly recorder: ResourceRecorder,
    private readonly host: HostRecorder,
    private readonly liveInstances: () => readonly SampledInstance[],
  ) {}

  async sample(): Promise<void> {
    const instances = this.liveInstances();
    const [usages, lost] = await Promise.all([
      Promise.all(instances.map(({ pid }) => readProcessUsage(pid))),
      this.quotas.lost([...instances.map(({ pid }) => pid), 'self']),
      this.askGpus(),
    ]);
    instances.forEach((instance, index) => {
      const usage = usages[index];
      if (usage !== undefined)
        this.recorder.observe(instance, usage, { throttled: lost[index] ?? null, gpuMemoryBytes: this.gpuMemoryOf(instance.pid) });
    });
    this.recorder.retain(new Set(instances.map(({ instanceId }) => instanceId)));
    await this.sampleHost(lost);
  }

  /** What all under our quotas lost together is what the host's part that is ours lost. */
  private async sampleHost(lost: readonly ({ readonly seconds: number } | null)[]): Promise<void> {
    const usage = await readHostUsage();
    const container = await readContainerMemory(usage.memoryLimitBytes);
    const known = lost.filter((one) => one !== null);
    const throttledSeconds = known.length === 0 ? null : known.reduce((sum, { seconds }) => sum + seconds, 0);
    // A container may have fewer processors than the machine.
    const cores = Math.min(usage.cores, availableParallelism());
    this.host.observe({ ...usage, ...container, cores, throttledSeconds, gpu: this.gpu });
  }

  private async askGpus(): Promise<void> {
    if (performance.now() < this.gpuDueMs) return;
    this.gpu = await readGpuUsage();
    this.gpuDueMs = performance.now() + (this.gpu === undefined ? noGpuEveryMs : gpuEveryMs);
  }

  /** Null where the driver tells nothing of processes; in a container it may know them by other numbers. */
  private gpuMemoryOf(pid: number): number | null {
    if (this.gpu === undefined || this.gpu.byProcess.size === 0) return null;
    return this.gpu.byProcess.get(pid) ?? 0;
  }
}
