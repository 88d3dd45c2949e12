import { expect, it } from 'vitest';
import { instance, noon, revision, rollout, state } from '../testing/build-state.js';
import { deriveStatus } from './derive-status.js';

const two = [revision(1, { replicas: 2 })];

it.each<{ name: string; given: Parameters<typeof state>[0]; silent?: string[]; expected: object }>([
  {
    name: 'is being created while its first revision loads',
    given: { revisions: two, rollout: rollout('r1') },
    expected: { status: 'CREATING', reason: undefined },
  },
  {
    name: 'says why creating takes longer',
    given: { revisions: two, rollout: rollout('r1'), instances: [instance('a', 'r1', { status: 'FAILED', reason: 'bad opset' })] },
    expected: { status: 'CREATING', reason: 'bad opset' },
  },
  {
    name: 'is unavailable when its first rollout was aborted',
    given: { revisions: two, rollout: rollout('r1', { status: 'ABORTED', causeDetail: '3 instances failed' }) },
    expected: { status: 'UNAVAILABLE', reason: expect.stringContaining('3 instances failed') },
  },
  {
    name: 'is ready with all replicas',
    given: { active: 'r1', revisions: two, instances: [instance('a', 'r1'), instance('b', 'r1')] },
    expected: { status: 'READY', reason: undefined },
  },
  {
    name: 'is degraded with some of them',
    given: {
      active: 'r1',
      revisions: two,
      instances: [instance('a', 'r1'), instance('b', 'r1', { status: 'LOADING', reason: 'it was ended by SIGKILL' })],
    },
    expected: { status: 'DEGRADED', reason: '1 of 2 instances of revision 1 are ready: it was ended by SIGKILL' },
  },
  {
    name: 'says why some of them could not be placed',
    given: { active: 'r1', revisions: [revision(1, { replicas: 2, unplacedReason: 'no host has room' })], instances: [instance('a', 'r1')] },
    expected: { status: 'DEGRADED', reason: '1 of 2 instances of revision 1 are ready: no host has room' },
  },
  {
    name: 'says so before the first one, too',
    given: { revisions: [revision(1, { unplacedReason: 'no host has room' })], rollout: rollout('r1') },
    expected: { status: 'CREATING', reason: 'no host has room' },
  },
  {
    name: 'is unavailable with none',
    given: { active: 'r1', revisions: two },
    expected: { status: 'UNAVAILABLE', reason: 'no instance of revision 1 is ready' },
  },
  {
    name: 'is degraded when the host of a ready instance is silent',
    given: { active: 'r1', revisions: two, instances: [instance('a', 'r1'), instance('b', 'r1')] },
    silent: ['h1'],
    expected: { status: 'DEGRADED', reason: expect.stringContaining('one') },
  },
  { name: 'is suspended', given: { active: 'r1', wish: { suspended: true }, revisions: two }, expected: { status: 'SUSPENDED' } },
  {
    name: 'is being deleted, whatever else',
    given: { active: 'r1', wish: { suspended: true, deletedAt: noon }, revisions: two },
    expected: { status: 'DELETING' },
  },
  {
    name: 'is judged by the revision a rollback went to',
    given: {
      active: 'r2',
      wish: { kind: 'ROLLBACK', desiredRevisionId: 'r1' },
      revisions: [revision(1), revision(2)],
      instances: [instance('a', 'r1')],
    },
    expected: { status: 'READY' },
  },
])('$name', ({ given, silent = [], expected }) => {
  expect(deriveStatus(state(given), new Set(silent))).toEqual(expect.objectContaining(expected));
});
