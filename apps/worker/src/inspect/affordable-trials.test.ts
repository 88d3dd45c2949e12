import { describe, expect, it } from 'vitest';
import { affordableTrials, timedRuns } from './affordable-trials.js';

/** The time that validation leaves for runs; see `inspectModel`. */
const runLimitMs = 10_000;
const rowRuns = 4;

describe('affordableTrials', () => {
  it('tries a quick model with everything', () => {
    expect(affordableTrials(1)).toEqual({ timing: true, rows: true });
  });

  it('takes the first run of a slow model as its measure', () => {
    expect(affordableTrials(800)).toEqual({ timing: false, rows: true });
  });

  it('runs a very slow model once', () => {
    expect(affordableTrials(9_000)).toEqual({ timing: false, rows: false });
  });

  it.each([10, 499, 501, 1_499, 1_501, 9_999])('never lets a model whose run takes %i ms pass the limit', (firstRunMs) => {
    const { timing, rows } = affordableTrials(firstRunMs);
    const runs = 1 + (timing ? timedRuns : 0) + (rows ? rowRuns : 0);
    expect(runs * firstRunMs).toBeLessThan(runLimitMs);
  });
});
