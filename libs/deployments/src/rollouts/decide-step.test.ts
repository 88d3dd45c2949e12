import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instance, noon, rollout, secondsAgo } from '../testing/build-state.js';
import { decideStep, type RolloutObservation } from './decide-step.js';
import type { Rollout } from './rollout.js';

const deployment = { epoch: 1, suspended: false, deleted: false };
const ready = (id: string) => instance(id, 'r2');
const failed = (id: string, reason = 'no memory') =>
  instance(id, 'r2', { status: 'FAILED', reason, createdAt: secondsAgo(30), updatedAt: secondsAgo(20) });
const seen = (given: Partial<RolloutObservation> = {}): RolloutObservation => ({
  deployment,
  replicas: 2,
  unplacedReason: undefined,
  instances: [],
  ...given,
});

describe('decideStep', () => {
  it.each<{ name: string; rollout?: Partial<Rollout>; seen?: Partial<RolloutObservation>; expected: object }>([
    { name: 'waits while nothing is ready', expected: { kind: 'wait' } },
    { name: 'waits while one of two is ready', seen: { instances: [ready('a')] }, expected: { kind: 'wait' } },
    { name: 'completes when all wanted replicas are ready', seen: { instances: [ready('a'), ready('b')] }, expected: { kind: 'complete' } },
    {
      name: 'does not count an instance that is asked to stop',
      seen: { instances: [ready('a'), instance('b', 'r2', { wish: 'STOP' })] },
      expected: { kind: 'wait' },
    },
    { name: 'waits after two failures', seen: { instances: [failed('a'), failed('b')] }, expected: { kind: 'wait' } },
    {
      name: 'aborts after three failures with the reason of the last one',
      seen: { instances: [failed('a'), failed('b'), { ...failed('c', 'bad opset'), updatedAt: secondsAgo(1) }] },
      expected: { kind: 'abort', cause: 'CANDIDATE_FAILED', detail: expect.stringContaining('bad opset') },
    },
    {
      name: 'does not blame it for failures of an earlier attempt',
      seen: { instances: ['a', 'b', 'c'].map((id) => ({ ...failed(id), createdAt: secondsAgo(500) })) },
      expected: { kind: 'wait' },
    },
    {
      name: 'completes in spite of failures once enough are ready',
      seen: { instances: [failed('a'), failed('b'), failed('c'), ready('d'), ready('e')] },
      expected: { kind: 'complete' },
    },
    { name: 'waits until its time is over', rollout: { startedAt: secondsAgo(299) }, expected: { kind: 'wait', retryInMs: 1_000 } },
    {
      name: 'aborts when its time is over, though nearly there',
      rollout: { startedAt: secondsAgo(300) },
      seen: { instances: [ready('a')] },
      expected: { kind: 'abort', cause: 'TIMED_OUT', detail: '1 of 2 instances became ready within 300 s' },
    },
    {
      name: 'says then what was missing',
      rollout: { startedAt: secondsAgo(300) },
      seen: { unplacedReason: 'no host has room' },
      expected: { kind: 'abort', cause: 'TIMED_OUT', detail: '0 of 2 instances became ready within 300 s: no host has room' },
    },
    {
      name: 'aborts on request, though ready',
      rollout: { wish: 'abort' },
      seen: { instances: [ready('a'), ready('b')] },
      expected: { kind: 'abort', cause: 'ABORT_REQUESTED' },
    },
    { name: 'gives way to a newer wish', rollout: { wish: 'supersede' }, expected: { kind: 'abort', cause: 'SUPERSEDED' } },
    {
      name: 'gives way to a newer epoch, though ready',
      seen: { deployment: { ...deployment, epoch: 2 }, instances: [ready('a'), ready('b')] },
      expected: { kind: 'abort', cause: 'SUPERSEDED' },
    },
    { name: 'ends with its deployment', seen: { deployment: { ...deployment, deleted: true } }, expected: { kind: 'abort', cause: 'SUPERSEDED' } },
    {
      name: 'ends when its deployment is suspended',
      seen: { deployment: { ...deployment, suspended: true } },
      expected: { kind: 'abort', cause: 'SUPERSEDED' },
    },
  ])('$name', (row) => {
    expect(decideStep(rollout('r2', row.rollout), seen(row.seen), noon)).toEqual(expect.objectContaining(row.expected));
  });

  it('never completes for another epoch, with a wish to end, or with fewer ready than wanted', () => {
    const status = fc.constantFrom('ASSIGNED', 'LOADING', 'READY', 'DRAINING', 'FAILED', 'GONE' as const);
    const instances = fc.array(fc.record({ status, wish: fc.constantFrom('RUN', 'STOP' as const) }), { maxLength: 8 });
    const wish = fc.option(fc.constantFrom('abort', 'supersede' as const), { nil: undefined });
    fc.assert(
      fc.property(
        instances,
        wish,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 900 }),
        (rows, wished, epoch, replicas, age) => {
          const observation = seen({
            deployment: { ...deployment, epoch },
            replicas,
            instances: rows.map((row, at) => instance(`i${at}`, 'r2', row as object)),
          });
          const decision = decideStep(rollout('r2', { wish: wished, startedAt: secondsAgo(age) }), observation, noon);
          const readyCount = rows.filter((row) => row.status === 'READY' && row.wish === 'RUN').length;
          if (decision.kind === 'complete')
            expect({ epoch, wished, enough: readyCount >= replicas }).toEqual({ epoch: 1, wished: undefined, enough: true });
          if (age >= 300) expect(decision.kind).not.toBe('wait');
        },
      ),
    );
  });
});
