import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { createRegistry } from '../instruments/create-registry.js';
import type { ProcessUsage } from './process-usage.js';
import { ResourceRecorder } from './resource-recorder.js';
import type { SampledInstance } from './resource-window.js';

const start = 1_700_000_000_000;
const owner: SampledInstance = {
  instanceId: 'ins_1',
  projectId: 'prj_default',
  deploymentId: 'dep_1',
  deployment: 'fraud',
  revisionId: 'rev_1',
  revision: 1,
  versionNumber: 1,
  pid: 1,
};
const usage = (cpuSeconds: number, over: Partial<ProcessUsage> = {}): ProcessUsage => ({
  cpuSeconds,
  rssBytes: 1_000,
  readBytes: 0,
  writtenBytes: 0,
  readOperations: 0,
  writeOperations: 0,
  threads: 4,
  openFiles: 9,
  ageSeconds: 100,
  startedAt: 'a',
  reduced: false,
  ...over,
});

function setUp() {
  const clock = { ms: start };
  const registry = createRegistry('worker');
  return { clock, registry, recorder: new ResourceRecorder({ registry, now: () => clock.ms }) };
}
async function shown(registry: ReturnType<typeof createRegistry>, name: string): Promise<number | undefined> {
  const line = (await registry.metrics()).split('\n').find((row) => row.startsWith(`${name}{`));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

it('sums samples into windows and counters that survive a restart in place', async () => {
  const { clock, registry, recorder } = setUp();
  recorder.observe(owner, usage(50));
  for (const cpu of [51, 52]) {
    clock.ms += 2_000;
    recorder.observe(owner, usage(cpu));
  }
  clock.ms += 2_000;
  recorder.observe({ ...owner, pid: 2 }, usage(0.5, { startedAt: 'b', ageSeconds: 1, rssBytes: 3_000 }));
  recorder.retain(new Set(['ins_1']));
  expect(recorder.takeDirty()).toMatchObject([{ startAtMs: start, coveredSeconds: 5, cpuSeconds: 2.5, memoryBytes: 3_000 }]);
  expect(await shown(registry, 'slipway_model_cpu_seconds_total')).toBe(2.5);
  expect(await shown(registry, 'slipway_model_memory_bytes')).toBe(3_000);
});

it('starts a new window after ten seconds and writes each until it is acknowledged', () => {
  const { clock, recorder } = setUp();
  recorder.observe(owner, usage(1));
  clock.ms += 10_000;
  recorder.observe(owner, usage(2));
  const windows = recorder.takeDirty();
  expect(windows.map(({ startAtMs, cpuSeconds }) => [startAtMs - start, cpuSeconds])).toEqual([
    [0, 0],
    [10_000, 1],
  ]);
  recorder.acknowledge(windows);
  expect(recorder.takeDirty()).toEqual([]);
});

it('keeps the last window of an instance that is gone and lets its gauges go', async () => {
  const { registry, recorder } = setUp();
  recorder.observe(owner, usage(1));
  recorder.retain(new Set());
  expect(recorder.takeDirty()).toHaveLength(1);
  expect(await shown(registry, 'slipway_model_memory_bytes')).toBeUndefined();
  expect(await shown(registry, 'slipway_model_cpu_seconds_total')).toBe(0);
});

it.runIf(spawnSync('promtool', ['--version']).status === 0)('passes promtool', async () => {
  const { registry, recorder } = setUp();
  recorder.observe(owner, usage(1));
  recorder.retain(new Set(['ins_1']));
  const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await registry.metrics(), encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('counts throttling, kills for want of memory and limits', async () => {
  const { clock, registry, recorder } = setUp();
  const limited = { ...owner, memoryLimitBytes: 5_000 };
  recorder.observe(limited, usage(50));
  clock.ms += 2_000;
  recorder.observe(limited, usage(51), { throttled: { seconds: 0.5, periods: 4 }, gpuMemoryBytes: 70 });
  recorder.noteOomKill(limited);
  recorder.retain(new Set(['ins_1']));
  expect(recorder.takeDirty()).toMatchObject([
    { throttledSeconds: 0.5, throttledPeriods: 4, oomKills: 1, memoryLimitBytes: 5_000, gpuMemoryBytes: 70 },
  ]);
  expect(await shown(registry, 'slipway_model_throttled_seconds_total')).toBe(0.5);
  expect(await shown(registry, 'slipway_model_oom_kills_total')).toBe(1);
  expect(await shown(registry, 'slipway_model_memory_limit_bytes')).toBe(5_000);
  expect(await shown(registry, 'slipway_model_gpu_memory_bytes')).toBe(70);
});
