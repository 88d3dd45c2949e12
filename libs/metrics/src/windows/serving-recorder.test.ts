import { outcomes } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { createRegistry } from '../instruments/create-registry.js';
import { SeriesBudget } from '../instruments/series-budget.js';
import { seriesPerRevision } from '../instruments/serving-instruments.js';
import { maxPendingMs, ServingRecorder, windowMs } from './serving-recorder.js';
import type { ServedRequest } from './serving-window.js';

const start = 1_700_000_000_000;

function request(over: Partial<ServedRequest> = {}): ServedRequest {
  return {
    projectId: 'prj_default',
    deploymentId: 'dep_1',
    deployment: 'fraud',
    revisionId: 'rev_1',
    revision: 1,
    versionNumber: 3,
    role: 'stable',
    outcome: 'success',
    durationSeconds: 0.004,
    queueSeconds: 0.001,
    computeSeconds: 0.002,
    rows: 2,
    requestBytes: 100,
    responseBytes: 50,
    ...over,
  };
}

function recorder(limit?: number) {
  const clock = { ms: start };
  const registry = createRegistry('test');
  const budget = new SeriesBudget(registry, limit);
  return { clock, registry, recorder: new ServingRecorder({ registry, budget, now: () => clock.ms }) };
}

async function shown(registry: ReturnType<typeof createRegistry>, name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const text = await registry.metrics();
  const line = text
    .split('\n')
    .find((row) => row.startsWith(name) && Object.entries(labels).every(([key, value]) => row.includes(`${key}="${value}"`)));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

it('counts requests into windows and totals', async () => {
  const { clock, registry, recorder: serving } = recorder();
  serving.record(request());
  serving.record(request({ outcome: 'runtime_error' }));
  clock.ms += windowMs;
  serving.record(request());
  const windows = serving.takeDirty();
  expect(windows.map(({ startAtMs, sums }) => [startAtMs, sums.requests, sums.rows])).toEqual([
    [start, 2, 4],
    [start + windowMs, 1, 2],
  ]);
  expect(await shown(registry, 'slipway_inference_requests_total{', { outcome: 'success', revision: '1', version: '3' })).toBe(2);
  expect(await shown(registry, 'slipway_inference_failures_total{', { reason: 'runtime_error' })).toBe(1);
  expect(await shown(registry, 'slipway_inference_request_duration_seconds_count')).toBe(3);
  expect(await shown(registry, 'slipway_inference_request_duration_seconds_sum')).toBeCloseTo(0.012, 12);
  expect(await shown(registry, 'slipway_inference_request_duration_seconds_bucket', { le: '0.005' })).toBe(3);
  expect(await shown(registry, 'slipway_inference_request_duration_seconds_bucket', { le: '0.0025' })).toBe(0);
});

it('keeps refusals out of the latency, so that they cannot flatter it', async () => {
  const { registry, recorder: serving } = recorder();
  serving.record(request({ durationSeconds: 1 }));
  for (let at = 0; at < 99; at += 1)
    serving.record(request({ outcome: at % 2 === 0 ? 'rejected_queue_full' : 'invalid_input', durationSeconds: 1e-5 }));
  expect(await shown(registry, 'slipway_inference_request_duration_seconds_count')).toBe(1);
});

it('writes an open window again only when it changed, and a closed one until it is acknowledged', () => {
  const { clock, recorder: serving } = recorder();
  serving.record(request());
  const first = serving.takeDirty();
  serving.record(request());
  serving.acknowledge(first);
  const second = serving.takeDirty();
  expect(second.map(({ sums }) => sums.requests)).toEqual([2]);
  serving.acknowledge(second);
  expect(serving.takeDirty()).toEqual([]);
  clock.ms += windowMs;
  const closed = serving.takeDirty();
  expect(closed).toHaveLength(1);
  expect(serving.takeDirty()).toHaveLength(1);
  serving.acknowledge(closed);
  expect(serving.takeDirty()).toEqual([]);
});

it('does not change a window that is being written', () => {
  const { recorder: serving } = recorder();
  serving.record(request());
  const [window] = serving.takeDirty();
  serving.record(request());
  expect(window?.sums.requests).toBe(1);
});

it('keeps windows for an hour without the database, then gives up the oldest and counts them', async () => {
  const { clock, registry, recorder: serving } = recorder();
  const hour = maxPendingMs / windowMs;
  for (let at = 0; at < hour + 10; at += 1) {
    serving.record(request());
    clock.ms += windowMs;
  }
  const kept = serving.takeDirty();
  expect(kept).toHaveLength(hour);
  expect(kept[0]?.startAtMs).toBe(start + 10 * windowMs);
  expect(await shown(registry, 'slipway_serving_windows_dropped_total')).toBe(10);
  expect(await shown(registry, 'slipway_inference_requests_total{')).toBe(hour + 10);
});

it('keeps counting into the open window when the clock goes back', () => {
  const { clock, recorder: serving } = recorder();
  clock.ms += windowMs;
  serving.record(request());
  clock.ms -= 5 * windowMs;
  serving.record(request());
  expect(serving.takeDirty().map(({ startAtMs, sums }) => [startAtMs, sums.requests])).toEqual([[start + windowMs, 2]]);
});

it('leaves series over the cap out of the metrics, but not out of the windows', async () => {
  const { registry, recorder: serving } = recorder(2 * seriesPerRevision);
  for (let at = 0; at < 5; at += 1) serving.record(request({ revisionId: `rev_${at}`, revision: at }));
  expect(serving.takeDirty()).toHaveLength(5);
  const text = await registry.metrics();
  expect(text.match(/^slipway_inference_rows_total\{/gm)).toHaveLength(2);
  expect(await shown(registry, 'slipway_metrics_dropped_series_total')).toBe(3 * seriesPerRevision);
});

it('never takes more series than it announced', async () => {
  const { registry, recorder: serving } = recorder();
  for (const outcome of outcomes) serving.record(request({ outcome }));
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('slipway_inference_'));
  expect(lines.length).toBeLessThanOrEqual(seriesPerRevision);
});

it('adds up a deployment that was deleted and made again under its name', async () => {
  const { registry, recorder: serving } = recorder();
  serving.record(request());
  serving.record(request({ deploymentId: 'dep_2', revisionId: 'rev_2' }));
  const text = await registry.metrics();
  expect(text.match(/^slipway_inference_request_duration_seconds_count/gm)).toHaveLength(1);
  expect(await shown(registry, 'slipway_inference_request_duration_seconds_count')).toBe(2);
});

it('counts requests for which no revision could be picked under their deployment', () => {
  const { recorder: serving } = recorder();
  serving.record(request({ revisionId: '', revision: 0, outcome: 'unavailable' }));
  serving.record(request({ revisionId: '', revision: 0, outcome: 'unavailable', deploymentId: 'dep_2' }));
  expect(serving.takeDirty().map(({ owner, sums }) => [owner.deploymentId, sums.requests])).toEqual([
    ['dep_1', 1],
    ['dep_2', 1],
  ]);
});
