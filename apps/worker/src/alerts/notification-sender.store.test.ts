import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDeliveries, DeliveryStore, type HookNotice, ReceiverStore } from '@slipway/metrics';
import { Egress, newId, parseEgressAllow, signWebhook } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NotificationSender } from './notification-sender.js';

const masterKey = new Uint8Array(32).fill(3);
const by = { projectId: 'prj_default', actor: 'key:test' };
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ max: 3 });
});
afterAll(() => database.close());

it('sends what hooks of rollouts are told as it is, signed; mail receivers cannot be hooks', async () => {
  const received: { headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(pieces).toString('utf8') });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an AddressInfo.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const receivers = new ReceiverStore(database.db, masterKey);
  const { view: hook, secret = '' } = await receivers.create(by, { kind: 'WEBHOOK', name: 'hook', url });
  const { view: mail } = await receivers.create(by, { kind: 'EMAIL', name: 'mail', to: ['a@b.example'] });
  const payload: HookNotice = { type: 'rollout.held', timestamp: '2026-01-02T03:04:05.000Z', data: { rollout: { id: 'rol_1' }, reason: 'labels' } };
  const transition = newId('rtr');
  await database.db.$transaction((tx) =>
    createDeliveries(
      tx,
      [hook, mail].map(({ id }) => ({
        projectId: by.projectId,
        receiverId: id,
        alertId: null,
        key: `${transition}.${id}`,
        kind: 'rollout' as const,
        payload,
      })),
    ),
  );
  const deliveries = new DeliveryStore(database.db);
  const egress = new Egress({ allow: parseEgressAllow(['127.0.0.1']), ownHosts: [] });
  const sender = new NotificationSender({ deliveries, receivers, masterKey, egress, mail: undefined });
  const rows = await database.db.delivery.findMany({ include: { receiver: true } });
  const sent = Object.fromEntries(await Promise.all(rows.map(async ({ id, receiver }) => [receiver.name, await sender.deliver(id)])));
  expect(sent).toEqual({ hook: 'DELIVERED', mail: 'DEAD' });
  const [{ headers, body } = { headers: {}, body: '' }] = received;
  expect(JSON.parse(body)).toEqual(payload);
  const id = String(headers['webhook-id']);
  expect(id).toBe(`${transition}_${hook.id}`);
  expect(headers['webhook-signature']).toBe(signWebhook(secret, { id, timestampSeconds: Number(headers['webhook-timestamp']), body }));
  await new Promise((resolve) => server.close(resolve));
});
