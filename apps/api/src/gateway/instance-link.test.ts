import type { InferReply } from '@slipway/inference';
import { waitUntil } from '@slipway/inference/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InstanceLink } from './instance-link.js';
import { ToldInstance } from './testing/told-instance.js';

let instance: ToldInstance;
let link: InstanceLink;

beforeEach(async () => {
  instance = await ToldInstance.open();
  link = new InstanceLink(instance.target, instance.revisionId, 1_000_000);
  await waitUntil(() => link.isLive, 'the link is up');
});
afterEach(async () => {
  link.client.close();
  await instance.close();
});

/** Sends a request and tells the link of its end, as an exchange does. */
function send(): number {
  const onReply = (reply: InferReply) => {
    if (reply.kind === 'result') link.succeeded(reply);
    else link.answered();
  };
  return link.client.infer({ predictionId: 'p', deadlineMs: 1_000, priority: 0, kind: 'live', modelName: 'm', body: Buffer.from('{}') }, onReply);
}

/** Its caller leaves. */
function giveUp(stream: number): void {
  link.client.cancel(stream);
  link.released();
}

async function held(count: number): Promise<void> {
  await waitUntil(() => instance.held.length === count, `${count} requests are inside`);
}

async function pass(ms: number): Promise<void> {
  const until = performance.now() + ms;
  await waitUntil(() => performance.now() >= until, 'time has passed');
}

describe('the time that requests take of an instance', () => {
  it('counts the gaps between answers while there was always another to give', async () => {
    send();
    send();
    await held(2);
    instance.answer();
    await waitUntil(() => link.outstanding === 1, 'the first answer is here');
    await pass(40);
    instance.answer();
    await waitUntil(() => link.outstanding === 0, 'the second answer is here');
    expect(link.requestMicros).toBeGreaterThan(20_000);
  });

  it.each([
    { name: 'was given up', end: giveUp },
    { name: 'was refused', end: () => instance.refuse() },
  ])('takes no quiet time for work after the last request inside $name', async ({ end }) => {
    send();
    const last = send();
    await held(2);
    instance.answer();
    await waitUntil(() => link.outstanding === 1, 'one is left');
    end(last);
    await waitUntil(() => link.outstanding === 0, 'none is left');
    const before = link.requestMicros;
    await pass(20);
    send();
    await held(1);
    instance.answer();
    await waitUntil(() => link.outstanding === 0, 'the answer after the pause is here');
    expect(link.requestMicros).toBe(before);
  });
});
