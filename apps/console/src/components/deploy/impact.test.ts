import { Monitoring, type RevisionView, type Signature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { activeRevision, compareSignatures, rollbackTargets } from './impact';

function revision(number: number, activatedAt: string | null): RevisionView {
  return {
    id: `rev_${number}`,
    revision: number,
    version: number,
    versionId: `ver_${number}`,
    digest: 'd',
    replicas: 1,
    spec: {
      intraOpThreads: 1,
      executionProviders: ['cpu'],
      maxQueue: 1,
      keepWarmSeconds: 1,
      recordPredictions: true,
      batching: { mode: 'auto' },
      monitoring: Monitoring.parse({}),
    },
    reason: null,
    createdAt: '2026-01-01T00:00:00Z',
    createdBy: 'key:ci',
    activatedAt,
    retiredAt: null,
    warm: false,
    weightPercent: 0,
  };
}

const served = {
  split: [{ revision: 3, version: 3, weightPercent: 100 }],
  revisions: [revision(1, '2026-01-01T00:00:00Z'), revision(2, '2026-01-03T00:00:00Z'), revision(3, '2026-01-04T00:00:00Z'), revision(4, null)],
};

describe('rollback targets', () => {
  it('offers what served before, latest first, and never a revision that did not serve', () => {
    expect(activeRevision(served)?.revision).toBe(3);
    expect(rollbackTargets(served).map((each) => each.revision)).toEqual([2, 1]);
  });

  it('does not lead back to what was just left', () => {
    const back = { ...served, split: [{ revision: 2, version: 2, weightPercent: 100 }] };
    expect(rollbackTargets(back).map((each) => each.revision)).toEqual([1, 3]);
  });

  it('has nowhere to go from a first revision', () => {
    expect(rollbackTargets({ split: [{ revision: 1, version: 1, weightPercent: 100 }], revisions: [revision(1, '2026-01-01T00:00:00Z')] })).toEqual(
      [],
    );
  });
});

describe('compareSignatures', () => {
  const base: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 30] }], outputs: [{ name: 'y', datatype: 'INT64', shape: [-1] }] };

  it('tells same from different and names what callers notice', () => {
    expect(compareSignatures(base, structuredClone(base))).toEqual({ kind: 'same' });
    expect(
      compareSignatures(base, {
        ...base,
        inputs: [
          { name: 'x', datatype: 'FP64', shape: [-1, 31] },
          { name: 'z', datatype: 'FP32', shape: [1] },
        ],
      }),
    ).toEqual({
      kind: 'different',
      notes: ['input "x": FP32 [-1, 30] becomes FP64 [-1, 31]', 'input "z" is new'],
    });
    expect(compareSignatures(base, { ...base, outputs: [] })).toEqual({ kind: 'different', notes: ['output "y" goes away'] });
    expect(compareSignatures(base, null)).toEqual({ kind: 'unknown' });
  });
});
