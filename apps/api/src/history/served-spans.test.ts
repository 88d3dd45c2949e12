import type { PlacedChange } from '@slipway/platform';
import { expect, it } from 'vitest';
import { revisionSpans, splitSpans } from './served-spans.js';

const second = (at: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, at));
let sequence = 0;
/** A change of a row; those of one second are of one transaction. */
function change(atSecond: number, kind: string, id: string, after: Record<string, unknown>): PlacedChange {
  sequence += 1;
  return { sequence, position: atSecond, event: atSecond, transaction: String(atSecond), at: second(atSecond), kind, id, after: { id, ...after } };
}
const revision = (atSecond: number, id: string, number: number) =>
  change(atSecond, 'revision', id, {
    deploymentId: 'dep',
    number,
    versionId: `ver_${number}`,
    replicas: 1,
    spec: { keepWarmSeconds: 600 },
    reason: null,
    createdBy: 'key:a',
    createdAt: '2026-11-22T11:00:00',
    activatedAt: null,
    retiredAt: null,
  });
const deployment = (atSecond: number, epoch: number, active: string | null, more: object = {}) =>
  change(atSecond, 'deployment', 'dep', {
    name: 'fraud',
    modelId: 'mdl',
    epoch,
    wishKind: 'DEPLOY',
    desiredRevisionId: 'rev_2',
    activeRevisionId: active,
    suspended: false,
    deletedAt: null,
    ...more,
  });
const rollout = (atSecond: number, weightPercent: number, status = 'PROGRESSING') =>
  change(atSecond, 'rollout', 'rol', {
    deploymentId: 'dep',
    epoch: 2,
    fromRevisionId: 'rev_1',
    toRevisionId: 'rev_2',
    status,
    wish: null,
    weightPercent,
    shadowPercent: 0,
  });

const walk = () => [
  deployment(0, 1, null),
  revision(0, 'rev_1', 1),
  deployment(5, 1, 'rev_1'),
  revision(10, 'rev_2', 2),
  deployment(10, 2, 'rev_1'),
  rollout(10, 0),
  rollout(20, 10),
  rollout(30, 50),
  deployment(40, 2, 'rev_2'),
  rollout(40, 100, 'COMPLETED'),
  deployment(50, 3, 'rev_2', { deletedAt: '2026-11-22T12:00:50' }),
];

it('tells what each moment was split into, and who began it', () => {
  const spans = splitSpans('dep', walk()).map(({ from, to, shares, event }) => [
    from.getUTCSeconds(),
    to?.getUTCSeconds(),
    shares.map((share) => `${share.revisionId} ${share.weightPercent}`).join(', '),
    event,
  ]);
  expect(spans).toEqual([
    [5, 20, 'rev_1 100', 5],
    [20, 30, 'rev_2 10, rev_1 90', 20],
    [30, 40, 'rev_2 50, rev_1 50', 30],
    [40, 50, 'rev_2 100', 40],
  ]);
});

it('does not depend on the order in which the rows were read', () => {
  expect(splitSpans('dep', walk().reverse())).toHaveLength(4);
});

it('joins what did not change for a revision, and leaves the gaps', () => {
  const share = (revisionId: string, weightPercent: number) => ({ revisionId, weightPercent });
  const spans = revisionSpans([
    { from: second(0), to: second(5), shares: [share('a', 90), share('b', 10)], event: 1 },
    { from: second(5), to: second(9), shares: [share('a', 90), share('c', 10)], event: 2 },
    { from: second(20), to: undefined, shares: [share('a', 90), share('b', 10)], event: 3 },
  ]);
  expect(spans.map((span) => [span.revisionId, span.from.getUTCSeconds(), span.to?.getUTCSeconds(), span.event])).toEqual([
    ['a', 0, 9, 1],
    ['b', 0, 5, 1],
    ['c', 5, 9, 2],
    ['a', 20, undefined, 3],
    ['b', 20, undefined, 3],
  ]);
});
