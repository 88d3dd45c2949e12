import type { EventView } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { markersOf } from './markers-of';

function event(at: string, action: string, after: unknown): EventView {
  return {
    sequence: 1,
    id: 'evt',
    at,
    actor: 'key:ci',
    action,
    subjectKind: 'deployment',
    subjectId: 'dep',
    subjectName: 'd',
    reason: null,
    before: null,
    after,
    requestId: null,
  };
}

it('marks every rollout and rollback that the log knows, and activations it has forgotten, once each', () => {
  const revisions = [
    { revision: 1, version: 1, activatedAt: '2026-01-01T00:00:00.000Z' },
    { revision: 2, version: 7, activatedAt: '2026-01-02T00:00:01.000Z' },
    { revision: 3, version: 8, activatedAt: null },
  ];
  const events = [
    event('2026-01-03T00:00:00.000Z', 'deployment.rolled_back', { revision: 1, version: 1 }),
    event('2026-01-02T00:00:00.000Z', 'rollout.completed', { from: 1, to: 2 }),
    event('2026-01-02T00:00:00.000Z', 'deployment.status_changed', null),
  ];
  expect(markersOf(revisions, events).map(({ label, kind }) => `${kind} ${label}`)).toEqual(['deploy v1', 'deploy v7', 'rollback back to v1']);
});
