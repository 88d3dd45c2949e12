import { describe, expect, it } from 'vitest';
import { buildSnapshot } from './snapshot.js';
import { parseRoutingRows } from './snapshot.store.js';
import { routingRows } from './testing/routing-rows.js';

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
