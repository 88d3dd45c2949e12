import type { Signature, Task } from '@slipway/contracts';
import { frameTypes, InstanceServer } from '@slipway/inference';
import { floats, writeModel } from '@slipway/inference/testing';
import { judgeExact, judgeReplicas, NoiseRecorder, type NoiseWindow } from '@slipway/metrics';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { failuresOf, type InstanceSketch, Instances, type ModelSketch, snapshotOf, TestGateway, underLoad } from './gateway-harness.js';

const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
};
const task: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };

/** y = x0 + 2·x1 + bias, and what a random generator draws in every run where it is a random one. */
function model(bias: number, isRandom = false): ModelSketch {
  const nodes = [
    { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
    { op: 'Add', inputs: ['xw', 'b'], outputs: [isRandom ? 'plain' : 'y'] },
    ...(isRandom
      ? [
          { op: 'RandomNormalLike', inputs: ['plain'], outputs: ['noise'] },
          { op: 'Add', inputs: ['plain', 'noise'], outputs: ['y'] },
        ]
      : []),
  ];
  const file = writeModel({
    graph: {
      nodes,
      initializers: [floats('w', [2, 1], [1, 2]), floats('b', [1], [bias])],
      inputs: [{ name: 'x', dims: ['rows', 2] }],
      outputs: [{ name: 'y', dims: ['rows', 1] }],
    },
  });
  return { file, signature, task, rowsIndependent: true };
}

/** The side of an instance of an earlier release: it skips what it does not know in a frame's header. */
function oldInstance(instanceId: string, onRequest: (probe: number | undefined) => void): InstanceServer {
  return new InstanceServer({
    socketPath: instances.addressOf(instanceId).slice('unix:'.length),
    hello: { instanceId, pid: 1, revisionId: 'rev_1' },
    handlers: {
      onInfer: ({ connection, stream, header }) => {
        onRequest(header.probe);
        connection.send(frameTypes.RESULT, stream, { contentType: 'application/json', rows: 1, computeMicros: 10 }, Buffer.from('{"outputs":[]}'));
      },
      onCancel: () => undefined,
      onGone: () => undefined,
      onDrain: () => undefined,
      counters: () => {
        throw new Error('nobody asks for counters here');
      },
    },
  });
}

let instances: Instances;
let gateway: TestGateway;
let recorder: NoiseRecorder;

beforeAll(async () => {
  instances = await Instances.open();
});
afterAll(() => instances.close());
afterEach(() => gateway.close());

/** A gateway before these instances, revision 1 of which has the traffic. */
async function open(sketches: readonly InstanceSketch[], { canaryFloorMs = 60_000, noisePercent = 1, hasReference = true } = {}): Promise<void> {
  recorder = new NoiseRecorder();
  const spreadsOf = () => (hasReference ? { x: [10, 10] } : undefined);
  gateway = await TestGateway.open({ noise: { recorder, spreadsOf, canaryFloorMs } });
  for (const sketch of sketches) await instances.start(sketch);
  gateway.core.apply(snapshotOf(instances, sketches, 1, { noisePercent }));
  await gateway.untilReady(sketches.length);
}

const windowOf = (probe: NoiseWindow['owner']['probe']) => [...recorder.current()].find(({ owner }) => owner.probe === probe);
const measured = (probe: NoiseWindow['owner']['probe']) => windowOf(probe)?.totals.n ?? 0;
const runs = () => [...recorder.current()].reduce((sum, { totals }) => sum + totals.runs, 0);

/** Sends requests over a few connections, with pauses in which probes come to their turn, until there is so much. */
async function loadUntil(what: string, isEnough: () => boolean): Promise<number> {
  let sent = 0;
  await waitFor(
    async () => {
      const load = underLoad(gateway, 4);
      await waitFor(() => load.count >= 500, { what: 'requests to be answered', timeoutMs: 20_000 });
      sent += (await load.stop()).length;
      return isEnough();
    },
    { what, timeoutMs: 60_000 },
  );
  return sent;
}

describe('noise probes of a gateway', () => {
  it('measure a small share of the traffic, and none of it is counted as traffic', async () => {
    await open([{ instanceId: 'plain-1', revision: 1, model: model(0) }]);
    const sent = await loadUntil('a probe of each kind', () => measured('repeat') >= 1 && measured('jitter') >= 1);
    expect(runs()).toBeLessThanOrEqual(sent / 100);
    expect(windowOf('repeat')?.totals).toMatchObject({ failed: 0, varianceSum: 0, relativeMax: 0 });
    // y = 5 with both inputs disturbed by 0.2: noise of 0.2·√5/5, within a factor of three.
    expect(windowOf('jitter')?.totals.relativeMax).toBeGreaterThan(0.03);
    expect(windowOf('jitter')?.totals.relativeMax).toBeLessThan(0.3);
    expect(gateway.samples).toHaveLength(sent);
    expect(gateway.core.probes?.size).toBe(0);
  });

  it('a random model is found in its repeats', async () => {
    await open([{ instanceId: 'random-1', revision: 1, model: model(0, true) }], { hasReference: false });
    await loadUntil('three repeats', () => measured('repeat') >= 3);
    const totals = windowOf('repeat')?.totals;
    expect(totals === undefined ? undefined : judgeExact('repeat', totals)).toMatchObject({ verdict: 'alarm' });
  });

  it('an instance with other weights is found without any traffic, and named', async () => {
    const odd = { instanceId: 'mixed-3', revision: 1, model: model(0.5) };
    await open([...['mixed-1', 'mixed-2'].map((instanceId) => ({ instanceId, revision: 1, model: model(0) })), odd], { canaryFloorMs: 200 });
    await waitFor(() => measured('replica') >= 1, { what: 'a comparison of the instances', timeoutMs: 20_000 });
    const window = windowOf('replica');
    expect(window?.detail).toMatchObject({ agreedInRow: 0, groups: [expect.arrayContaining(['mixed-1', 'mixed-2']), ['mixed-3']] });
    const judged = window?.detail === undefined ? undefined : judgeReplicas(window.totals, [window.detail], false);
    expect(judged).toMatchObject({ verdict: 'alarm', reason: expect.stringContaining('mixed-3 against') });
    expect(gateway.samples).toEqual([]);
  });

  it('instances with the same weights agree; what they were sent twice is collected', async () => {
    await open(
      ['same-1', 'same-2'].map((instanceId) => ({ instanceId, revision: 1, model: model(0) })),
      { canaryFloorMs: 200 },
    );
    await waitFor(() => measured('replica') >= 3, { what: 'comparisons of the instances', timeoutMs: 20_000 });
    expect(windowOf('replica')?.totals).toMatchObject({ relativeMax: 0, failed: 0 });
    expect(windowOf('replica')?.detail).not.toHaveProperty('groups');
    expect(windowOf('replica')?.totals.canaryRuns).toBe(windowOf('replica')?.totals.runs);
    for (let at = 0; at < 40; at += 1) await gateway.infer();
    await waitFor(() => measured('natural') >= 1, { what: 'inputs that came twice to be collected', timeoutMs: 20_000 });
    expect(windowOf('natural')?.totals).toMatchObject({ relativeMax: 0, varianceSum: 0, runs: 0 });
  });

  it('a previous version that is still warm is compared with the present one', async () => {
    await open([
      { instanceId: 'now-1', revision: 1, model: model(0) },
      { instanceId: 'before-2', revision: 2, model: model(5) },
    ]);
    await loadUntil('a comparison of the versions', () => measured('version') >= 1);
    const window = windowOf('version');
    expect(window?.owner).toMatchObject({ version: 1, otherVersion: 2 });
    // 5 against 10: sd 5/√2 of a mean of 7.5.
    expect(window?.totals.relativeMax).toBeCloseTo(5 / Math.SQRT2 / 7.5, 6);
  });

  it('an instance from before there were probes answers as usual and is left alone', async () => {
    const sketch = { instanceId: 'old-1', revision: 1, model: model(0) };
    const asked: (number | undefined)[] = [];
    const old = oldInstance(sketch.instanceId, (probe) => asked.push(probe));
    await old.listen();
    old.become('READY');
    recorder = new NoiseRecorder();
    gateway = await TestGateway.open({ noise: { recorder, spreadsOf: () => ({ x: [1, 1] }), canaryFloorMs: 200 } });
    gateway.core.apply(snapshotOf(instances, [sketch], 1));
    await gateway.untilReady(1);
    // The first question, what came more than once, is one that it takes for a request without a body.
    await waitFor(() => asked.some((probe) => probe !== undefined), { what: 'a first probe', timeoutMs: 20_000 });
    const load = underLoad(gateway, 2);
    await waitFor(() => load.count >= 3_000, { what: 'requests to be answered', timeoutMs: 30_000 });
    expect(failuresOf(await load.stop())).toEqual([]);
    expect(asked.filter((probe) => probe !== undefined)).toHaveLength(1);
    expect([...recorder.current()].map(({ totals }) => totals.n)).toEqual([]);
    await old.close();
  });

  it('probes nothing where the revision wishes none', async () => {
    await open(
      ['quiet-1', 'quiet-2'].map((instanceId) => ({ instanceId, revision: 1, model: model(0) })),
      { canaryFloorMs: 100, noisePercent: 0 },
    );
    const load = underLoad(gateway, 4);
    await waitFor(() => load.count >= 1_500, { what: 'requests to be answered', timeoutMs: 30_000 });
    await load.stop();
    expect([...recorder.current()]).toEqual([]);
  });
});
