import { spawnSync } from 'node:child_process';
import { outcomes } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { ServingRecorder } from '../windows/serving-recorder.js';
import { createRegistry } from './create-registry.js';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

it('says which build runs', async () => {
  expect(await createRegistry('api').metrics()).toContain(`slipway_build_info{process="api",version="0.1.0",node="${process.version}"} 1`);
});

it.runIf(hasPromtool)('passes promtool', async () => {
  const registry = createRegistry('api');
  const recorder = new ServingRecorder({ registry });
  for (const outcome of outcomes) {
    recorder.record({
      projectId: 'prj_default',
      deploymentId: 'dep_1',
      deployment: 'a "name" with \\ and\nnewline',
      revisionId: 'rev_1',
      revision: 1,
      versionNumber: 1,
      role: 'stable',
      outcome,
      durationSeconds: 0.2,
      rows: 1,
      requestBytes: 1,
      responseBytes: 1,
    });
  }
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await registry.metrics(), encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
