import { describe, expect, it } from 'vitest';
import { deriveSplit, type SplitBasis } from './derive-split.js';

const active = 'rev_active';
const wanted = 'rev_wanted';
const earlier = 'rev_earlier';
const rollout = (status: string, fromRevisionId: string | null = active) => ({ rolloutId: 'rol_1', status, fromRevisionId, toRevisionId: wanted });
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
