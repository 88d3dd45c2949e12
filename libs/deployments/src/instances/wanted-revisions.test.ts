import { RolloutPlan } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { instance, noon, revision, rollout, secondsAgo, state } from '../testing/build-state.js';
import { wantedRevisions } from './wanted-revisions.js';

type Given = Parameters<typeof state>[0];
const wanted = (given: Given) =>
  wantedRevisions(state({ active: 'r1', revisions: [revision(1), revision(2)], instances: [instance('a', 'r1')], ...given }), noon).map(
    ({ revision: { number, replicas }, role }) => `${role} ${number} × ${replicas}`,
  );
const soon = new Date(noon.getTime() + 1_000);
const walking = (given: Parameters<typeof rollout>[1] = {}) => rollout('r2', { fromRevisionId: 'r1', ...given });

describe('wantedRevisions', () => {
  it.each<{ name: string; given: Given; expected: readonly string[] }>([
    { name: 'the candidate from the time on that it is warmed up', given: { rollout: walking() }, expected: ['active 1 × 1', 'candidate 2 × 1'] },
    { name: 'no candidate before its time', given: { rollout: walking({ phase: 'validating' }) }, expected: ['active 1 × 1'] },
    { name: 'a paused candidate', given: { rollout: walking({ status: 'PAUSED', wish: 'pause' }) }, expected: ['active 1 × 1', 'candidate 2 × 1'] },
    { name: 'no candidate that somebody wants aborted', given: { rollout: walking({ wish: 'abort' }) }, expected: ['active 1 × 1'] },
    { name: 'no candidate of an aborted rollout', given: { rollout: walking({ status: 'ABORTED' }) }, expected: ['active 1 × 1'] },
    {
      name: 'one of an aborted rollout for as long as that may be undone',
      given: { rollout: walking({ status: 'ABORTED', undoUntil: soon }) },
      expected: ['active 1 × 1', 'warm 2 × 1'],
    },
    {
      name: 'none any more when that time is over',
      given: { rollout: walking({ status: 'ABORTED', undoUntil: noon }) },
      expected: ['active 1 × 1'],
    },
    {
      name: 'the old one after a promotion, for as long as that may be undone',
      given: {
        active: 'r2',
        rollout: walking({ status: 'COMPLETED', undoUntil: soon }),
        revisions: [revision(1, { keepWarmSeconds: 0, retiredAt: secondsAgo(5) }), revision(2)],
        instances: [instance('b', 'r2')],
      },
      expected: ['active 2 × 1', 'warm 1 × 1'],
    },
    {
      name: 'shadows, whatever else happens',
      given: { shadows: [{ id: 's1', revisionId: 'r2', samplePercent: 5 }] },
      expected: ['active 1 × 1', 'shadow 2 × 1'],
    },
  ])('wants $name', ({ given, expected }) => {
    expect(wanted(given)).toEqual(expected);
  });

  it.each([
    { weightPercent: 0, expected: ['active 1 × 4', 'candidate 2 × 2'] },
    { weightPercent: 40, expected: ['active 1 × 3', 'candidate 2 × 4'] },
    { weightPercent: 80, expected: ['active 1 × 1', 'candidate 2 × 5'] },
  ])('wants the replicas of a rolling update at $weightPercent %', ({ weightPercent, expected }) => {
    const plan = RolloutPlan.parse({ strategy: 'rolling', batchReplicas: 2 });
    const given = {
      rollout: walking({ strategy: 'rolling', plan, weightPercent }),
      revisions: [revision(1, { replicas: 4 }), revision(2, { replicas: 5 })],
    };
    expect(wanted(given)).toEqual(expected);
  });

  it('wants all replicas of a rolling update that a person has promoted, so that the word can be kept', () => {
    const plan = RolloutPlan.parse({ strategy: 'rolling' });
    const given = {
      rollout: walking({ strategy: 'rolling', plan, weightPercent: 20, promoteNow: true }),
      revisions: [revision(1, { replicas: 5 }), revision(2, { replicas: 5 })],
    };
    expect(wanted(given)).toEqual(['active 1 × 4', 'candidate 2 × 5']);
  });

  it('gives the old revision all of its replicas back when a rolling update is taken back', () => {
    const plan = RolloutPlan.parse({ strategy: 'rolling' });
    const given = {
      rollout: walking({ strategy: 'rolling', plan, weightPercent: 50, status: 'ABORTED' as const }),
      revisions: [revision(1, { replicas: 4 }), revision(2, { replicas: 4 })],
    };
    expect(wanted(given)).toEqual(['active 1 × 4']);
  });

  it('keeps one replica of the old revision warm after a rolling update', () => {
    const plan = RolloutPlan.parse({ strategy: 'rolling' });
    const given = {
      active: 'r2',
      rollout: walking({ strategy: 'rolling', plan, status: 'COMPLETED' as const, undoUntil: soon }),
      revisions: [revision(1, { replicas: 4, retiredAt: secondsAgo(1) }), revision(2, { replicas: 4 })],
      instances: [instance('b', 'r2')],
    };
    expect(wanted(given)).toEqual(['active 2 × 4', 'warm 1 × 1']);
  });
});
