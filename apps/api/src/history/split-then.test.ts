import { describe, expect, it } from 'vitest';
import { type DeploymentThen, type RevisionThen, type RolloutThen, splitThen } from './split-then.js';

const at = new Date('2026-11-22T12:00:00Z');
const ago = (seconds: number) => new Date(at.getTime() - seconds * 1000);
const revision = (id: string, change: Partial<RevisionThen> = {}): RevisionThen => ({
  id,
  deploymentId: 'dep',
  number: 1,
  versionId: 'ver',
  replicas: 1,
  spec: { keepWarmSeconds: 600 },
  reason: null,
  createdBy: 'key:a',
  createdAt: ago(9_000),
  activatedAt: ago(8_000),
  retiredAt: null,
  ...change,
});
const deployment: DeploymentThen = {
  id: 'dep',
  name: 'fraud',
  modelId: 'mdl',
  epoch: 4,
  wishKind: 'DEPLOY',
  desiredRevisionId: 'new',
  activeRevisionId: 'old',
  suspended: false,
  deletedAt: null,
};
const rollout: RolloutThen = {
  id: 'rol',
  deploymentId: 'dep',
  epoch: 4,
  fromRevisionId: 'old',
  toRevisionId: 'new',
  status: 'PROGRESSING',
  wish: null,
  weightPercent: 10,
  shadowPercent: 0,
};

describe('splitThen', () => {
  it.each<[string, Partial<DeploymentThen>, Partial<RolloutThen> | undefined, Partial<RevisionThen>, [string, number][]]>([
    [
      'shares out while a rollout walks',
      {},
      {},
      {},
      [
        ['new', 10],
        ['old', 90],
      ],
    ],
    ['keeps stable whole while the candidate warms', {}, { weightPercent: 0 }, {}, [['old', 100]]],
    ['gives the candidate all in its last step', {}, { weightPercent: 100 }, {}, [['new', 100]]],
    ['takes the candidate back on the wish alone', {}, { wish: 'abort' }, {}, [['old', 100]]],
    ['takes it back when aborted', {}, { status: 'ABORTED' }, {}, [['old', 100]]],
    ['follows the fact when completed', { activeRevisionId: 'new' }, { status: 'COMPLETED' }, {}, [['new', 100]]],
    ['does not count a rollout of an older epoch', {}, { epoch: 3 }, {}, [['old', 100]]],
    ['serves nothing before the first revision was through', { activeRevisionId: null }, { fromRevisionId: null, weightPercent: 0 }, {}, []],
    ['serves nothing when suspended', { suspended: true }, {}, {}, []],
    ['serves nothing when deleted', { deletedAt: at }, {}, {}, []],
    [
      'goes back to a warm revision with the wish',
      { wishKind: 'ROLLBACK', activeRevisionId: 'other' },
      undefined,
      { retiredAt: ago(60) },
      [['new', 100]],
    ],
    ['goes back to a cold one with the fact', { wishKind: 'ROLLBACK' }, undefined, { retiredAt: ago(700) }, [['old', 100]]],
    ['goes back to one that never served with the fact', { wishKind: 'ROLLBACK' }, undefined, { activatedAt: null }, [['old', 100]]],
  ])('%s', (_name, ofDeployment, ofRollout, ofNew, expected) => {
    const revisions = new Map([revision('old'), revision('new', ofNew)].map((each) => [each.id, each]));
    const rollouts = ofRollout === undefined ? [] : [{ ...rollout, ...ofRollout }];
    const split = splitThen({ deployment: { ...deployment, ...ofDeployment }, rollouts, revisions, at });
    expect(split.map((share) => [share.revisionId, share.weightPercent])).toEqual(expected);
  });
});
