import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Signature } from '@slipway/contracts';
import { type InferReply, InstanceClient, InstanceServer, type InstanceSpec, type Tensor } from '@slipway/inference';
import { waitUntil } from '@slipway/inference/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, RunResult } from './engine/engine.js';
import { ModelRunner } from './model-runner.js';
import { openRecordSpool } from './record-spool.js';
import { ServingLoop } from './serving-loop.js';

const signature: Signature = {
  inputs: [
    { name: 'a', datatype: 'FP32', shape: [-1] },
    { name: 'b', datatype: 'FP32', shape: [-1] },
  ],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
};

/** y = a + b row by row, where a single b counts for all rows; ends a run when it is told to. */
class AddingEngine implements Engine {
  readonly isInline = false;
  readonly sizes: number[] = [];
  private runs: (() => void)[] = [];

  get running(): number {
    return this.runs.length;
  }

  run(inputs: readonly Tensor[], _names: readonly string[], _limitAt: number, done: (result: RunResult) => void): void {
    const [a, b] = ['a', 'b'].map((name) => [...(inputs.find((input) => input.name === name)?.data ?? [])].map(Number));
    const sums = (a ?? []).map((value, row) => value + (b?.length === 1 ? (b[0] ?? 0) : (b?.[row] ?? Number.NaN)));
    this.sizes.push(sums.length);
    this.runs.push(() => done({ outputs: [{ name: 'y', datatype: 'FP32', shape: [sums.length], data: Float32Array.from(sums) }], computeMicros: 1 }));
  }

  endRun(): void {
    this.runs.shift()?.();
  }
}

let folder = '';
let engine: AddingEngine;
let loop: ServingLoop;
let idle = 0;
let server: InstanceServer;
let client: InstanceClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-loop-'));
  engine = new AddingEngine();
  idle = 0;
  const spec = specOf(folder);
  const costs = [1, 2, 4, 8].map((rows) => ({ rows, micros: 1_000 }));
  loop = new ServingLoop(spec, engine, new ModelRunner(spec), openRecordSpool(spec), { provider: 'cpu', costs }, () => {
    idle += 1;
  });
  server = new InstanceServer({
    socketPath: spec.socketPath,
    hello: { instanceId: 'ins_1', pid: 7, revisionId: 'rev_1' },
    handlers: {
      onInfer: (request) => loop.take(request),
      onCancel: (connection, stream) => loop.cancel(connection, stream),
      onGone: (connection) => loop.cancel(connection, undefined),
      onDrain: () => undefined,
      counters: () => {
        throw new Error('nobody asks for counters here');
      },
    },
  });
  await server.listen();
  server.become('READY');
  client = new InstanceClient({ address: `unix:${spec.socketPath}`, role: 'gateway', reconnect: false });
  await waitUntil(() => client.state === 'READY', 'the client is connected');
});
afterEach(async () => {
  client.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function specOf(home: string): InstanceSpec {
  return {
    protocol: 1,
    instanceId: 'ins_1',
    projectId: 'prj_1',
    deploymentId: 'dep_1',
    deploymentName: 'sum',
    revisionId: 'rev_1',
    revisionNumber: 1,
    versionId: 'ver_1',
    modelName: 'sum',
    versionNumber: 1,
    digest: '0'.repeat(64),
    modelPath: join(home, 'model.onnx'),
    socketPath: join(home, 's'),
    spoolFolder: home,
    signature,
    task: { kind: 'other', rowAxis: 0 },
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    batching: { isOn: true, maxBatchSize: 8, maxDelayMs: 0 },
    limits: { maxQueue: 64, maxOutputElements: 1000, maxInputElements: 1000, maxBodyBytes: 1 << 20 },
    records: { enabled: false, maxPerSecond: 0, maxRowsPerRequest: 0 },
  };
}

function add(a: readonly number[], b: readonly number[]): Promise<InferReply> {
  const tensor = (name: string, data: readonly number[]) => ({ name, shape: [data.length], datatype: 'FP32', data });
  const body = Buffer.from(JSON.stringify({ inputs: [tensor('a', a), tensor('b', b)] }));
  return new Promise((resolve) => {
    client.infer({ predictionId: 'prd_1', deadlineMs: 10_000, priority: 0, kind: 'live', modelName: 'sum', body }, resolve);
  });
}

async function endAllRuns(of: readonly Promise<InferReply>[]): Promise<unknown[]> {
  let isOver = false;
  const replies = Promise.all(of).finally(() => {
    isOver = true;
  });
  await waitUntil(() => {
    engine.endRun();
    return isOver;
  }, 'all are answered');
  return (await replies).map((reply) => (reply.kind === 'result' ? JSON.parse(reply.body.toString('utf8')).outputs[0].data : reply));
}

describe('joining', () => {
  it('keeps a request alone whose inputs do not all have its rows, so that nobody gets the rows of others', async () => {
    const first = add([0], [0]);
    await waitUntil(() => engine.running === 1, 'the first run is under way');
    const others = [add([1, 2, 3], [10]), add([4], [40]), add([5, 6], [50, 60])];
    await waitUntil(() => loop.pending === 4, 'the others wait');
    expect(await endAllRuns([first, ...others])).toEqual([[0], [11, 12, 13], [44], [55, 66]]);
    expect(engine.sizes.toSorted()).toEqual([1, 3, 3]);
  });
});

describe('an answer that has not left', () => {
  it('counts as pending, so that nobody takes the loop for idle and ends the process', async () => {
    const reply = add([1], [2]);
    await waitUntil(() => engine.running === 1, 'the run is under way');
    const before = idle;
    engine.endRun();
    expect(loop.pending).toBe(1);
    expect(idle).toBe(before);
    expect(await reply).toMatchObject({ kind: 'result' });
    await waitUntil(() => idle > before, 'the loop is idle');
    expect(loop.pending).toBe(0);
  });
});
