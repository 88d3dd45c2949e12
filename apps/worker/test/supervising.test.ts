import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { DeploymentView, InstanceFailure, InstanceView } from '@slipway/contracts';
import { type InferReply, InstanceClient } from '@slipway/inference';
import { linearModel, loopModel, writeModel } from '@slipway/inference/testing';
import { FailureStore } from '@slipway/metrics';
import { waitFor } from '@slipway/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryGroups } from '../src/supervising/memory-groups.js';
import { CuttableDatabase } from './cuttable-database.js';
import { by, isAlive, RunningWorker, serves, spec } from './running-worker.js';

const loopSignature = {
  inputs: [{ name: 'turns', datatype: 'INT64' as const, shape: [] }],
  outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [] }],
};
const bombSignature = {
  inputs: [{ name: 'size', datatype: 'INT64' as const, shape: [1] }],
  outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [] }],
};
const fraud = { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec };
const all = 'all-at-once' as const;

let worker: RunningWorker;
beforeEach(async () => {
  worker = await RunningWorker.open();
});
afterEach(() => worker.close());

describe('a deployment', () => {
  it('is served by a real instance, is updated, and is rolled back to a warm revision', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, fraud);
    const first = await worker.until('fraud', serves(1), 'revision 1 to serve');
    expect(first.revisions[0]).toMatchObject({ revision: 1, version: 1, warm: true, weightPercent: 100, activatedAt: expect.any(String) });
    expect(await predict(worker, 1)).toBeCloseTo(1 + 2 * 2 + 1);

    await worker.revisions.create(by, 'fraud', { version: 2, strategy: all });
    const second = await worker.until('fraud', serves(2), 'revision 2 to serve');
    expect(second.rollout).toMatchObject({ status: 'COMPLETED', fromRevision: 1, toRevision: 2 });
    expect(second.revisions[1]).toMatchObject({ warm: true, retiredAt: expect.any(String) });
    expect(await predict(worker, 2)).toBeCloseTo(1 + 2 * 2 + 2);

    await worker.rollbacks.rollBack(by, 'fraud', { reason: 'it is worse' });
    // In effect with the wish alone: no waiting here.
    expect((await worker.view('fraud')).split).toEqual([{ revision: 1, version: 1, weightPercent: 100 }]);
    await waitFor(async () => (await worker.database.db.deployment.findFirstOrThrow()).activeRevisionId === first.revisions[0]?.id, {
      what: 'the worker to write down the active revision',
    });
    expect((await worker.view('fraud')).revisions).toEqual([
      expect.objectContaining({ revision: 2, warm: true, retiredAt: expect.any(String) }),
      expect.objectContaining({ revision: 1, retiredAt: null, weightPercent: 100 }),
    ]);
  });

  it('ends its instances when it is suspended or deleted, and leaves nothing in the run folder', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, { ...fraud, replicas: 2 });
    const pids = pidsOf(await worker.until('fraud', serves(1), 'it to serve'));
    expect(pids).toHaveLength(2);
    await worker.deployments.suspend(by, 'fraud', { suspended: true });
    await worker.until('fraud', (view) => view.instances.length === 0, 'its instances to be gone');
    expect(pids.some(isAlive)).toBe(false);
    expect(await readdir(join(worker.home, 'run'))).toEqual([]);
    await worker.deployments.suspend(by, 'fraud', { suspended: false });
    const again = pidsOf(await worker.until('fraud', serves(1), 'it to serve again'));
    await worker.deployments.remove(by, 'fraud');
    await waitFor(() => !again.some(isAlive), { what: 'the instances to end' });
  });

  it('stays on the old revision when the new one cannot be loaded, and says why', async () => {
    await worker.addModel('fraud', [linearModel(1), Buffer.from('no model at all')]);
    await worker.start();
    await worker.deployments.create(by, fraud);
    const before = await worker.until('fraud', serves(1), 'revision 1 to serve');
    await worker.revisions.create(by, 'fraud', { version: 2, strategy: all });
    const view = await worker.until('fraud', ({ rollout }) => rollout?.status === 'ABORTED', 'the rollout to be aborted', 30_000);
    expect(view.rollout).toMatchObject({
      cause: 'CANDIDATE_FAILED',
      causeDetail: expect.stringMatching(/3 instances failed; the last one: .*(protobuf|load|parse)/i),
    });
    const [{ id, pid } = { id: '', pid: 0 }] = before.instances;
    expect(view.instances.find((each) => each.revision === 1)).toMatchObject({ id, pid, status: 'READY', restarts: 0, reason: null });
    expect(view).toMatchObject({ status: 'READY', split: [{ revision: 1 }] });
    expect(await failure()).toMatchObject({ reason: 'load_failed', version: 2, wasReady: false, restarts: false });
  });
});

