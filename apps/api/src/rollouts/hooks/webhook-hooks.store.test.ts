import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RolloutPlan } from '@slipway/contracts';
import type { HookWord, PlannedMove, RolloutAtHand } from '@slipway/deployments';
import { ReceiverStore } from '@slipway/metrics';
import { Egress, newId, parseEgressAllow, signWebhook, toJson } from '@slipway/platform';
import { type TestDatabase, testDatabase, waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { HookLogStore } from './hook-log.store.js';
import { WebhookHooks } from './webhook-hooks.js';

const masterKey = new Uint8Array(32).fill(5);
const projectId = 'prj_default';
const by = { projectId, actor: 'key:test' };
const move: PlannedMove = { action: 'stage_entered', phase: 'step', stage: 1, weightPercent: 10 };
const servers: Server[] = [];
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ max: 5 });
});
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));
afterAll(() => database.close());

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Reply = { readonly status: number; readonly body?: string } | 'silence';

/** A real receiver that answers what it is told, the last again and again. */
async function receiver(...replies: readonly Reply[]): Promise<{ name: string; secret: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const reply = replies[Math.min(received.length, replies.length - 1)] ?? { status: 204 };
      received.push({ headers: request.headers, body: Buffer.concat(pieces).toString('utf8') });
      if (reply !== 'silence') response.writeHead(reply.status).end(reply.body);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const name = `hook-${newId('rcv').slice(-10).toLowerCase()}`;
  const { secret } = await new ReceiverStore(database.db, masterKey).create(by, { kind: 'WEBHOOK', name, url: `http://127.0.0.1:${port}/hook` });
  return { name, secret: secret ?? '', received };
}

const says = (decision: string, reason?: string): Reply => ({ status: 200, body: JSON.stringify({ decision, reason }) });

function hooks(now?: () => number): WebhookHooks {
  return new WebhookHooks({
    receivers: new ReceiverStore(database.db, masterKey),
    log: new HookLogStore(database.db),
    egress: new Egress({ allow: parseEgressAllow(['127.0.0.1']), ownHosts: [], timeoutMs: 60_000 }),
    ...(now === undefined ? {} : { now }),
  });
}

async function rollout(
  ...wishes: { receiver: string; mode?: 'ask' | 'tell'; timeoutSeconds?: number; onFailure?: 'go' | 'hold' | 'abort' }[]
): Promise<RolloutAtHand> {
  const { db } = database;
  const suffix = newId('rol').slice(-12).toLowerCase();
  const plan = RolloutPlan.parse({
    strategy: 'canary',
    stages: [{ kind: 'step', weightPercent: 1 }],
    hooks: wishes.map((wish) => ({ mode: 'ask', ...wish })),
  });
  const id = newId('rol');
  await db.model.create({ data: { id: newId('mdl'), projectId, name: suffix, nameFolded: suffix } });
  const model = await db.model.findFirstOrThrow({ where: { name: suffix } });
  const deployment = await db.deployment.create({
    data: { id: newId('dep'), projectId, name: suffix, nameFolded: suffix, modelId: model.id, createdBy: 'key:test' },
  });
  await db.rollout.create({
    data: { id, deploymentId: deployment.id, epoch: 1, toRevisionId: 'rev_x', strategy: 'canary', plan: toJson(plan), createdBy: 'key:test' },
  });
  const at = new Date('2026-01-02T03:04:05Z');
  return {
    id,
    projectId,
    deploymentId: deployment.id,
    deploymentName: suffix,
    plan,
    phase: 'step',
    stage: 0,
    fromRevisionId: 'rev_w',
    toRevisionId: 'rev_x',
    fromVersionId: 'ver_1',
    toVersionId: 'ver_2',
    fromVersion: 1,
    toVersion: 2,
    startedAt: at,
    stageStartedAt: at,
    judgedAt: undefined,
    createdBy: 'key:test',
  };
}

/** Asks as the pilot does: again and again until there is a word. */
async function word(of: WebhookHooks, about: RolloutAtHand): Promise<HookWord> {
  let last: HookWord = { kind: 'wait', waitingFor: '' };
  await waitFor(async () => {
    last = await of.ask(about, move);
    return last.kind !== 'wait';
  });
  return last;
}

const walk = (id: string) => database.db.rolloutTransition.findMany({ where: { rolloutId: id }, orderBy: { sequence: 'asc' } });

