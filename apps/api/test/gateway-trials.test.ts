import type { Signature, Task } from '@slipway/contracts';
import type { RoutingRows } from '@slipway/deployments';
import { floats, gatherModel, loopModel, writeModel } from '@slipway/inference/testing';
import { EvidenceRecorder, noEvidence } from '@slipway/metrics';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ReportEjection } from '../src/gateway/trials/ejection-reporter.js';
import {
  failuresOf,
  type InstanceSketch,
  Instances,
  linearBody,
  loopBody,
  type ModelSketch,
  snapshotOf,
  TestGateway,
  underLoad,
} from './gateway-harness.js';

type RolloutRow = NonNullable<RoutingRows['deployments'][number]['rollout']>;

const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
};
const task: Task = { kind: 'binary', scoreOutput: 'y', rowAxis: 0 };

/** A binary classifier: its score is x0·w0 + x1·w1 + bias, and half of one is the border. */
function classifier(w0: number, w1: number, bias: number): ModelSketch {
  const file = writeModel({
    graph: {
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
        { op: 'Add', inputs: ['xw', 'b'], outputs: ['y'] },
      ],
      initializers: [floats('w', [2, 1], [w0, w1]), floats('b', [1], [bias])],
      inputs: [{ name: 'x', dims: ['rows', 2] }],
      outputs: [{ name: 'y', dims: ['rows', 1] }],
    },
  });
  return { file, signature, task, rowsIndependent: true };
}

/** Gives a whole number back as a float: what `loop` and `gather` take, answered at once. */
function castModel(dims: readonly string[]): Buffer {
  return writeModel({
    graph: {
      nodes: [{ op: 'Cast', inputs: [dims.length === 0 ? 'turns' : 'i'], outputs: ['y'], attributes: { to: { int: 1 } } }],
      inputs: [{ name: dims.length === 0 ? 'turns' : 'i', type: 7, dims: [...dims] }],
      outputs: [{ name: 'y', type: 1, dims: [...dims] }],
    },
  });
}

let instances: Instances;
let gateway: TestGateway;
let evidence: EvidenceRecorder;

beforeAll(async () => {
  instances = await Instances.open();
});
afterAll(() => instances.close());
afterEach(() => gateway.close());

const rollout = (given: Partial<RolloutRow>): RolloutRow => ({
  rolloutId: 'rol_1',
  status: 'PROGRESSING',
  wish: null,
  fromRevisionId: 'rev_1',
  toRevisionId: 'rev_2',
  stage: 0,
  weightPercent: 0,
  shadowPercent: 0,
  comparisonsPerSecond: 1_000,
  ...given,
});

/** A gateway before two revisions, with real instances `<name>-1` and `<name>-2`. */
async function open(
  name: string,
  models: readonly [ModelSketch, ModelSketch],
  given: Partial<RolloutRow>,
  options: { readonly reportEjection?: ReportEjection } = {},
): Promise<readonly InstanceSketch[]> {
  evidence = new EvidenceRecorder();
  gateway = await TestGateway.open({ evidence, ...options });
  const sketches = models.map((model, index) => ({ instanceId: `${name}-${index + 1}`, revision: index + 1, model }));
  for (const sketch of sketches) await instances.start(sketch);
  gateway.core.apply(snapshotOf(instances, sketches, 1, { rollout: rollout(given) }));
  await gateway.untilReady(2);
  return sketches;
}

const seen = (stage = 0, subjectId = 'rol_1') => evidence.of({ subjectId, stage }) ?? noEvidence(stage);

/** Sends requests one by one until there is so much evidence; each under a key of its own. */
async function sendUntil(isEnough: () => boolean, body: (at: number) => string): Promise<number> {
  const until = performance.now() + 15_000;
  let sent = 0;
  for (; !isEnough(); sent += 1) {
    if (performance.now() > until) throw new Error(`not enough evidence after ${sent} requests: ${JSON.stringify(seen())}`);
    const answer = await gateway.infer(body(sent), { 'slipway-routing-key': `key-${sent}` });
    expect(answer.status).toBe(200);
  }
  return sent;
}