describe('an instance', () => {
  it('that is killed is ready again within a second, under the same row', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, fraud);
    const [before] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    const startedAt = performance.now();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    const after = await restarted(before, 5_000);
    // Generous, since the machine that tests is busy; alone it takes some 300 ms.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(after).toMatchObject({ id: before?.id, restarts: 1, reason: 'it was ended by SIGKILL' });
    expect(await predict(worker, 1)).toBeCloseTo(6);
    const events = await worker.database.db.event.findMany({ where: { action: 'instance.restarted' } });
    expect(events).toHaveLength(1);
    expect(await failure()).toMatchObject({ reason: 'instance_crashed', signal: 'SIGKILL', wasReady: true, restarts: true, version: 1 });
    expect((await failure()).instance).toBe(before?.id);
  });

  it('that dies again and again while it serves stays the same one and comes back, and the deployment says honestly when it cannot serve', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, fraud);
    let [instance] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    for (let death = 1; death <= 4; death += 1) {
      process.kill(instance?.pid ?? 0, 'SIGKILL');
      instance = await restarted(instance, 15_000);
      expect(instance).toMatchObject({ restarts: death, reason: 'it was ended by SIGKILL' });
    }
    const events = await worker.database.db.event.findMany({ orderBy: { sequence: 'asc' } });
    const told = (action: string) => events.filter((event) => event.action === action);
    expect(told('instance.restarted').map(({ reason }) => reason)).toEqual(Array(4).fill('it was ended by SIGKILL'));
    expect(told('instance.failed')).toEqual([]);
    const statuses = told('deployment.status_changed').map(({ reason, after }) => ({ reason, after }));
    expect(statuses).toContainEqual({
      reason: 'no instance of revision 1 is ready: it was ended by SIGKILL',
      after: { status: 'UNAVAILABLE' },
    });
    await worker.until('fraud', serves(1), 'it to serve again');
  });

  it('that was ready and cannot be started any more fails after three attempts, with the reason', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, fraud);
    const [before] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    // Its model disappears from this host.
    const { modelPath } = JSON.parse(await readFile(join(worker.home, 'run', `${before?.id}.spec.json`), 'utf8'));
    await rm(dirname(modelPath), { recursive: true });
    process.kill(before?.pid ?? 0, 'SIGKILL');
    const failed = (view: DeploymentView) => view.instances.find((each) => each.id === before?.id && each.status === 'FAILED');
    const view = await worker.until('fraud', (at) => failed(at) !== undefined, 'it to fail');
    expect(failed(view)).toMatchObject({ restarts: 3, reason: expect.stringMatching(/model|file/i) });
    await worker.until('fraud', serves(1), 'another one to fetch the model again and serve', 30_000);
  });

  it('is restarted while the database is away, and the facts follow when it is back', async () => {
    const database = await CuttableDatabase.open(worker.database.url);
    try {
      await worker.addModel('fraud');
      await worker.start({ DATABASE_URL: database.url });
      await worker.deployments.create(by, fraud);
      const [before] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
      const client = new InstanceClient({ address: await addressOf(worker, before?.id), role: 'gateway', reconnect: true });
      await waitFor(() => client.state === 'READY', { what: 'a connection' });
      database.cut();
      process.kill(before?.pid ?? 0, 'SIGKILL');
      await waitFor(() => client.state === 'CONNECTING', { what: 'the connection to be lost' });
      await waitFor(() => client.state === 'READY', { what: 'the instance to be back without the database' });
      client.close();
      database.restore();
      expect(await restarted(before, 15_000)).toMatchObject({ restarts: 1 });
    } finally {
      database.close();
    }
  });

  it('that hangs is ended at the deadline and started again', async () => {
    await worker.addModel('loop', [loopModel()], loopSignature);
    await worker.start();
    await worker.deployments.create(by, { ...fraud, name: 'fraud', model: 'loop' });
    const [before] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    const client = new InstanceClient({ address: await addressOf(worker, before?.id), role: 'gateway', reconnect: false });
    await waitFor(() => client.state === 'READY', { what: 'a connection' });
    const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'turns', datatype: 'INT64', shape: [], data: [1e12] }] }));
    const reply = await new Promise<InferReply>((resolve) => client.infer({ ...call, body }, resolve));
    expect(reply.kind).toBe('gone');
    // It ends itself: its own watchdog sees the run, the worker would not for minutes.
    expect(await restarted(before, 15_000)).toMatchObject({ restarts: 1, reason: expect.stringMatching(/^it was ended by SIGKILL/) });
  });

  it('that takes more memory than it may have is ended and started again, and says so', async () => {
    const memoryLimitBytes = 256 * 1024 * 1024;
    await worker.addModel('bomb', [bombModel()], bombSignature);
    await worker.start();
    await worker.deployments.create(by, { ...fraud, name: 'fraud', model: 'bomb', spec: { ...spec, memoryLimitBytes } });
    const [before] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    expect(before).toMatchObject({ memoryLimitBytes });
    expect(await allocate(before, 1_000)).toBe('result');
    expect(await allocate(before, 300_000_000)).toBe('gone');
    const reason = expect.stringMatching(/^it used \d+ MiB of memory; its limit is 256 MiB$/);
    const after = await restarted(before, 15_000);
    expect(after).toMatchObject({ restarts: 1, reason });
    expect(await allocate(after, 1_000)).toBe('result');
    expect(await failure()).toMatchObject({ reason: 'oom_killed', wasReady: true, message: reason });
  });

  it('gets a memory limit of its own when its revision states none, from what it was seen to need', async () => {
    await worker.addModel('fraud');
    // As if the validation had seen that the model alone needs that much.
    await worker.database.db.version.updateMany({ where: { number: 1 }, data: { footprint: { rssBytes: 400e6, runMs: 0.1 } } });
    await worker.start();
    await worker.deployments.create(by, fraud);
    const [free] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    expect(free?.memoryLimitBytes).toBe(Math.min(4 * 400e6, Math.round(totalmem() / 2)));
    expect(['system', 'worker']).toContain(free?.memoryLimitBy);
  });

  it('that is stopped from outside is noticed, ended and started again', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, fraud);
    const [before] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    process.kill(before?.pid ?? 0, 'SIGSTOP');
    expect(await restarted(before, 15_000)).toMatchObject({ restarts: 1, reason: 'it was stopped for 2 s' });
    expect(await predict(worker, 1)).toBeCloseTo(6);
    expect((await failure()).reason).toBe('instance_hung');
  });

  it("gets threads out of its host's budget, and says when it gets fewer than wished", async () => {
    const cores = availableParallelism();
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, { ...fraud, spec: { ...spec, intraOpThreads: 256 } });
    const [greedy] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    const some = `${cores} core${cores === 1 ? '' : 's'}`;
    expect(greedy).toMatchObject({ threads: cores, threadsNote: `${cores} of 256 wished: the host has ${some}` });
    expect(await threadsOf(greedy)).toBe(cores);
    await worker.deployments.create(by, { ...fraud, name: 'late', spec: { ...spec, intraOpThreads: 4 } });
    const [late] = (await worker.until('late', serves(1), 'the second to serve')).instances;
    expect(late).toMatchObject({ threads: 1, threadsNote: `1 of 4 wished: the host's budget of ${cores} is spent` });
    // What it was given is asked for anew at every start.
    await worker.deployments.suspend(by, 'late', { suspended: true });
    await worker.until('late', (view) => view.instances.length === 0, 'the second to be gone');
    process.kill(greedy?.pid ?? 0, 'SIGKILL');
    const again = await restarted(greedy, 15_000);
    expect(again).toMatchObject({ threads: cores });
    expect(await threadsOf(again)).toBe(cores);
  });

  it('runs on the processor where the wished provider is not there, says so, and is ready all the same', async () => {
    await worker.addModel('fraud');
    await worker.start();
    // No machine has the one of Windows and the one of macOS.
    await worker.deployments.create(by, { ...fraud, spec: { ...spec, executionProviders: ['dml', 'coreml', 'cpu'] } });
    const view = await worker.until('fraud', serves(1), 'it to serve');
    expect(view).toMatchObject({ status: 'READY', statusReason: null });
    const [instance] = view.instances;
    if (instance?.provider === 'cpu') expect(instance.providerNote).toBe('wished dml: not available here; coreml: not available here');
    else expect(['dml', 'coreml']).toContain(instance?.provider);
    expect(await predict(worker, 1)).toBeCloseTo(6);
  });

  it('is reached where the home folder is too long for a socket', async () => {
    await worker.addModel('fraud');
    const home = join(worker.home, 'x'.repeat(90));
    await worker.start({ SLIPWAY_HOME: home, ARTEFACT_URL: `file://${join(worker.home, 'artefacts')}` });
    await worker.deployments.create(by, fraud);
    const view = await worker.until('fraud', serves(1), 'it to serve');
    expect(Buffer.byteLength(await addressOf(worker, view.instances[0]?.id))).toBeLessThan(105);
    await worker.deployments.remove(by, 'fraud');
    await waitFor(() => !pidsOf(view).some(isAlive), { what: 'the instance to end' });
  });
});

