import type { ServedRequest } from '@slipway/metrics';
import { describe, expect, it } from 'vitest';
import { ModelStatistics, maxBatchSizes } from './model-statistics.js';
import { type DeploymentSketch, deploymentOf, snapshotOf } from './testing/deployment-rows.js';

const now = 1_790_000_000_000;

function served(over: Partial<ServedRequest> = {}): ServedRequest {
  return {
    projectId: 'prj_1',
    deploymentId: 'dep_fraud',
    deployment: 'fraud',
    revisionId: 'rev_fraud_1',
    revision: 1,
    versionNumber: 1,
    role: 'stable',
    outcome: 'success',
    durationSeconds: 0.004,
    queueSeconds: 0.001,
    computeSeconds: 0.002,
    rows: 2,
    requestBytes: 10,
    responseBytes: 10,
    ...over,
  };
}

function counting(...sketches: readonly DeploymentSketch[]): ModelStatistics {
  const statistics = new ModelStatistics(() => now);
  statistics.retain(snapshotOf(...sketches));
  return statistics;
}

describe('ModelStatistics', () => {
  it('counts requests, rows, runs and whole nanoseconds', () => {
    const statistics = counting({});
    statistics.record(served({ decodeSeconds: 0.0005, encodeSeconds: 0.00025 }));
    statistics.record(served({ rows: 1, outcome: 'nan_output' }));
    const none = { count: 0, ns: 0 };
    expect(statistics.of(deploymentOf())).toEqual([
      {
        name: 'fraud',
        version: '1',
        last_inference: now,
        inference_count: 3,
        execution_count: 2,
        inference_stats: {
          success: { count: 2, ns: 8_000_000 },
          fail: none,
          queue: { count: 2, ns: 2_000_000 },
          compute_input: { count: 2, ns: 500_000 },
          compute_infer: { count: 2, ns: 4_000_000 },
          compute_output: { count: 2, ns: 250_000 },
          cache_hit: none,
          cache_miss: none,
        },
        response_stats: {},
        batch_stats: [
          { batch_size: 1, compute_input: { count: 1, ns: 0 }, compute_infer: { count: 1, ns: 2_000_000 }, compute_output: { count: 1, ns: 0 } },
          {
            batch_size: 2,
            compute_input: { count: 1, ns: 500_000 },
            compute_infer: { count: 1, ns: 2_000_000 },
            compute_output: { count: 1, ns: 250_000 },
          },
        ],
        memory_usage: [],
      },
    ]);
  });

  it('counts a joined run once, under the size of the whole run', () => {
    const statistics = counting({});
    statistics.record(served({ batchRows: 6, runs: 1 }));
    statistics.record(served({ batchRows: 6, runs: 0 }));
    statistics.record(served({ batchRows: 6, runs: 0 }));
    const [entry] = statistics.of(deploymentOf());
    expect(entry).toMatchObject({ inference_count: 6, execution_count: 1, inference_stats: { compute_infer: { count: 3 } } });
    expect(entry?.batch_stats).toMatchObject([{ batch_size: 6, compute_infer: { count: 1, ns: 2_000_000 } }]);
  });

  it('counts what was not answered as failed, and runs, rows and the time of the last answer without it', () => {
    const statistics = counting({});
    for (const outcome of ['runtime_error', 'rejected_queue_full', 'cancelled'] as const) statistics.record(served({ outcome, rows: 0 }));
    expect(statistics.of(deploymentOf())).toMatchObject([
      { last_inference: 0, inference_count: 0, execution_count: 0, inference_stats: { success: { count: 0 }, fail: { count: 3, ns: 12_000_000 } } },
    ]);
  });

  it('lists every version of the snapshot, also those that answered nothing, in order', () => {
    const sketch = { revisions: [{ number: 1 }, { number: 2, version: 12 }, { number: 3, version: 3 }] };
    const statistics = counting(sketch);
    const deployment = deploymentOf(sketch);
    expect(statistics.of(deployment).map((entry) => entry.version)).toEqual(['1', '3', '12']);
    expect(statistics.of(deployment, 12)).toHaveLength(1);
    expect(statistics.of(deployment, 2)).toEqual([]);
  });

  it('goes on over revisions of the same version, and over snapshots', () => {
    const statistics = counting({});
    statistics.record(served());
    statistics.retain(snapshotOf({ serves: 2, revisions: [{ number: 2, version: 1 }] }));
    statistics.record(served({ revisionId: 'rev_fraud_2', revision: 2 }));
    expect(statistics.of(deploymentOf())).toMatchObject([{ version: '1', inference_count: 4 }]);
  });

  it('forgets versions and deployments that left the snapshot, and what comes late for them', () => {
    const statistics = counting({ revisions: [{ number: 1 }, { number: 2 }] }, { name: 'churn' });
    statistics.record(served());
    statistics.record(served({ revisionId: 'rev_fraud_2' }));
    statistics.retain(snapshotOf({ revisions: [{ number: 2 }] }));
    statistics.record(served());
    expect(statistics.of(deploymentOf()).map((entry) => [entry.version, entry.inference_count])).toEqual([['2', 2]]);
    expect(statistics.of(deploymentOf({ name: 'churn' }))).toEqual([]);
  });

  it('counts nothing for a request that reached no revision', () => {
    const statistics = counting({});
    statistics.record(served({ revisionId: '', versionNumber: 0, outcome: 'unavailable' }));
    expect(statistics.of(deploymentOf())).toMatchObject([{ inference_stats: { fail: { count: 0 } } }]);
  });

  it('keeps the list of sizes short, and loses no run over it', () => {
    const statistics = counting({});
    const sizes = 5 * maxBatchSizes;
    for (let rows = 1; rows <= sizes; rows += 1) statistics.record(served({ rows }));
    const [entry] = statistics.of(deploymentOf());
    expect(entry?.batch_stats.length).toBeLessThanOrEqual(maxBatchSizes + 53);
    expect(entry?.batch_stats.reduce((sum, { compute_infer }) => sum + compute_infer.count, 0)).toBe(sizes);
  });

  it('never goes backwards, also above 2^53 nanoseconds', () => {
    const statistics = counting({});
    let before = 0;
    for (let at = 0; at < 10; at += 1) {
      statistics.record(served({ durationSeconds: 2 ** 20 }));
      statistics.record(served({ durationSeconds: 1e-6 }));
      const ns = statistics.of(deploymentOf())[0]?.inference_stats.success.ns ?? 0;
      expect(ns).toBeGreaterThan(before);
      before = ns;
    }
    expect(before).toBeGreaterThan(2 ** 53);
    expect(JSON.stringify(before)).toMatch(/^\d+$/);
  });
});
