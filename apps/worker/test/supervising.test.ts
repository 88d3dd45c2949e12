import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeploymentView, InstanceView } from '@slipway/contracts';
import { type InferReply, InstanceClient } from '@slipway/inference';
import { linearModel, loopModel } from '@slipway/inference/testing';
import { waitFor } from '@slipway/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CuttableDatabase } from './cuttable-database.js';
import { by, isAlive, RunningWorker, serves, spec } from './running-worker.js';

const loopSignature = {
  inputs: [{ name: 'turns', datatype: 'INT64' as const, shape: [] }],
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
  });

  it('that dies three times within a minute has failed and is replaced by another', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, fraud);
    let [instance] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    for (let death = 1; death <= 3; death += 1) {
      process.kill(instance?.pid ?? 0, 'SIGKILL');
      if (death < 3) instance = await restarted(instance, 10_000);
    }
    const view = await worker.until(
      'fraud',
      (at) => at.instances.some((each) => each.id !== instance?.id && each.status === 'READY'),
      'its replacement',
    );
    expect(view.instances.find((each) => each.id === instance?.id)).toMatchObject({ status: 'FAILED', restarts: 2 });
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

  it('that hangs is ended after the deadline and started again', async () => {
    await worker.addModel('loop', [loopModel()], loopSignature);
    await worker.start({ SLIPWAY_DEFAULT_DEADLINE_MS: '3000' });
    await worker.deployments.create(by, { ...fraud, name: 'fraud', model: 'loop' });
    const [before] = (await worker.until('fraud', serves(1), 'it to serve')).instances;
    const client = new InstanceClient({ address: await addressOf(worker, before?.id), role: 'gateway', reconnect: false });
    await waitFor(() => client.state === 'READY', { what: 'a connection' });
    const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'turns', datatype: 'INT64', shape: [], data: [1e12] }] }));
    const reply = await new Promise<InferReply>((resolve) => client.infer({ ...call, body }, resolve));
    expect(reply.kind).toBe('gone');
    expect(await restarted(before, 15_000)).toMatchObject({ restarts: 1, reason: expect.stringMatching(/has not answered for \d+ s/) });
  });

  it('that needs more memory than it may have is ended, and in the end failed with that reason', async () => {
    await worker.addModel('fraud');
    await worker.start();
    // Less than the program itself takes.
    await worker.deployments.create(by, { ...fraud, spec: { ...spec, memoryLimitBytes: 64 * 1024 * 1024 } });
    await worker.until(
      'fraud',
      (view) => view.instances.some((each) => /MiB of memory; its limit is 64 MiB/.test(each.reason ?? '')),
      'the limit to be told',
      30_000,
    );
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
    expect(await restarted(adopted, 5_000)).toMatchObject({ restarts: 1 });
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
