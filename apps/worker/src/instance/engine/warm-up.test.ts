import type { Signature } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { describe, expect, it } from 'vitest';
import { warmUp } from './warm-up.js';

const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
};

/** Busy for some µs, as a run of the runtime is. */
function spin(micros: number): void {
  const until = performance.now() + micros / 1e3;
  while (performance.now() < until);
}

const rowsOf = (inputs: readonly Tensor[]): number => inputs[0]?.shape[0] ?? 0;

describe('warmUp', () => {
  it('runs one row and no more for a model that is not joined', () => {
    const seen: number[] = [];
    const costs = warmUp((inputs) => void seen.push(rowsOf(inputs)), { signature, maxRows: 1 });
    expect(new Set(seen)).toEqual(new Set([1]));
    expect(costs.map(({ rows }) => rows)).toEqual([1]);
  });

  it('warms every size up to the maximum when more rows pay', () => {
    const costs = warmUp(() => spin(1_000), { signature, maxRows: 12 });
    expect(costs.map(({ rows }) => rows)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    for (const { micros } of costs) expect(micros).toBeGreaterThanOrEqual(1_000);
  });

  it('stops where more rows gain nothing', () => {
    const costs = warmUp((inputs) => spin(2_000 * rowsOf(inputs)), { signature, maxRows: 64 });
    expect(costs.at(-1)?.rows).toBe(2);
  });

  it('takes a model that refuses generated inputs', () => {
    const refuse = () => {
      throw new Error('out of range');
    };
    expect(warmUp(refuse, { signature, maxRows: 64 })).toEqual([]);
  });
});