describe('a candidate with a share', () => {
  it('answers its share, always the same callers; what it answers is compared on both sides', async () => {
    const model = classifier(1, 2, 0);
    const sketches = await open('same', [model, model], { weightPercent: 30 });
    const revisions = new Map<string, string>();
    for (let at = 0; at < 60; at += 1) {
      const key = `key-${at}`;
      const answer = await gateway.infer(linearBody(at / 100, 0), { 'slipway-routing-key': key });
      expect(answer.headers['slipway-rollout']).toBe('rol_1');
      revisions.set(key, String(answer.headers['slipway-revision']));
    }
    const candidates = [...revisions].filter(([, revision]) => revision === '2').map(([key]) => key);
    expect(candidates.length).toBeGreaterThan(5);
    expect(candidates.length).toBeLessThan(35);

    await sendUntil(
      () => seen().pairs.requests >= 40,
      (at) => linearBody(at / 100, 0),
    );
    const { stable, candidate, shadow, pairs } = seen();
    expect(pairs).toMatchObject({ flips: 0, incomparable: 0, failedOn: { stable: 0, candidate: 0, both: 0 } });
    expect(pairs.rows).toBe(pairs.requests);
    expect(pairs.distance).toMatchObject({ sum: 0, max: 0 });
    for (const side of [stable, candidate, shadow]) expect(side.requests).toBeGreaterThan(0);
    expect(candidate.classes).toHaveProperty('0');
    // What was copied shows as that, and live requests once each, under the role of their revision.
    const live = gateway.samples.filter(({ role }) => role !== 'shadow');
    expect(live).toHaveLength(stable.requests + candidate.requests);
    expect(live.filter(({ role }) => role === 'candidate')).toHaveLength(candidate.requests);
    expect(live.filter(({ role, revision }) => (role === 'candidate') !== (revision === 2))).toEqual([]);
    const stats = gateway.core.statistics;
    const counted = [...(gateway.core.routing.find('prj_default', 'fraud') === undefined ? [] : stats.of(buildDeployment(sketches)))];
    expect(counted.reduce((sum, version) => sum + version.inference_count, 0)).toBe(live.length);

    gateway.core.apply(snapshotOf(instances, sketches, 1, { rollout: rollout({ weightPercent: 60, stage: 1 }) }));
    for (const key of candidates.slice(0, 6)) {
      expect((await gateway.infer(linearBody(0, 0), { 'slipway-routing-key': key })).headers['slipway-revision']).toBe('2');
    }
    expect(seen(1).candidate.requests).toBe(6);
    // A version that is asked for by its number is never re-routed, and is no evidence.
    const explicit = await gateway.infer(linearBody(0, 0), { 'slipway-routing-key': candidates[0] ?? '' }, '/v2/models/fraud/versions/1/infer');
    expect(explicit.headers['slipway-revision']).toBe('1');
    expect(seen(1).candidate.requests + seen(1).stable.requests).toBe(6);
    // The wish alone takes it back.
    gateway.core.apply(snapshotOf(instances, sketches, 1, { rollout: rollout({ weightPercent: 60, wish: 'abort' }) }));
    const back = await gateway.infer(linearBody(0, 0), { 'slipway-routing-key': candidates[0] ?? '' });
    expect([back.headers['slipway-revision'], back.headers['slipway-rollout']]).toEqual(['1', undefined]);
  });

  it('with swapped labels differs on every row; NaN counts where it is; binary and joined requests too', async () => {
    await open('swap', [classifier(1, 2, 0), classifier(-1, -2, 1)], { weightPercent: 20 });
    await sendUntil(
      () => seen().pairs.requests >= 30,
      (at) => linearBody(at % 2, at % 3, 0, 0),
    );
    const { pairs } = seen();
    expect(pairs.rows).toBe(2 * pairs.requests);
    expect(pairs.flips).toBe(pairs.rows);
    expect(pairs.byClass['0']?.flips).toBe(pairs.byClass['0']?.rows);
    const values = Buffer.from(Float32Array.of(3, 4).buffer);
    const head = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }] });
    const headers = { 'inference-header-content-length': String(head.length), 'content-type': 'application/octet-stream' };
    const binary = await gateway.infer(Buffer.concat([Buffer.from(head), values]), headers);
    expect(binary.status).toBe(200);
    const nan = '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}';
    expect((await gateway.infer(nan)).text).toContain('NaN');
    await waitFor(() => seen().pairs.invalidOn.both === 1, { what: 'the pair of invalid answers', timeoutMs: 5_000 });
    expect(seen().pairs).toMatchObject({ invalidOn: { stable: 0, candidate: 0 }, failedOn: { stable: 0, candidate: 0, both: 0 } });
    expect(seen().stable.invalidOutputs + seen().candidate.invalidOutputs).toBe(1);
  });
});

