import { rankOf } from '@slipway/inference';
import { waitUntil } from '@slipway/inference/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { InstanceLink } from './instance-link.js';
import { RevisionLane } from './revision-lane.js';
import type { RoutedEntry } from './routed-entry.js';
import { deploymentOf } from './testing/deployment-rows.js';
import { ToldInstance } from './testing/told-instance.js';

let instance: ToldInstance;
let link: InstanceLink;
let lane: RevisionLane;
let sent: string[] = [];

beforeEach(async () => {
  sent = [];
  instance = await ToldInstance.open();
  link = new InstanceLink(instance.target, instance.revisionId, 1_000_000);
  await waitUntil(() => link.isLive, 'the link is up');
  const [revision] = deploymentOf().revisions;
  if (revision === undefined) throw new Error('the sketch has no revision');
  lane = new RevisionLane(revision);
  lane.update(revision, [link]);
});
afterEach(async () => {
  link.client.close();
  await instance.close();
});

/** A request as a lane sees it: sends itself when told to, and notes that. */
function entryOf(name: string, kind: 'live' | 'batch'): RoutedEntry {
  return {
    version: undefined,
    routingKey: name,
    rank: rankOf(kind, 0),
    deadlineAt: performance.now() + 10_000,
    fingerprint: name,
    place: undefined,
    queue: undefined,
    send: (to) => {
      sent.push(name);
      const call = { predictionId: name, deadlineMs: 10_000, priority: 0, kind, modelName: 'm', body: Buffer.from('{}') };
      to.client.infer(call, (reply) => (reply.kind === 'result' ? to.succeeded(reply) : to.answered()));
    },
    refuse: ({ kind: why }) => void sent.push(`${name} refused: ${why}`),
    unroutable: () => undefined,
    onDeadline: () => undefined,
  };
}

it('sends live work past batch work that waits for an idle instance', async () => {
  lane.offer(entryOf('first', 'live'));
  lane.offer(entryOf('batch', 'batch'));
  lane.offer(entryOf('second', 'live'));
  expect(sent).toEqual(['first', 'second']);
  await waitUntil(() => instance.held.length === 2, 'both are inside');
  instance.answer();
  await waitUntil(() => link.outstanding === 1, 'one is answered');
  expect(sent).toEqual(['first', 'second']);
  instance.answer();
  await waitUntil(() => sent.length === 3, 'the batch work follows');
  expect(sent).toEqual(['first', 'second', 'batch']);
});

it('keeps requests for an instance that was just proven and is not connected yet, however long it took to load', async () => {
  const [revision] = deploymentOf().revisions;
  if (revision === undefined) throw new Error('the sketch has no revision');
  const target = { instanceId: 'ins_9', address: 'unix:/nowhere/9.sock', ready: false };
  const late = new InstanceLink(target, instance.revisionId, 1_000_000);
  const fresh = new RevisionLane(revision);
  const refused: string[] = [];
  const entry = (name: string): RoutedEntry => ({
    ...entryOf(name, 'live'),
    deadlineAt: performance.now() + 60_000,
    refuse: () => refused.push(name),
  });
  try {
    fresh.update(revision, [late]);
    const later = performance.now() + 10_000;
    vi.spyOn(performance, 'now').mockImplementation(() => later);
    fresh.offer(entry('before'));
    late.update({ ...target, ready: true });
    fresh.update(revision, [late]);
    fresh.offer(entry('after'));
    expect([refused, fresh.waitingCount]).toEqual([['before'], 1]);
  } finally {
    vi.restoreAllMocks();
    fresh.takeWaiting();
    late.client.close();
  }
});
