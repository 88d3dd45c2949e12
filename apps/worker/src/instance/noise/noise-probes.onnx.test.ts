import type { Signature, Task } from '@slipway/contracts';
import { NaturalReport, ProbeReport } from '@slipway/contracts';
import type { InferCall, InferReply } from '@slipway/inference';
import { floats, linearModel, writeModel } from '@slipway/inference/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readyInstance, type TestInstance } from '../testing/start-instance.js';

const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
};
const task: Task = { kind: 'binary', scoreOutput: 'y', rowAxis: 0 };
const body = (...data: number[]) => JSON.stringify({ inputs: [{ name: 'x', shape: [data.length / 2, 2], datatype: 'FP32', data }] });

/** y = x·w plus what a random generator draws in every run. */
function randomModel(): Buffer {
  return writeModel({
    graph: {
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
        { op: 'RandomNormalLike', inputs: ['xw'], outputs: ['noise'], attributes: {} },
        { op: 'Add', inputs: ['xw', 'noise'], outputs: ['y'] },
      ],
      initializers: [floats('w', [2, 1], [1, 2])],
      inputs: [{ name: 'x', dims: ['rows', 2] }],
      outputs: [{ name: 'y', dims: ['rows', 1] }],
    },
  });
}

function binaryCall() {
  const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }];
  const head = Buffer.from(JSON.stringify({ inputs }));
  return { body: Buffer.concat([head, Buffer.from(Float32Array.of(1, 2).buffer)]), inferenceHeaderContentLength: head.length };
}

/** ModelInferRequest { inputs (5): { name (1), datatype (2), shape (3), contents (5): { fp32_contents (6) } } }. */
function grpcCall() {
  const field = (number: number, bytes: Buffer) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const contents = field(6, Buffer.from(Float32Array.of(1, 2).buffer));
  const input = Buffer.concat([field(1, Buffer.from('x')), field(2, Buffer.from('FP32')), field(3, Buffer.from([1, 2])), field(5, contents)]);
  return { body: Buffer.concat([field(1, Buffer.from('fraud')), field(5, input)]), contentKind: 'grpc' as const };
}

/** Of the linear model; other models have an instance of their own. */
let instance: TestInstance;
beforeAll(async () => {
  instance = await readyInstance(linearModel(), { signature, task, runMs: 0.1 });
});
afterAll(() => instance.stop());

const probe = (frame: NonNullable<InferCall['probe']>['frame'], runs: number, given: string | Buffer = body(1, 2)) =>
  instance.infer(given, { kind: 'probe', probe: { frame, runs } });
const reportOf = (reply: InferReply) => {
  if (reply.kind !== 'result' || !reply.isProbed) throw new Error(`expected a report, got ${JSON.stringify(reply)}`);
  return JSON.parse(reply.body.toString('utf8'));
};
const withPlan = (spreads: unknown, given: string) => {
  const plan = Buffer.from(JSON.stringify(spreads));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(plan.length);
  return Buffer.concat([length, plan, Buffer.from(given)]);
};

describe('probes of an instance', () => {
  it('a model that is not random repeats itself to the last bit', async () => {
    const report = ProbeReport.parse(reportOf(await probe('repeat', 5, body(0.1, 0.2, 3, 4))));
    expect(report).toEqual({ runs: 5, spread: { variance: 0, relative: 0, labels: 5, flips: 0 } });
    // Generated inputs, for an empty body.
    expect(ProbeReport.parse(reportOf(await probe('repeat', 3, ''))).spread?.variance).toBe(0);
  });

  it.each([
    { name: 'bytes behind JSON', call: binaryCall() },
    { name: 'a message of the gRPC service', call: grpcCall() },
  ])('reads $name', async ({ call }) => {
    const { body: given, ...how } = call;
    const reply = await instance.infer(given, { kind: 'probe', probe: { frame: 'answer', runs: 1 }, ...how });
    expect(ProbeReport.parse(reportOf(reply)).answer?.values).toEqual([5]);
  });

  it('a random model does not', async () => {
    // Run in a thread of its own, where an engine keeps what it is given.
    const random = await readyInstance(randomModel(), { signature, task, runMs: 50 });
    try {
      const reply = await random.infer(body(1, 2), { kind: 'probe', probe: { frame: 'repeat', runs: 5 } });
      expect(ProbeReport.parse(reportOf(reply)).spread?.relative).toBeGreaterThan(0.01);
    } finally {
      await random.stop();
    }
  });

  it('disturbs what has a spread, and says so where nothing has', async () => {
    const { spread } = ProbeReport.parse(reportOf(await probe('jitter', 16, withPlan({ x: [10, null] }, body(1, 2)))));
    // y = x0 + 2·x1 with x0 disturbed by 0.2: the mean is 5, and a variance of 16 answers is 0.2² within a factor of some.
    expect(spread?.variance).toBeGreaterThan(0.04 * 0.1);
    expect(spread?.variance).toBeLessThan(0.04 * 4);
    expect(spread?.relative).toBeCloseTo(Math.sqrt(spread?.variance ?? 0) / 5, 1);
    const nothing = ProbeReport.parse(reportOf(await probe('jitter', 16, withPlan({ x: [null, 0], other: [1] }, body(1, 2)))));
    expect(nothing).toMatchObject({ runs: 0, off: expect.stringContaining('no numeric input') });
  });

  it('gives the answer of the first row, for others to compare', async () => {
    expect(ProbeReport.parse(reportOf(await probe('answer', 1, body(0.25, 0.5, 9, 9))))).toEqual({ runs: 1, answer: { values: [1.25], label: 1 } });
  });

  it('counts inputs that came more than once, once somebody asks', async () => {
    const ask = async () => NaturalReport.parse(reportOf(await probe('natural', 0, ''))).windows.at(-1);
    await instance.infer(body(1, 2));
    await instance.infer(body(1, 2));
    expect(await ask()).toMatchObject({ n: 0 });
    for (const x of [1, 1, 2, 3, 3, 3]) await instance.infer(body(x, 2), { kind: 'live' });
    await instance.infer(body(2, 2), { kind: 'shadow' });
    expect(await ask()).toMatchObject({ n: 2, varianceSum: 0, relativeMax: 0 });
  });

  it('what cannot be probed is told to the one who asked, and nothing else changes', async () => {
    const before = await instance.client.ping(5_000);
    expect(await probe('repeat', 5, 'no request')).toMatchObject({ kind: 'error', code: 'INFER_INVALID' });
    expect(await probe('jitter', 16, Buffer.from([9, 0, 0, 0]))).toMatchObject({ kind: 'error', code: 'INFER_INVALID' });
    const probes = Array.from({ length: 20 }, () => probe('repeat', 64));
    const live = await instance.infer(body(1, 2));
    expect(live).toMatchObject({ kind: 'result', isProbed: false });
    const replies = await Promise.all(probes);
    expect(replies.filter((reply) => reply.kind === 'error' && reply.code === 'QUEUE_FULL').length).toBeGreaterThan(0);
    expect(replies.filter((reply) => reply.kind === 'result').length).toBeGreaterThanOrEqual(8);
    const after = await instance.client.ping(5_000);
    expect(after).toMatchObject({ requests: before.requests + 1, failures: before.failures, runs: before.runs + 1, pending: 0 });
  });
});
