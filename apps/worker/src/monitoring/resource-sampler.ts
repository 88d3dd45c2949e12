import { type ResourceRecorder, readProcessUsage, type SampledInstance } from '@slipway/metrics';

/** Measures every live instance and files the samples. An instance that ends while it is measured is left out. */
export class ResourceSampler {
  constructor(
    private readonly recorder: ResourceRecorder,
    private readonly liveInstances: () => readonly SampledInstance[],
  ) {}

  async sample(): Promise<void> {
    const instances = this.liveInstances();
    const usages = await Promise.all(instances.map(({ pid }) => readProcessUsage(pid)));
    instances.forEach((instance, index) => {
      const usage = usages[index];
      if (usage !== undefined) this.recorder.observe(instance, usage);
    });
    this.recorder.retain(new Set(instances.map(({ instanceId }) => instanceId)));
  }
}