describe('a worker', () => {
  it('that is killed leaves its instances serving; the next one adopts them', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, { ...fraud, replicas: 2 });
    const before = await worker.until('fraud', serves(1), 'it to serve');
    await worker.end('SIGKILL');
    expect(pidsOf(before).every(isAlive)).toBe(true);
    expect(await predict(worker, 1)).toBeCloseTo(6);
    await worker.start();
    // The wish needs the new worker: when it is fulfilled, adoption is over.
    await worker.revisions.create(by, 'fraud', { version: 2, strategy: all, replicas: 1 });
    const after = await worker.until('fraud', serves(2), 'revision 2 to serve');
    expect(pidsOf(after, 1)).toEqual(pidsOf(before));
    expect(after.instances.every((each) => each.restarts === 0)).toBe(true);
    // An adopted instance is watched like any other.
    const [adopted] = after.instances.filter((each) => each.revision === 1);
    process.kill(adopted?.pid ?? 0, 'SIGKILL');
    expect(await restarted(adopted, 5_000)).toMatchObject({ restarts: 1, memoryLimitBytes: adopted?.memoryLimitBytes, threads: adopted?.threads });
  });

  it('that starts anew ends instances that nobody wants any more, and starts those that died meanwhile', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, fraud);
    await worker.deployments.create(by, { ...fraud, name: 'other' });
    const [unwanted] = pidsOf(await worker.until('fraud', serves(1), 'fraud to serve'));
    const [dying] = pidsOf(await worker.until('other', serves(1), 'other to serve'));
    await worker.end('SIGKILL');
    process.kill(dying ?? 0, 'SIGKILL');
    await worker.deployments.remove(by, 'fraud');
    await worker.start();
    await waitFor(() => !isAlive(unwanted ?? 0), { what: 'the unwanted instance to end' });
    const view = await worker.until('other', (at) => serves(1)(at) && !pidsOf(at).includes(dying ?? 0), 'the dead one to be replaced');
    expect(view.instances).toHaveLength(1);
    // Of what the system keeps for them, too, nothing is left but what lives.
    await waitFor(() => memoryGroups().join() === view.instances[0]?.id || memoryGroups().length === 0, { what: 'the other groups to be removed' });
    await worker.end('SIGTERM');
    expect(memoryGroups()).toEqual([]);
  });

  it('that is told to leave ends its instances within five seconds; the next one starts them again', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, { ...fraud, replicas: 2 });
    const before = await worker.until('fraud', serves(1), 'it to serve');
    const tookMs = await worker.end('SIGTERM');
    expect(pidsOf(before).some(isAlive)).toBe(false);
    expect(tookMs).toBeLessThan(5_000);
    expect((await worker.view('fraud')).status).toBe('UNAVAILABLE');
    await worker.start();
    const after = await worker.until('fraud', serves(1), 'it to serve again');
    expect(after.instances.map((each) => each.id).sort()).toEqual(before.instances.map((each) => each.id).sort());
  });

  it('does not touch a process that has got the number of one of its own', async () => {
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      await worker.addModel('fraud');
      await worker.start();
      await worker.end('SIGTERM');
      const record = { instanceId: 'ins_01', pid: stranger.pid, startTime: '1', restarts: 0, hasBeenReady: true };
      await writeFile(join(worker.home, 'run', 'ins_01.process.json'), JSON.stringify(record));
      await worker.start();
      await waitFor(() => !existsSync(join(worker.home, 'run', 'ins_01.process.json')), { what: 'the stale record to be removed' });
      expect(stranger.exitCode).toBe(null);
      expect(isAlive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});

const call = { predictionId: 'prd_1', deadlineMs: 5_000, priority: 0, kind: 'probe' as const, modelName: 'fraud', contentType: 'application/json' };

/** What a ready instance of a revision of "fraud" answers to (1, 2). */
async function predict(running: RunningWorker, revision: number): Promise<number> {
  const view = await running.view('fraud');
  const instance = view.instances.find((at) => at.revision === revision && at.status === 'READY');
  const client = new InstanceClient({ address: await addressOf(running, instance?.id), role: 'gateway', reconnect: true });
  try {
    await waitFor(() => client.state === 'READY', { what: 'the connection to the instance' });
    const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] }));
    const reply = await new Promise<InferReply>((resolve) => client.infer({ ...call, body }, resolve));
    if (reply.kind !== 'result') throw new Error(JSON.stringify(reply));
    return JSON.parse(reply.body.toString('utf8')).outputs[0].data[0];
  } finally {
    client.close();
  }
}

