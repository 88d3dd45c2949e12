import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { SeriesBudget } from '../instruments/series-budget.js';
import { exposeNoise } from './noise-instruments.js';
import { NoiseRecorder } from './noise-recorder.js';
import { noTotals, totalsOf } from './noise-totals.js';

const owner = { projectId: 'prj_default', deploymentId: 'dep_1', deployment: 'fraud', version: 3, otherVersion: 0 };
const measured = (relative: number) => totalsOf({ variance: 1, relative, labels: 0, flips: 0 });

it('shows the noise of the running hour by probe, within the budget of series', async () => {
  let now = 0;
  const registry = new Registry();
  const recorder = new NoiseRecorder(() => now);
  exposeNoise(registry, recorder, new SeriesBudget(registry, 2));
  recorder.count({ ...owner, probe: 'repeat' }, measured(0));
  recorder.count({ ...owner, probe: 'jitter' }, { failed: 1, runs: 16 });
  for (const source of ['ins_1.1', 'ins_2.1'])
    recorder.set({ owner: { ...owner, probe: 'natural' }, startAtMs: 0, source, totals: { ...noTotals(), ...measured(0.1) } });
  recorder.count({ ...owner, probe: 'version', otherVersion: 2 }, measured(0.2));
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('slipway_prediction_noise_ratio{'));
  const [first = '', second = '', ...others] = await lines();
  expect(first).toBe('slipway_prediction_noise_ratio{project="prj_default",deployment="fraud",version="3",probe="repeat"} 0');
  // Both instances are one series; the one over the budget is left out.
  expect(second).toContain('probe="natural"');
  expect(Number(second.split(' ')[1])).toBeCloseTo(0.087, 2);
  expect(others).toEqual([]);
  expect(await lines()).toHaveLength(2);
  now = 3_600_000;
  expect(await lines()).toEqual([]);
});
