import { type InferReply, InstanceClient } from '@slipway/inference';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { by, RunningWorker, serves, spec } from './running-worker.js';

let worker: RunningWorker;
beforeAll(async () => {
  worker = await RunningWorker.open();
  await worker.addModel('fraud');
  await worker.start();
});
afterAll(() => worker.close());

describe('a deployment', () => {
  it('is served by a real instance, is updated, and is rolled back to a warm revision', async () => {
    await worker.deployments.create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec });
    const first = await worker.until('fraud', serves(1), 'revision 1 to serve');
    expect(first.revisions[0]).toMatchObject({ revision: 1, version: 1, warm: true, weightPercent: 100, activatedAt: expect.any(String) });
    expect(await answerOf(worker, 'fraud', 1)).toBeCloseTo(1 + 2 * 2 + 1);

    await worker.revisions.create(by, 'fraud', { version: 2, strategy: 'all-at-once' });
    const second = await worker.until('fraud', serves(2), 'revision 2 to serve');
    expect(second.rollout).toMatchObject({ status: 'COMPLETED', fromRevision: 1, toRevision: 2 });
    expect(second.revisions.find((revision) => revision.revision === 1)).toMatchObject({ warm: true, retiredAt: expect.any(String) });

    await worker.rollbacks.rollBack(by, 'fraud', { reason: 'it is worse' });
    // In effect with the wish alone: no waiting here.
    expect((await worker.view('fraud')).split).toEqual([{ revision: 1, version: 1, weightPercent: 100 }]);
    await waitFor(async () => (await worker.database.db.deployment.findFirstOrThrow()).activeRevisionId === first.revisions[0]?.id, {
      what: 'the worker to write down the active revision',
    });
    const back = await worker.view('fraud');
    expect(back.revisions.find((revision) => revision.revision === 1)).toMatchObject({ retiredAt: null, weightPercent: 100 });
    expect(back.revisions.find((revision) => revision.revision === 2)).toMatchObject({ warm: true, retiredAt: expect.any(String) });
  });
});

async function answerOf(running: RunningWorker, name: string, revision: number): Promise<number> {
  const view = await running.view(name);
  const instance = view.instances.find((at) => at.revision === revision && at.status === 'READY');
  const row = await running.database.db.instance.findUniqueOrThrow({ where: { id: instance?.id ?? '' } });
  const client = new InstanceClient({ address: row.address ?? '', role: 'gateway', reconnect: true });
  try {
    await waitFor(() => client.state === 'READY', { what: 'the connection to the instance' });
    const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] }));
    const call = {
      predictionId: 'prd_1',
      deadlineMs: 5_000,
      priority: 0,
      kind: 'probe' as const,
      modelName: name,
      contentType: 'application/json',
      body,
    };
    const reply = await new Promise<InferReply>((resolve) => client.infer(call, resolve));
    if (reply.kind !== 'result') throw new Error(JSON.stringify(reply));
    return JSON.parse(reply.body.toString('utf8')).outputs[0].data[0];
  } finally {
    client.close();
  }
}
