import { expect, it } from 'vitest';
import { instance, revision, rollout, state } from '../testing/build-state.js';
import { servingRevision } from './deployment-state.js';

const both = { active: 'r2', revisions: [revision(1), revision(2), revision(3)], instances: [instance('a', 'r1'), instance('b', 'r2')] };

it.each<{ name: string; given: Parameters<typeof state>[0]; serves: number | undefined }>([
  { name: 'the active revision', given: both, serves: 2 },
  { name: 'the target of a rollback once it is warm', given: { ...both, wish: { kind: 'ROLLBACK', desiredRevisionId: 'r1' } }, serves: 1 },
  {
    name: 'the active revision while the target of a rollback is cold',
    given: { ...both, wish: { kind: 'ROLLBACK', desiredRevisionId: 'r3' } },
    serves: 2,
  },
  { name: 'what a rollout of this epoch started from', given: { ...both, rollout: rollout('r3', { fromRevisionId: 'r1' }) }, serves: 1 },
  {
    name: 'nothing that a rollout of an older epoch started from',
    given: { ...both, wish: { epoch: 2 }, rollout: rollout('r3', { fromRevisionId: 'r1' }) },
    serves: 2,
  },
  { name: 'nothing while suspended', given: { ...both, wish: { suspended: true } }, serves: undefined },
  { name: 'nothing before the first revision is ready', given: { revisions: [revision(1)], rollout: rollout('r1') }, serves: undefined },
])('serves $name', ({ given, serves }) => {
  expect(servingRevision(state(given))?.number).toBe(serves);
});
