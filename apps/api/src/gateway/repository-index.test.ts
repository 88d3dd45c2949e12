import { describe, expect, it } from 'vitest';
import { repositoryIndex } from './repository-index.js';
import { type DeploymentSketch, deploymentOf } from './testing/deployment-rows.js';

function indexed(sketch: DeploymentSketch, ...ready: readonly number[]) {
  const name = sketch.name ?? 'fraud';
  return { current: deploymentOf(sketch), isReady: (revisionId: string) => ready.some((number) => revisionId === `rev_${name}_${number}`) };
}

const revisions = [
  { number: 1, instances: 1 },
  { number: 2, instances: 1 },
];

describe('repositoryIndex', () => {
  it.each([
    {
      name: 'tells ready from loading',
      deployment: indexed({ revisions }, 1),
      entries: [
        { version: '1', state: 'READY', reason: '' },
        { version: '2', state: 'LOADING', reason: 'its instances are starting' },
      ],
    },
    {
      name: 'says why nothing serves',
      deployment: indexed({ statusReason: 'the first rollout was aborted: it does not load', revisions: [{ number: 1 }] }),
      entries: [{ version: '1', state: 'UNAVAILABLE', reason: 'the first rollout was aborted: it does not load' }],
    },
    {
      name: 'tells what is on its way out from what is gone',
      deployment: indexed({ suspended: true, revisions: [{ number: 1, instances: 1 }, { number: 2 }] }, 1),
      entries: [
        { version: '1', state: 'UNLOADING', reason: 'it is suspended and its last instances are ending' },
        { version: '2', state: 'UNAVAILABLE', reason: 'it is suspended' },
      ],
    },
    {
      name: 'shows a version by the best of its revisions',
      deployment: indexed(
        {
          revisions: [
            { number: 1, version: 7, instances: 1 },
            { number: 2, version: 7, instances: 1 },
          ],
        },
        1,
      ),
      entries: [{ version: '7', state: 'READY', reason: '' }],
    },
    {
      name: 'knows nothing of a deployment without revisions',
      deployment: indexed({ revisions: [] }),
      entries: [{ state: 'UNKNOWN', reason: 'nothing is known of any revision yet' }],
    },
  ])('$name', ({ deployment, entries }) => {
    expect(repositoryIndex([deployment], false)).toEqual(entries.map((entry) => ({ name: 'fraud', ...entry })));
  });

  it('leaves out what cannot answer when asked to', () => {
    const deployments = [indexed({ revisions }, 2), indexed({ name: 'churn' })];
    expect(repositoryIndex(deployments, true)).toEqual([{ name: 'fraud', version: '2', state: 'READY', reason: '' }]);
  });
});
