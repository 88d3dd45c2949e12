import { describe, expect, it } from 'vitest';
import { buildSnapshot } from './snapshot.js';
import { parseRoutingRows } from './snapshot.store.js';
import { rolloutRow, routingRows } from './testing/routing-rows.js';

const ready = [{ ready: true }];

describe('buildSnapshot', () => {
  it('finds a deployment by project and exact name', () => {
    const { projects } = buildSnapshot(routingRows({}));
    expect(projects.get('prj_1')?.get('fraud')?.deploymentId).toBe('dep_1');
    expect(projects.get('prj_1')?.get('Fraud')).toBeUndefined();
    expect(projects.get('prj_2')).toBeUndefined();
  });

  it('puts the active revision at 100 %', () => {
    const deployment = buildSnapshot(routingRows({})).projects.get('prj_1')?.get('fraud');
    expect(deployment?.split).toEqual([{ revisionId: 'rev_1', weightPercent: 100 }]);
  });

  it('moves the traffic to a warm rollback target by the wish alone', () => {
    const revisions = [
      { number: 1, instances: ready },
      { number: 2, instances: ready },
    ];
    const wish = { wishKind: 'ROLLBACK', desiredRevisionId: 'rev_1', activeRevisionId: 'rev_2' };
    const deployment = buildSnapshot(routingRows({ revisions, deployment: wish }))
      .projects.get('prj_1')
      ?.get('fraud');
    expect(deployment?.split).toEqual([{ revisionId: 'rev_1', weightPercent: 100 }]);
    expect(deployment?.splitSalt).toBe('rev_1');
  });

  it('does not roll back to an instance that is not ready', () => {
    const revisions = [
      { number: 1, instances: [{ ready: false }] },
      { number: 2, instances: ready },
    ];
    const wish = { wishKind: 'ROLLBACK', desiredRevisionId: 'rev_1', activeRevisionId: 'rev_2' };
    const deployment = buildSnapshot(routingRows({ revisions, deployment: wish }))
      .projects.get('prj_1')
      ?.get('fraud');
    expect(deployment?.split).toEqual([{ revisionId: 'rev_2', weightPercent: 100 }]);
  });

  it('lists revisions newest first', () => {
    const rows = routingRows({ revisions: [{ number: 1 }, { number: 12 }, { number: 3 }] });
    const deployment = buildSnapshot(rows).projects.get('prj_1')?.get('fraud');
    expect(deployment?.revisions.map((revision) => revision.number)).toEqual([12, 3, 1]);
  });

  it('leaves a revision out of the split that it has no row of', () => {
    const deployment = buildSnapshot(routingRows({ revisions: [] }))
      .projects.get('prj_1')
      ?.get('fraud');
    expect(deployment?.split).toEqual([]);
  });

  describe('of a rollout', () => {
    const revisions = [
      { number: 1, instances: ready },
      { number: 2, instances: ready },
    ];
    const build = (rollout: Parameters<typeof rolloutRow>[0], more = {}) =>
      buildSnapshot(routingRows({ revisions, deployment: { rollout: rolloutRow(rollout), ...more } }))
        .projects.get('prj_1')
        ?.get('fraud');

    it('draws the split by the id of the rollout', () => {
      const deployment = build({ weightPercent: 5 });
      expect(deployment?.split.map((share) => share.revisionId)).toEqual(['rev_2', 'rev_1']);
      expect(deployment?.splitSalt).toBe('rol_1');
    });

    it('describes it, with the defaults of a plan that does not state them', () => {
      expect(build({ weightPercent: 5, stage: 2 })?.rollout).toEqual({
        rolloutId: 'rol_1',
        stage: 2,
        fromRevisionId: 'rev_1',
        toRevisionId: 'rev_2',
        weightPercent: 5,
        shadowPercent: 0,
        comparisonsPerSecond: 50,
        topK: 5,
        fastLane: { crashes: 2, consecutiveErrors: 10, hardErrorShare: 0.5, hardMinRequests: 20 },
      });
    });

    it.each([
      { name: 'aborted', rollout: { status: 'ABORTED' }, more: {} },
      { name: 'to be aborted', rollout: { wish: 'abort' }, more: {} },
      { name: 'of a suspended deployment', rollout: {}, more: { suspended: true } },
      { name: 'overtaken by a rollback', rollout: {}, more: { wishKind: 'ROLLBACK' } },
    ])('says nothing of one that is $name', ({ rollout, more }) => {
      const deployment = build({ weightPercent: 5, shadowPercent: 5, ...rollout }, more);
      expect(deployment?.rollout).toBeUndefined();
      expect(deployment?.shadows).toEqual([]);
    });

    it('lists who gets copies: its candidate and the shadows beside it, as far as they are known', () => {
      const shadows = [
        { shadowId: 'sha_1', revisionId: 'rev_2', samplePercent: 10 },
        { shadowId: 'sha_2', revisionId: 'rev_9', samplePercent: 10 },
      ];
      expect(build({ shadowPercent: 50, stage: 1 }, { shadows })?.shadows).toEqual([
        { subjectId: 'rol_1', stage: 1, revisionId: 'rev_2', samplePercent: 50 },
        { subjectId: 'sha_1', stage: 0, revisionId: 'rev_2', samplePercent: 10 },
      ]);
    });
  });

  it('cannot be changed, neither itself nor through the rows it was built from', () => {
    const rows = routingRows({});
    const deployment = buildSnapshot(rows).projects.get('prj_1')?.get('fraud');
    const instance = rows.instances[0];
    if (deployment === undefined || instance === undefined) throw new Error('nothing to test');
    instance.address = 'unix:/elsewhere';
    rows.revisions[0]?.signature?.inputs.pop();
    expect(deployment.revisions[0]?.instances[0]?.address).toBe('unix:/nowhere/1-0.sock');
    expect(deployment.revisions[0]?.signature?.inputs).toHaveLength(1);
    for (const part of [deployment, deployment.split, deployment.split[0], deployment.revisions, deployment.revisions[0]?.instances[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe('parseRoutingRows', () => {
  it('reads back what a gateway saved, and ignores fields of a newer release', () => {
    const rows = routingRows({});
    expect(parseRoutingRows(JSON.stringify({ ...rows, later: 1 }))).toEqual(rows);
  });

  it.each(['', '{}', '{"deployments":[{}],"revisions":[],"instances":[]}'])('refuses %j', (text) => {
    expect(() => parseRoutingRows(text)).toThrow();
  });
});
