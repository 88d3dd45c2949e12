import { createRegistry } from '@slipway/metrics';
import { expect, it } from 'vitest';
import { SpoolCounts } from './spool-counts.js';

it('adds up what instances leave out and lose, through a restart, and what lies on disk now', async () => {
  const registry = createRegistry('test');
  const counts = new SpoolCounts(registry);
  const told = (pid: number, recordsSampledOut: number, recordsDropped: number, spoolBytes: number) => ({
    instanceId: 'ins_1',
    pid,
    pong: { recordsSampledOut, recordsDropped, spoolBytes },
  });
  counts.observe([told(1, 5, 1, 100), { ...told(9, 1, 0, 10), instanceId: 'ins_2' }]);
  counts.observe([told(1, 7, 1, 100), { instanceId: 'ins_3', pid: 3, pong: undefined }]);
  counts.observe([told(2, 3, 2, 50)]);
  const text = await registry.metrics();
  const numberOf = (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'm').exec(text)?.[1]);
  expect(numberOf('slipway_records_sampled_out_total')).toBe(5 + 1 + 2 + 3);
  expect(numberOf('slipway_records_lost_total')).toBe(1 + 2);
  expect(numberOf('slipway_records_waiting_bytes')).toBe(50);
});
