import { describe, expect, it } from 'vitest';
import { affordableRuns } from './affordable-trials.js';
import { measureLatencies } from './measure-latencies.js';

const signature = { inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1, 4] }], outputs: [] };

describe('measureLatencies', () => {
  it('measures each size of a quick model with that many rows', () => {
    const shapes: (readonly number[])[] = [];
    const latencies = measureLatencies((inputs) => shapes.push(inputs[0]?.shape ?? []), signature, { oneRowMs: 0.01, rowsIndependent: true });
    expect(latencies.map((one) => one.rows)).toEqual([1, 2, 4, 8, 16, 32]);
    expect(new Set(shapes.map((shape) => shape[0]))).toEqual(new Set([1, 2, 4, 8, 16, 32]));
    expect(latencies.every((one) => one.medianMs >= 0)).toBe(true);
  });

  it('joins no rows that must not be joined', () => {
    expect(measureLatencies(() => undefined, signature, { oneRowMs: 0.01, rowsIndependent: false }).map((one) => one.rows)).toEqual([1]);
  });

  it('measures nothing of a model that takes seconds', () => {
    let runs = 0;
    expect(measureLatencies(() => (runs += 1), signature, { oneRowMs: 3_000, rowsIndependent: true })).toEqual([]);
    expect(runs).toBe(0);
  });

  it('leaves out sizes whose inputs would be large', () => {
    const wide = { inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1, 512 * 1024] }], outputs: [] };
    expect(measureLatencies(() => undefined, wide, { oneRowMs: 0.01, rowsIndependent: true }).map((one) => one.rows)).toEqual([1, 2]);
  });
});

it.each([
  { name: 'all runs of a quick model', previousMs: 1, spentMs: 0, runs: 5 },
  { name: 'fewer of a slower one', previousMs: 125, spentMs: 0, runs: 4 },
  { name: 'none when three do not fit', previousMs: 200, spentMs: 0, runs: 0 },
  { name: 'none when the time is up', previousMs: 1, spentMs: 1_000, runs: 0 },
])('affords $name', ({ previousMs, spentMs, runs }) => {
  expect(affordableRuns(previousMs, spentMs, 100)).toBe(runs);
});
