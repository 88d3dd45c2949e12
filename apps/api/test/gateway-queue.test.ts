import { waitFor } from '@slipway/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type InstanceSketch, Instances, loopBody, snapshotOf, TestGateway } from './gateway-harness.js';

const loop: InstanceSketch = { instanceId: 'ins_loop', revision: 1, model: 'loop' };
const endless = loopBody(1_000_000_000);

let instances: Instances;
let gateway: TestGateway;

beforeEach(async () => {
  instances = await Instances.open();
  // Whoever says so is a part of Slipway here; in the product a token says so.
  gateway = await TestGateway.open({
    admit: (request) => ({ ok: true, projectId: 'prj_default', isInternal: request.headers['x-internal'] === 'yes' }),
  });
});
afterEach(async () => {
  await gateway.close();
  await instances.close();
});

async function serve(maxQueue?: number): Promise<void> {
  await instances.start(loop);
  gateway.core.apply(snapshotOf(instances, [loop], 1, maxQueue === undefined ? {} : { maxQueue }));
  await gateway.untilReady(1);
}

async function restart(): Promise<void> {
  await gateway.untilReady(0);
  await instances.start(loop);
  await gateway.untilReady(1);
}

/** A request that takes some tens of milliseconds, told apart by its number. */
const work = (number: number): string => loopBody(100_000 + number);

describe('an input that ends its instance', () => {
  it('is refused with 422 after the second death, and nothing else is', async () => {
    await serve();
    for (let death = 0; death < 2; death++) {
      const answer = await gateway.infer(endless, { 'slipway-deadline-ms': '300' });
      expect(answer.status).toBe(504);
      await restart();
    }
    const refused = await gateway.infer(endless, { 'slipway-deadline-ms': '300' });
    expect(refused.status).toBe(422);
    expect(refused.headers['slipway-error']).toBe('INPUT_QUARANTINED');
    expect((await gateway.infer(loopBody(1))).status).toBe(200);
  });

  it('takes down with it no neighbour that shares its instance, and they are not blamed', async () => {
    await serve();
    const bad = gateway.infer(endless, { 'slipway-deadline-ms': '300' });
    const neighbours = [1, 2, 3].map((number) => gateway.infer(work(number)));
    expect((await bad).status).toBe(504);
    await restart();
    const answers = await Promise.all(neighbours);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});

describe('the queue of a deployment', () => {
  it('serves the higher priority first, and batch work last', async () => {
    await serve();
    const order: string[] = [];
    const send = async (name: string, number: number, headers: Record<string, string>): Promise<Answer> => {
      const answer = await gateway.infer(work(number), headers);
      order.push(name);
      return answer;
    };
    // The first few fill the instance; the others wait in the gateway.
    const first = Array.from({ length: 8 }, (_, index) => gateway.infer(work(index)));
    await waitFor(() => gateway.core.inFlight === 8, { what: 'the instance to be full' });
    const rest = [
      send('batch', 10, { 'x-internal': 'yes', 'slipway-kind': 'batch' }),
      send('low', 11, { 'slipway-priority': '200' }),
      send('default', 12, {}),
      send('high', 13, { 'slipway-priority': '1' }),
    ];
    const answers = await Promise.all([...first, ...rest]);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(order).toEqual(['high', 'default', 'low', 'batch']);
    // Only what is live counts as traffic.
    expect(gateway.samples).toHaveLength(11);
  });

  it('takes no word of an outsider on what a request is for', async () => {
    await serve();
    const { headers } = await gateway.infer(loopBody(1), { 'slipway-kind': 'probe' });
    expect(gateway.samples).toHaveLength(1);
    expect(headers['slipway-compute-micros']).toBeUndefined();
  });

  it("tells Slipway's own callers how long the model took", async () => {
    await serve();
    const { headers } = await gateway.infer(loopBody(1), { 'x-internal': 'yes', 'slipway-kind': 'batch' });
    expect(Number(headers['slipway-compute-micros'])).toBeGreaterThan(0);
  });

  it('lets batch work give way when it is full', async () => {
    await serve(2);
    const first = Array.from({ length: 8 }, (_, index) => gateway.infer(work(index)));
    await waitFor(() => gateway.core.inFlight === 8, { what: 'the instance to be full' });
    const batch = [20, 21].map((number) => gateway.infer(work(number), { 'x-internal': 'yes', 'slipway-kind': 'batch' }));
    await waitFor(() => gateway.core.inFlight === 10, { what: 'the queue to be full' });
    const live = [30, 31].map((number) => gateway.infer(work(number)));
    const displaced = await Promise.all(batch);
    expect(displaced.map(({ status }) => status)).toEqual([429, 429]);
    expect(displaced.map(({ headers }) => headers['retry-after'])).toEqual(['1', '1']);
    expect((await Promise.all([...first, ...live])).every(({ status }) => status === 200)).toBe(true);
  });

  it('refuses at once what it could not answer in time, and says how long the wait would be', async () => {
    await serve();
    // Enough answers to know how long a request takes: some milliseconds, on a slow machine some tens of them.
    const short = (number: number): string => loopBody(20_000 + number);
    for (let index = 0; index < 20; index++) await gateway.infer(short(index));
    const long = Array.from({ length: 60 }, (_, index) => gateway.infer(short(index)));
    await waitFor(() => gateway.core.inFlight > 15, { what: 'a long queue', everyMs: 1 });
    const answer = await gateway.infer(short(1), { 'slipway-deadline-ms': '20' });
    // Not 504, which would be the end of a wait.
    expect(answer.status).toBe(429);
    expect(answer.text).toMatch(/the wait would be/);
    await Promise.all(long);
  });
});
