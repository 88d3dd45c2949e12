import { expect, it } from 'vitest';
import { type FailedRequest, FailureSampler, samplesPerMinute } from './failure-sampler.js';
import { PendingRows } from './pending-rows.js';

const failed = (over: Partial<FailedRequest> = {}): FailedRequest => ({
  predictionId: 'prd_1',
  projectId: 'p',
  deploymentId: 'd',
  revisionId: 'r',
  versionNumber: 1,
  reason: 'runtime_error',
  code: 'MODEL_RUN_FAILED',
  message: 'the run failed',
  ...over,
});

it('keeps the first few of a minute, deployment and reason', () => {
  let now = 1_700_000_000_000;
  const sampler = new FailureSampler(() => now);
  for (let at = 0; at < 100; at += 1) sampler.offer(failed({ predictionId: `prd_${at}` }));
  expect(sampler.takeDirty().map(({ predictionId }) => predictionId)).toEqual(['prd_0', 'prd_1', 'prd_2', 'prd_3', 'prd_4']);
  sampler.offer(failed({ reason: 'nan_output', code: undefined, message: undefined }));
  sampler.offer(failed({ deploymentId: 'other' }));
  now += 60_000;
  sampler.offer(failed());
  expect(sampler.takeDirty()).toHaveLength(samplesPerMinute + 3);
  expect(sampler.takeDirty()[samplesPerMinute]).toMatchObject({ reason: 'nan_output', code: null, message: null });
});

it('keeps no message that may repeat an input, and cuts the others', () => {
  const sampler = new FailureSampler();
  sampler.offer(failed({ reason: 'invalid_input', code: 'INFER_INVALID', message: 'expected a number, given "Jane Doe"' }));
  sampler.offer(failed({ message: `a\0${'x'.repeat(1_000)}` }));
  const [first, second] = sampler.takeDirty();
  expect([first?.code, first?.message]).toEqual(['INFER_INVALID', null]);
  expect(second?.message?.length).toBe(400);
  expect(second?.message).not.toContain('\0');
});

it('holds so many rows while nobody takes them, and counts what it drops', () => {
  let dropped = 0;
  const rows = new PendingRows<{ n: number }>(3, (count) => {
    dropped += count;
  });
  for (let n = 0; n < 5; n += 1) rows.add({ n });
  const held = rows.takeDirty();
  expect([held.map(({ n }) => n), dropped]).toEqual([[2, 3, 4], 2]);
  rows.add({ n: 5 });
  rows.acknowledge(held);
  expect(rows.takeDirty().map(({ n }) => n)).toEqual([5]);
});