/** Sums up as many zeros as its input says: each of them is four bytes that the process has to have. */
/** The first end of an instance that nobody had asked for, once it is written down. */
async function failure(): Promise<InstanceFailure> {
  const { id } = await worker.database.db.deployment.findFirstOrThrow();
  const span = { deploymentId: id, fromMs: 0, toMs: Date.now() + 60_000 };
  const store = new FailureStore(worker.database.pool);
  const [first] = await waitFor(
    async () => {
      const found = await store.instances(span, 1);
      return found.length > 0 && found;
    },
    { what: 'the failure to be written down' },
  );
  if (first === undefined) throw new Error('nothing was found');
  return first;
}

function bombModel(): Buffer {
  return writeModel({
    graph: {
      nodes: [
        { op: 'ConstantOfShape', inputs: ['size'], outputs: ['zeros'] },
        { op: 'ReduceSum', inputs: ['zeros'], outputs: ['y'], attributes: { keepdims: { int: 0 } } },
      ],
      inputs: [{ name: 'size', type: 7, dims: [1] }],
      outputs: [{ name: 'y', type: 1, dims: [] }],
    },
  });
}

/** Makes a bomb take four bytes `size` times; how that ended. */
async function allocate(instance: InstanceView | undefined, size: number): Promise<InferReply['kind']> {
  const client = new InstanceClient({ address: await addressOf(worker, instance?.id), role: 'gateway', reconnect: false });
  try {
    await waitFor(() => client.state === 'READY', { what: 'a connection' });
    const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'size', datatype: 'INT64', shape: [1], data: [size] }] }));
    return (await new Promise<InferReply>((resolve) => client.infer({ ...call, body }, resolve))).kind;
  } finally {
    client.close();
  }
}

