import { EvidenceRecorder } from '@slipway/metrics';
import { waitFor } from '@slipway/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRefusal, readFacts } from '../request-facts.js';
import { CopyDesk, copiesMax, copyBytesMax } from './copy-desk.js';
import { EjectionReporter } from './ejection-reporter.js';
import { RequestCopy } from './request-copy.js';

const facts = readFacts({}, 'prd_1', false);
if (isRefusal(facts)) throw new Error(facts.message);
const known = facts;

let desk: CopyDesk;
beforeEach(() => {
  desk = new CopyDesk(new EvidenceRecorder(), () => undefined);
});
afterEach(() => desk.close());

function copyOf(bytes: number): RequestCopy {
  return new RequestCopy(desk, { facts: known, contentKind: 'http', body: Buffer.alloc(bytes), modelName: 'fraud' }, () => {
    throw new Error('a copy that was given up tells nothing');
  });
}

describe('CopyDesk', () => {
  it('gives the oldest copies up at the bound of their number', () => {
    for (let at = 0; at <= copiesMax; at += 1) expect(desk.admit(copyOf(1))).toBe(true);
    expect([desk.size, desk.heldBytes, desk.counts.dropped]).toEqual([copiesMax, copiesMax, 1]);
  });

  it('gives them up at the bound of their bytes', () => {
    desk.admit(copyOf(copyBytesMax / 2));
    desk.admit(copyOf(copyBytesMax / 2));
    desk.admit(copyOf(1));
    expect([desk.size, desk.heldBytes, desk.counts.dropped]).toEqual([2, copyBytesMax / 2 + 1, 1]);
  });

  it('does not take one that is too large by itself', () => {
    desk.admit(copyOf(1));
    const large = copyOf(copyBytesMax + 1);
    expect(desk.admit(large)).toBe(false);
    large.giveUp();
    expect([desk.size, desk.counts.dropped]).toEqual([1, 1]);
  });

  it('forgets a copy that nobody takes', () => {
    const copy = copyOf(5);
    desk.admit(copy);
    copy.refuse();
    copy.giveUp();
    expect([desk.size, desk.heldBytes, desk.counts.dropped]).toEqual([0, 0, 1]);
  });
});

describe('EjectionReporter', () => {
  it('reports again until it is written, once per rollout', async () => {
    const told: string[] = [];
    let failures = 2;
    const reporter = new EjectionReporter((rolloutId, { at }) => {
      if (failures-- > 0) return Promise.reject(new Error('the database is away'));
      told.push(`${rolloutId} ${at instanceof Date}`);
      return Promise.resolve();
    }, 1);
    const fault = { cause: 'CANDIDATE_CRASHED', detail: 'twice' } as const;
    reporter.add('rol_1', fault);
    reporter.add('rol_1', fault);
    expect(reporter.waiting).toBe(1);
    await waitFor(() => reporter.waiting === 0, { what: 'the report' });
    expect(told).toEqual(['rol_1 true']);
    await reporter.close();
  });
});