it('asks once, signed, and writes the answer into the walk', async () => {
  const one = await receiver(says('go', 'looks fine'));
  const about = await rollout({ receiver: one.name });
  const asked = hooks();
  expect(await word(asked, about)).toEqual({ kind: 'go' });
  expect(await asked.ask(about, move)).toEqual({ kind: 'go' });
  expect(one.received).toHaveLength(1);
  const [{ headers, body }] = one.received as [Received];
  const id = String(headers['webhook-id']);
  expect(headers['webhook-signature']).toBe(signWebhook(one.secret, { id, timestampSeconds: Number(headers['webhook-timestamp']), body }));
  expect(JSON.parse(body)).toMatchObject({ type: 'rollout.asked', data: { rollout: { id: about.id, fromVersion: 1, toVersion: 2 }, move } });
  const transitions = await walk(about.id);
  expect(transitions).toMatchObject([
    { action: 'hook_asked', actor: `hook:${one.name}`, status: 'PROGRESSING', reason: `the hook "${one.name}" says go: looks fine` },
  ]);
});

it('heeds the worst word of several hooks, and asks again after a hold', async () => {
  const [one, other] = [await receiver(says('go')), await receiver(says('hold', 'wait for the release meeting'), says('go'))];
  const about = await rollout({ receiver: one.name }, { receiver: other.name });
  const asked = hooks();
  expect(await word(asked, about)).toEqual({ kind: 'hold', reason: `the hook "${other.name}" says hold: wait for the release meeting` });
  expect(await word(asked, about)).toEqual({ kind: 'go' });
  expect(other.received).toHaveLength(2);
});

it.each([
  { name: 'abort is abort', reply: says('abort', 'no'), onFailure: 'go', kind: 'abort' },
  { name: 'an answer without a decision is a failure', reply: { status: 200, body: 'ok' }, onFailure: 'hold', kind: 'hold' },
  { name: 'a word counts though its reason cannot be kept', reply: says('abort', 'a\0b\ud800'), onFailure: 'go', kind: 'abort' },
  { name: 'a word counts though its reason is too long', reply: says('abort', 'x'.repeat(5_000)), onFailure: 'go', kind: 'abort' },
  {
    name: 'a word counts though its reason is no text',
    reply: { status: 200, body: '{"decision":"abort","reason":[1]}' },
    onFailure: 'go',
    kind: 'abort',
  },
  { name: 'a refusal is a failure', reply: { status: 404 }, onFailure: 'abort', kind: 'abort' },
  { name: 'silence is a failure when the time is over', reply: 'silence', onFailure: 'go', kind: 'go' },
] as const)('$name', async ({ reply, onFailure, kind }) => {
  const one = await receiver(reply);
  const about = await rollout({ receiver: one.name, onFailure, timeoutSeconds: 1 });
  expect((await word(hooks(), about)).kind).toBe(kind);
  expect(one.received).toHaveLength(1);
  expect((await walk(about.id)).map(({ action }) => action)).toEqual(['hook_asked']);
});

it('tries a hook that stumbles three times, under one id, and no more', async () => {
  const [recovers, fails] = [await receiver({ status: 503 }, says('go')), await receiver({ status: 503 })];
  expect(await word(hooks(), await rollout({ receiver: recovers.name }))).toEqual({ kind: 'go' });
  expect(new Set(recovers.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect((await word(hooks(), await rollout({ receiver: fails.name, onFailure: 'hold' }))).kind).toBe('hold');
  expect(fails.received).toHaveLength(3);
});

it('a receiver that does not exist is what the plan says of failures', async () => {
  const about = await rollout({ receiver: 'nobody', onFailure: 'abort' });
  expect(await word(hooks(), about)).toMatchObject({ kind: 'abort', reason: expect.stringContaining('no such receiver') });
});

it('tells each transition once, through the deliveries of notices', async () => {
  const one = await receiver({ status: 204 });
  const about = await rollout({ receiver: one.name, mode: 'tell' });
  const row = (sequence: number, action: string) => ({
    id: newId('rtr'),
    rolloutId: about.id,
    sequence,
    actor: 'system:rollouts',
    action,
    status: 'PROGRESSING',
    phase: 'step',
    weightPercent: 1,
  });
  await database.db.rolloutTransition.createMany({ data: [row(1, 'started'), row(2, 'hook_asked'), row(3, 'stage_entered')] });
  const told = hooks();
  await Promise.all([told.tell(about.id), hooks().tell(about.id)]);
  await database.db.rolloutTransition.create({ data: row(4, 'held') });
  await told.tell(about.id);
  await told.tell(about.id);
  const deliveries = await database.db.delivery.findMany({ where: { receiver: { name: one.name } }, orderBy: { id: 'asc' } });
  expect(deliveries.map(({ kind }) => kind)).toEqual(['rollout', 'rollout', 'rollout']);
  expect(deliveries.map(({ payload }) => Reflect.get(Object(payload), 'type'))).toEqual(['rollout.started', 'rollout.stage_entered', 'rollout.held']);
});