/** What an instance was told at its last start. */
async function threadsOf(instance: InstanceView | undefined): Promise<number> {
  return JSON.parse(await readFile(join(worker.home, 'run', `${instance?.id}.spec.json`), 'utf8')).session.intraOpThreads;
}

/** Control groups of this home's instances; none where the system has none or lets us make none. */
function memoryGroups(): string[] {
  const { groups } = MemoryGroups.open(worker.home, totalmem());
  return groups === undefined ? [] : readdirSync(groups.folder, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? [each.name] : []));
}

async function addressOf(running: RunningWorker, instanceId: string | undefined): Promise<string> {
  return (await running.database.db.instance.findUniqueOrThrow({ where: { id: instanceId ?? '' } })).address ?? '';
}

async function restarted(before: InstanceView | undefined, timeoutMs: number): Promise<InstanceView> {
  const back = (view: DeploymentView) => view.instances.find((each) => each.id === before?.id && each.status === 'READY' && each.pid !== before.pid);
  const view = await worker.until('fraud', (at) => back(at) !== undefined, 'the instance to be ready again', timeoutMs);
  const instance = back(view);
  if (instance === undefined) throw new Error('it was there a moment ago');
  return instance;
}

function pidsOf(view: DeploymentView, revision?: number): number[] {
  return view.instances.flatMap(({ pid, revision: of }) => (pid === null || (revision !== undefined && of !== revision) ? [] : [pid])).sort();
}