describe('a shadow', () => {
  const turns = {
    inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [] }],
  } satisfies Signature;

  it('that hangs delays and fails nobody', async () => {
    await open(
      'hang',
      [
        { file: castModel([]), signature: turns },
        { file: loopModel(), signature: turns },
      ],
      { shadowPercent: 100 },
    );
    const started = performance.now();
    for (let at = 0; at < 300; at += 1) {
      const answer = await gateway.infer(loopBody(2_000_000_000));
      expect([answer.status, answer.headers['slipway-revision']]).toEqual([200, '1']);
    }
    // One copy alone would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(seen().stable).toMatchObject({ requests: 300, outcomes: { success: 300 } });
    expect(gateway.samples.filter(({ role }) => role !== 'shadow')).toHaveLength(300);
    await waitFor(() => seen().pairs.failedOn.candidate > 0, { what: 'the hanging copy to be given up', timeoutMs: 10_000 });
    // Either its time was over, or its own watchdog ended the process.
    expect(['deadline_exceeded', 'instance_crashed']).toEqual(expect.arrayContaining(Object.keys(seen().shadow.outcomes)));
    expect(gateway.core.copies.counts.dropped).toBeGreaterThan(0);
    instances.kill('hang-2');
  });
});

describe('the fast lane', () => {
  it('takes a candidate back whose process ends again and again, without the database and without a lost request', async () => {
    const model = classifier(1, 2, 0);
    const reports: string[] = [];
    let isDatabaseThere = false;
    const reportEjection: ReportEjection = (rolloutId, { cause }) => {
      if (!isDatabaseThere) return Promise.reject(new Error('the database is away'));
      reports.push(`${rolloutId} ${cause}`);
      return Promise.resolve();
    };
    const sketches = await open('crash', [model, model], { weightPercent: 50 }, { reportEjection });
    const candidate = sketches[1];
    if (candidate === undefined) throw new Error('no candidate');
    const load = underLoad(gateway, 4);
    const crashes = () => seen().candidate.crashes;
    await waitFor(() => load.count > 20, { what: 'some load' });
    instances.kill(candidate.instanceId);
    await waitFor(() => crashes() === 1, { what: 'the first crash to be seen' });
    await instances.start(candidate);
    await gateway.untilReady(2);
    expect(gateway.core.routing.find('prj_default', 'fraud')?.split).toHaveLength(2);
    instances.kill(candidate.instanceId);
    await waitFor(() => gateway.core.routing.find('prj_default', 'fraud')?.split.length === 1, {
      what: 'the candidate to be taken back',
      timeoutMs: 1_000,
    });
    const at = load.count;
    await waitFor(() => load.count > at + 20, { what: 'more load' });
    expect(failuresOf(await load.stop())).toEqual([]);
    expect(reports).toEqual([]);
    isDatabaseThere = true;
    await waitFor(() => reports.length > 0, { what: 'the report to be written' });
    expect(reports).toEqual(['rol_1 CANDIDATE_CRASHED']);
    // It stays so with the next snapshot of the same rollout; a new one starts clean.
    gateway.core.apply(snapshotOf(instances, sketches, 1, { rollout: rollout({ weightPercent: 50, stage: 1 }) }));
    expect(gateway.core.routing.find('prj_default', 'fraud')?.split).toEqual([{ revisionId: 'rev_1', weightPercent: 100 }]);
    gateway.core.apply(snapshotOf(instances, sketches, 1, { rollout: rollout({ weightPercent: 50, rolloutId: 'rol_2' }) }));
    expect(gateway.core.routing.find('prj_default', 'fraud')?.split).toHaveLength(2);
  });

  it('takes one back that fails on request after request which stable answers, from copies alone', async () => {
    const index = {
      inputs: [{ name: 'i', datatype: 'INT64', shape: [-1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    } satisfies Signature;
    const reports: string[] = [];
    const reportEjection: ReportEjection = async (_id, { cause }) => void reports.push(cause);
    const described: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };
    const models = [
      { file: castModel(['rows']), signature: index, task: described },
      { file: gatherModel(), signature: index, task: described },
    ] as const;
    await open(
      'fail',
      models,
      { shadowPercent: 100, fastLane: { crashes: 2, consecutiveErrors: 5, hardErrorShare: 0.5, hardMinRequests: 20 } },
      { reportEjection },
    );
    const outside = JSON.stringify({ inputs: [{ name: 'i', shape: [1], datatype: 'INT64', data: [7] }] });
    await sendUntil(
      () => reports.length > 0,
      () => outside,
    );
    expect(reports).toEqual(['CONSECUTIVE_ERRORS']);
    expect(seen().pairs.failedOn).toMatchObject({ stable: 0, both: 0 });
    expect(seen().stable.outcomes).toEqual({ success: seen().stable.requests });
  });
});

function buildDeployment(sketches: readonly InstanceSketch[]) {
  const deployment = snapshotOf(instances, sketches, 1).projects.get('prj_default')?.get('fraud');
  if (deployment === undefined) throw new Error('the snapshot has no deployment');
  return deployment;
}
