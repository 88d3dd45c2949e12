import { describe, expect, it } from 'vitest';
import { deriveSplit, type SplitBasis, type TrialBasis } from './derive-split.js';

const active = 'rev_active';
const wanted = 'rev_wanted';
const earlier = 'rev_earlier';
const rollout = (status: string, fromRevisionId: string | null = active, given: Partial<TrialBasis> = {}) => ({
  rolloutId: 'rol_1',
  status,
  wish: null,
  fromRevisionId,
  toRevisionId: wanted,
  weightPercent: 0,
  shadowPercent: 0,
  ...given,
});
const basis = (change: Partial<SplitBasis>): SplitBasis => ({
  suspended: false,
  wishKind: 'DEPLOY',
  desiredRevisionId: wanted,
  activeRevisionId: active,
  rollout: null,
  ...change,
});

const cases: readonly { name: string; change: Partial<SplitBasis>; warm: readonly string[]; serves: string | undefined }[] = [
  { name: 'serves nothing before the first revision is ready', change: { activeRevisionId: null }, warm: [], serves: undefined },
  { name: 'waits for the rollout even when the first revision is warm', change: { activeRevisionId: null }, warm: [wanted], serves: undefined },
  { name: 'keeps the active revision while the next one is not ready', change: { rollout: rollout('PROGRESSING') }, warm: [active], serves: active },
  { name: 'keeps it while the rollout has not completed', change: { rollout: rollout('PROGRESSING') }, warm: [active, wanted], serves: active },
  { name: 'keeps it when the rollout is held', change: { rollout: rollout('HELD') }, warm: [active, wanted], serves: active },
  { name: 'keeps it when the rollout was aborted', change: { rollout: rollout('ABORTED') }, warm: [active, wanted], serves: active },
  {
    name: 'follows the fact when the rollout completed',
    change: { activeRevisionId: wanted, rollout: rollout('COMPLETED') },
    warm: [active, wanted],
    serves: wanted,
  },
  { name: 'follows the fact even when the active revision has no instance', change: {}, warm: [], serves: active },
  { name: 'rolls back at once to a warm revision', change: { wishKind: 'ROLLBACK' }, warm: [active, wanted], serves: wanted },
  { name: 'rolls back at once although the active revision is cold', change: { wishKind: 'ROLLBACK' }, warm: [wanted], serves: wanted },
  { name: 'stays while the target of a rollback is cold', change: { wishKind: 'ROLLBACK' }, warm: [active], serves: active },
  {
    name: 'rolls back in the middle of a rollout',
    change: { wishKind: 'ROLLBACK', rollout: rollout('PROGRESSING') },
    warm: [active, wanted],
    serves: wanted,
  },
  {
    name: 'rolls back to a target when nothing was active',
    change: { wishKind: 'ROLLBACK', activeRevisionId: null },
    warm: [wanted],
    serves: wanted,
  },
  {
    name: 'does not return to a revision that was rolled back when a deploy follows before any worker saw the rollback',
    change: { rollout: rollout('PROGRESSING', earlier) },
    warm: [active, earlier],
    serves: earlier,
  },
  {
    name: 'falls back to the active revision when the one the rollout started from is cold',
    change: { rollout: rollout('PROGRESSING', earlier) },
    warm: [active],
    serves: active,
  },
  { name: 'ignores a rollout without a start', change: { rollout: rollout('PROGRESSING', null) }, warm: [active], serves: active },
  { name: 'serves nothing while suspended', change: { suspended: true }, warm: [active, wanted], serves: undefined },
  { name: 'serves nothing while suspended, rollback or not', change: { suspended: true, wishKind: 'ROLLBACK' }, warm: [wanted], serves: undefined },
  { name: 'has nothing to go to without a target', change: { wishKind: 'ROLLBACK', desiredRevisionId: null }, warm: [active], serves: active },
];

describe('deriveSplit', () => {
  it.each(cases)('$name', ({ change, warm, serves }) => {
    const split = deriveSplit(basis(change), (revisionId) => warm.includes(revisionId));
    expect(split).toEqual(serves === undefined ? [] : [{ revisionId: serves, weightPercent: 100 }]);
  });
});

describe('deriveSplit of a rollout under way', () => {
  const both = [active, wanted];
  const candidate = (weightPercent: number) => [
    { revisionId: wanted, weightPercent },
    { revisionId: active, weightPercent: 100 - weightPercent },
  ];
  const all = (revisionId: string) => [{ revisionId, weightPercent: 100 }];
  const under = (given: Partial<TrialBasis>, status = 'PROGRESSING') => rollout(status, active, { weightPercent: 5, ...given });

  it.each([
    { name: 'gives the candidate its share, and names it first', row: under({}), warm: both, split: candidate(5) },
    { name: 'keeps it while the rollout is paused', row: under({ wish: 'pause' }, 'PAUSED'), warm: both, split: candidate(5) },
    { name: 'keeps it while the rollout is held', row: under({}, 'HELD'), warm: both, split: candidate(5) },
    { name: 'takes fractions of a percent', row: under({ weightPercent: 0.1 }), warm: both, split: candidate(0.1) },
    { name: 'gives the candidate everything at 100 %', row: under({ weightPercent: 100 }), warm: both, split: all(wanted) },
    { name: 'takes the candidate back by the wish to abort alone', row: under({ wish: 'abort' }), warm: both, split: all(active) },
    { name: 'takes it back when a newer wish supersedes it', row: under({ wish: 'supersede' }), warm: both, split: all(active) },
    { name: 'takes it back when the rollout was aborted', row: under({}, 'ABORTED'), warm: both, split: all(active) },
    { name: 'gives nothing to a candidate without a ready instance', row: under({}), warm: [active], split: all(active) },
    {
      name: 'gives nothing to a candidate that only gets copies',
      row: under({ weightPercent: 0, shadowPercent: 50 }),
      warm: both,
      split: all(active),
    },
    { name: 'does not split a revision with itself', row: under({ toRevisionId: active }), warm: both, split: all(active) },
  ])('$name', ({ row, warm, split }) => {
    expect(deriveSplit(basis({ rollout: row }), (revisionId) => warm.includes(revisionId))).toEqual(split);
  });

  it('gives nothing to a candidate while a rollback is wished, whose target is cold', () => {
    const wish = { wishKind: 'ROLLBACK', desiredRevisionId: earlier, rollout: under({}) };
    expect(deriveSplit(basis(wish), (revisionId) => both.includes(revisionId))).toEqual(all(active));
  });
});
