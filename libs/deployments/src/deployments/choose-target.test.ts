import { Batching, type DeploymentView, type RevisionView, type Task } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { chooseTarget, requestRows } from './choose-target.js';

const batching = Batching.parse({});
const revision = (number: number, version: number, change: Partial<RevisionView> = {}) =>
  ({ revision: number, version, warm: false, weightPercent: 0, spec: { batching }, ...change }) as RevisionView;
const loading = (number: number) => ({ revision: number, status: 'LOADING' }) as DeploymentView['instances'][number];
const share = (number: number, version: number, weightPercent: number) => ({ revision: number, version, weightPercent });

describe('chooseTarget', () => {
  const revisions = [revision(3, 7), revision(2, 6, { warm: true, weightPercent: 100 }), revision(1, 5, { warm: true })];

  it.each<[string, Pick<DeploymentView, 'revisions' | 'instances' | 'split'>, number | undefined, number | undefined]>([
    ['what serves', { revisions, instances: [], split: [share(2, 6, 100)] }, undefined, 6],
    ['what serves most', { revisions, instances: [], split: [share(3, 7, 10), share(2, 6, 90)] }, undefined, 6],
    ['the newest while nothing serves', { revisions, instances: [], split: [] }, undefined, 7],
    ['a warm version that was asked for', { revisions, instances: [], split: [] }, 5, 5],
    ['a loading version that was asked for', { revisions, instances: [loading(3)], split: [] }, 7, 7],
    ['no version that is not kept', { revisions, instances: [], split: [] }, 7, undefined],
    ['no version that was never there', { revisions, instances: [], split: [] }, 99, undefined],
    ['nothing of nothing', { revisions: [], instances: [], split: [] }, undefined, undefined],
  ])('takes %s', (_name, view, wished, version) => {
    expect(chooseTarget(view, wished)?.version).toBe(version);
  });
});

describe('requestRows', () => {
  const rows: Task = { kind: 'regression', rowAxis: 0 };
  const whole: Task = { kind: 'other', rowAxis: null };
  const version = (shape: number[], task: Task | null, rowsIndependent: boolean | null) => ({
    signature: { inputs: [{ name: 'x', datatype: 'FP32' as const, shape }], outputs: [] },
    task,
    rowsIndependent,
  });

  it.each([
    { name: 'joins what is proven', of: version([-1, 4], rows, true), wish: {}, hasRows: true, maxRows: 1_024 },
    { name: 'joins on the word of the revision', of: version([-1, 4], rows, null), wish: { mode: 'on' }, hasRows: true, maxRows: 1_024 },
    { name: 'keeps to the size that is stated', of: version([-1, 4], rows, true), wish: { maxBatchSize: 32 }, hasRows: true, maxRows: 32 },
    { name: 'sends rows alone that mix', of: version([-1, 4], rows, false), wish: {}, hasRows: true, maxRows: 1 },
    { name: 'sends rows alone that could not be tried', of: version([-1, 4], rows, null), wish: {}, hasRows: true, maxRows: 1 },
    { name: 'sends rows alone where the batch is frozen at one', of: version([1, 4], rows, null), wish: {}, hasRows: true, maxRows: 1 },
    { name: 'makes a request of each row without an axis', of: version([3, 4], whole, true), wish: {}, hasRows: false, maxRows: 1 },
    { name: 'believes the shape where there is no task', of: version([-1, 4], null, true), wish: {}, hasRows: true, maxRows: 1_024 },
    { name: 'believes a task that says there are no rows', of: version([-1, 4], whole, true), wish: { mode: 'on' }, hasRows: false, maxRows: 1 },
  ])('$name', ({ of, wish, hasRows, maxRows }) => {
    expect(requestRows(of, Batching.parse(wish))).toEqual({ hasRows, maxRows });
  });
});
