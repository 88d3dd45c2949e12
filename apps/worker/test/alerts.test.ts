import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AlertRuleStore,
  createRegistry,
  DeliveryStore,
  fingerprint,
  ReceiverStore,
  ServingRecorder,
  ServingWindowStore,
  WebhookPayload,
  webhookPayload,
} from '@slipway/metrics';
import { Egress, loadMasterKey, newId, parseEgressAllow, toJson } from '@slipway/platform';
import { type TestDatabase, testDatabase, waitFor } from '@slipway/platform/testing';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { MailClient } from '../src/alerts/mail.client.js';
import { NotificationSender } from '../src/alerts/notification-sender.js';
import { RunningWorker, spec } from './running-worker.js';

const masterKey = new Uint8Array(32).fill(3);
const by = { projectId: 'prj_default', actor: 'key:test' };
let database: TestDatabase;
const closing: (() => Promise<unknown> | unknown)[] = [];
beforeAll(async () => {
  database = await testDatabase({ max: 5 });
});
afterAll(() => database.close());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A real receiver; it answers what `answers` says, the last one again and again. */
async function webhookReceiver(...answers: { status: number; headers?: Record<string, string> }[]): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { status, headers } = answers[Math.min(received.length, answers.length - 1)] ?? { status: 204 };
      received.push({ headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])), body });
      response.writeHead(status, headers).end();
    });
  });
  return { url: `http://127.0.0.1:${await listen(server)}/hook`, received };
}
async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('utf8');
}
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  // A TCP server that listens has an AddressInfo.
  return (server.address() as AddressInfo).port;
}

/** A real mail server that keeps what it is given. */
async function mailServer(options: SMTPServerOptions = {}): Promise<{ url: string; mails: { raw: string; to: string[] }[] }> {
  const mails: { raw: string; to: string[] }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    ...options,
    onData: (stream, session, done) => {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        mails.push({ raw: Buffer.concat(pieces).toString('utf8'), to: session.envelope.rcptTo.map(({ address }) => address) });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise<void>((resolve) => server.close(resolve)));
  return { url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`, mails };
}

function sender(over: { smtpUrl?: string; now?: () => number; allow?: string[] } = {}): NotificationSender {
  const mail = over.smtpUrl === undefined ? undefined : new MailClient(over.smtpUrl, 'Slipway <slipway@ship.example>');
  if (mail !== undefined) closing.push(() => mail.close());
  return new NotificationSender({
    deliveries: new DeliveryStore(database.db),
    receivers: new ReceiverStore(database.db, masterKey),
    masterKey,
    egress: new Egress({ allow: parseEgressAllow(over.allow ?? ['127.0.0.1']), ownHosts: [] }),
    mail,
    random: () => 0,
    ...(over.now === undefined ? {} : { now: over.now }),
  });
}

async function receiver(wish: { url: string } | { to: string[] }): Promise<{ id: string; name: string; secret: string }> {
  const name = `r-${newId('rcv').slice(-10)}`;
  const stores = new ReceiverStore(database.db, masterKey);
  const { view, secret } = await stores.create(by, 'url' in wish ? { kind: 'WEBHOOK', name, url: wish.url } : { kind: 'EMAIL', name, to: wish.to });
  return { id: view.id, name, secret: secret ?? '' };
}

/** A firing alert with its notice, as the evaluation writes them. */
async function notice(
  receiverId: string,
  over: { kind?: 'firing' | 'resolved'; labels?: Record<string, string>; episode?: { alertId: string; at: Date } } = {},
) {
  const { kind = 'firing' } = over;
  const labels = { alertname: 'too-many-errors', deployment: 'fraud', kind: 'error_ratio', project: 'prj_default', severity: 'page', ...over.labels };
  const at = over.episode?.at ?? new Date('2026-01-02T03:04:05Z');
  const alertId = over.episode?.alertId ?? (await alertRow(labels, at));
  const resolvedAt = kind === 'resolved' ? new Date('2026-01-02T04:04:05Z') : null;
  const annotations = {
    summary: 'fraud: share of failed requests is above its limit',
    description: '20 % of 10 requests failed; the limit is 10 %.',
  };
  const payload = webhookPayload('r', 'http://slipway.test', {
    labels,
    annotations,
    startsAt: at,
    resolvedAt,
    fingerprint: fingerprint(labels),
    url: `http://slipway.test/alerts/${alertId}`,
  });
  const id = newId('dlv');
  const key = `${alertId}.${at.getTime()}.${kind}.${receiverId}`;
  await database.db.delivery.create({ data: { id, projectId: 'prj_default', receiverId, alertId, key, kind, payload: toJson(payload) } });
  return { id, key, alertId, at, payload };
}
async function alertRow(labels: Record<string, string>, firingAt: Date): Promise<string> {
  const ruleId = newId('rul');
  const rule = {
    id: ruleId,
    projectId: 'prj_default',
    name: ruleId,
    kind: 'error_ratio',
    deploymentId: 'dep_1',
    params: {},
    forSeconds: 0,
    severity: 'page',
    createdBy: 'key:test',
  };
  await database.db.alertRule.create({ data: rule });
  const id = newId('alr');
  const alert = {
    id,
    projectId: 'prj_default',
    ruleId,
    deploymentId: 'dep_1',
    fingerprint: fingerprint(labels),
    labels,
    annotations: {},
    state: 'firing',
    firingAt,
  };
  await database.db.alert.create({ data: alert });
  return id;
}
const deliveryOf = (id: string) => database.db.delivery.findUniqueOrThrow({ where: { id } });
const makeDue = (id: string) => database.pool.query(`update "Delivery" set "nextAttemptAt" = '2020-01-01' where "id" = $1`, [id]);

it('sends a signed webhook that the standard verifier accepts, in the version-4 form', async () => {
  const { url, received } = await webhookReceiver({ status: 204 });
  const { id: receiverId, secret } = await receiver({ url });
  const { id, payload } = await notice(receiverId);
  expect(await sender().deliver(id)).toBe('DELIVERED');
  const [request] = received;
  expect(request?.headers['content-type']).toBe('application/json');
  const verified: unknown = new Webhook(secret).verify(request?.body ?? '', request?.headers ?? {});
  expect(WebhookPayload.parse(verified)).toEqual(payload);
  expect(request?.body).toBe(JSON.stringify(payload));
  expect(() => new Webhook(secret).verify(`${request?.body} `, request?.headers ?? {})).toThrow();
  expect(await deliveryOf(id)).toMatchObject({ status: 'DELIVERED', attempts: 1, responseCode: 204, lastError: null });
  expect(await sender().deliver(id)).toBeUndefined();
  expect(received).toHaveLength(1);
});

it('keeps the id over retries, signs each attempt anew, and waits longer each time', async () => {
  const { url, received } = await webhookReceiver(
    { status: 500 },
    { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    { status: 429, headers: { 'retry-after': '900' } },
    { status: 200 },
  );
  const { id: receiverId, secret } = await receiver({ url });
  const { id } = await notice(receiverId);
  const clock = { ms: Date.now() };
  const sending = sender({ now: () => clock.ms });
  const waits: number[] = [];
  for (const status of ['PENDING', 'PENDING', 'PENDING', 'DELIVERED']) {
    expect(await sending.deliver(id)).toBe(status);
    const row = await deliveryOf(id);
    if (status === 'PENDING') waits.push(Math.round((row.nextAttemptAt.getTime() - Date.now()) / 1000));
    await makeDue(id);
    clock.ms += 1_000;
  }
  expect(waits.map((seconds, at) => Math.abs(seconds - ([5, 30, 900][at] ?? 0)) <= 2)).toEqual([true, true, true]);
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(new Set(received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(4);
  expect(new Set(received.map(({ headers }) => headers['webhook-signature'])).size).toBe(4);
  for (const { headers, body } of received) expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
});

it('gives up after the last attempt and can be sent again by hand', async () => {
  const { url, received } = await webhookReceiver({ status: 503 });
  const { id: receiverId } = await receiver({ url });
  const { id } = await notice(receiverId);
  const sending = sender();
  let status = await sending.deliver(id);
  while (status === 'PENDING') {
    await makeDue(id);
    status = await sending.deliver(id);
  }
  expect(received).toHaveLength(10);
  expect(await deliveryOf(id)).toMatchObject({ status: 'DEAD', attempts: 10, responseCode: 503, lastError: 'The receiver answered 503.' });
  await new DeliveryStore(database.db).replay(by, id);
  expect(await sending.deliver(id)).toBe('PENDING');
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
});

it('gives up in the end when the notice cannot be made at all', async () => {
  const { url, received } = await webhookReceiver();
  const { id: receiverId } = await receiver({ url });
  const { id } = await notice(receiverId);
  // As after a restore with another master key.
  await database.db.receiver.update({ where: { id: receiverId }, data: { secretSealed: 'v1.aaaa.bbbb.cccc' } });
  const sending = sender();
  let status = await sending.deliver(id);
  for (let attempt = 0; attempt < 12 && status === 'PENDING'; attempt += 1) {
    await makeDue(id);
    status = await sending.deliver(id);
  }
  expect(await deliveryOf(id)).toMatchObject({ status: 'DEAD', attempts: 10, lastError: expect.stringMatching(/could not be made/) });
  expect(received).toHaveLength(0);
});

it('switches off a receiver that answers 410', async () => {
  const { url, received } = await webhookReceiver({ status: 410 });
  const { id: receiverId, name } = await receiver({ url });
  const first = await notice(receiverId);
  const second = await notice(receiverId);
  expect(await sender().deliver(first.id)).toBe('DEAD');
  expect(await new ReceiverStore(database.db, masterKey).get('prj_default', name)).toMatchObject({ enabled: false });
  expect(await sender().deliver(second.id)).toBe('DEAD');
  expect(received).toHaveLength(1);
  const events = await database.db.event.findMany({ where: { subjectId: receiverId, action: 'receiver.disabled' } });
  expect(events).toHaveLength(1);
});

it('tells an alarm that ended meanwhile as resolved', async () => {
  const { url, received } = await webhookReceiver({ status: 503 }, { status: 200 });
  const { id: receiverId } = await receiver({ url });
  const { id, alertId } = await notice(receiverId);
  await sender().deliver(id);
  await database.db.alert.update({ where: { id: alertId }, data: { state: 'resolved', resolvedAt: new Date('2026-01-02T03:30:00Z') } });
  await makeDue(id);
  expect(await sender().deliver(id)).toBe('DELIVERED');
  expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ status: 'firing' });
  expect(JSON.parse(received[1]?.body ?? '')).toMatchObject({ status: 'resolved', alerts: [{ status: 'resolved', endsAt: '2026-01-02T03:30:00Z' }] });
});

it('sends nothing to an address that is not allowed, and says so', async () => {
  const { url, received } = await webhookReceiver({ status: 200 });
  const { id: receiverId } = await receiver({ url });
  const { id } = await notice(receiverId);
  expect(await sender({ allow: [] }).deliver(id)).toBe('DEAD');
  expect(received).toEqual([]);
  expect((await deliveryOf(id)).lastError).toMatch(/SLIPWAY_EGRESS_ALLOW/);
});

it('sends one webhook when many processes try at a time', async () => {
  const { url, received } = await webhookReceiver({ status: 200 });
  const { id: receiverId } = await receiver({ url });
  const { id } = await notice(receiverId);
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => sender().deliver(id)));
  expect(outcomes.filter((outcome) => outcome === 'DELIVERED')).toHaveLength(1);
  expect(received).toHaveLength(1);
});

/** Header lines of a raw mail, folded ones joined. */
function headersOf(raw: string): Map<string, string> {
  const [head = ''] = raw.split('\r\n\r\n');
  return new Map(
    head
      .replace(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line): [string, string] => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

it('sends a mail with text and HTML, and the resolution in its thread', async () => {
  const { url: smtpUrl, mails } = await mailServer();
  const { id: receiverId } = await receiver({ to: ['ops@ship.example', 'duty@ship.example'] });
  const firing = await notice(receiverId);
  const resolved = await notice(receiverId, { kind: 'resolved', episode: { alertId: firing.alertId, at: firing.at } });
  expect(await sender({ smtpUrl }).deliver(firing.id)).toBe('DELIVERED');
  expect(await sender({ smtpUrl }).deliver(resolved.id)).toBe('DELIVERED');
  expect(mails[0]?.to).toEqual(['ops@ship.example', 'duty@ship.example']);
  const [first, second] = mails.map(({ raw }) => headersOf(raw));
  expect(first?.get('subject')).toBe('[PAGE] fraud: share of failed requests is above its limit');
  expect(first?.get('content-type')).toMatch(/^multipart\/alternative/);
  expect(first?.get('auto-submitted')).toBe('auto-generated');
  expect(first?.get('from')).toBe('Slipway <slipway@ship.example>');
  expect(first?.get('message-id')).toBe(`<${firing.key}@ship.example>`);
  expect(first?.get('references')).toBeUndefined();
  expect(second?.get('subject')).toMatch(/^\[RESOLVED\] /);
  expect(second?.get('references')).toBe(`<${firing.key}@ship.example>`);
  expect(second?.get('message-id')).toBe(`<${resolved.key}@ship.example>`);
  expect(mails[0]?.raw).toMatch(/20 % of 10 requests failed|20 =25 of 10|20 % of/);
  expect(mails[0]?.raw).toContain('Content-Type: text/html');
});

it('lets no name into the header or the markup of a mail', async () => {
  const { url: smtpUrl, mails } = await mailServer();
  const { id: receiverId } = await receiver({ to: ['ops@ship.example'] });
  const { id, payload } = await notice(receiverId, { labels: { team: 'x\r\nBcc: thief@evil.example\r\n\r\n<script>alert(1)</script>' } });
  const hostile = {
    ...payload,
    alerts: payload.alerts.map((alert) => ({
      ...alert,
      annotations: { summary: 'a\r\nBcc: thief@evil.example\r\n\r\nbody', description: '<img src=x>' },
    })),
  };
  await database.db.delivery.update({ where: { id }, data: { payload: toJson(hostile) } });
  expect(await sender({ smtpUrl }).deliver(id)).toBe('DELIVERED');
  const headers = headersOf(mails[0]?.raw ?? '');
  expect(headers.has('bcc')).toBe(false);
  expect(headers.get('subject')).toBe('[PAGE] a Bcc: thief@evil.example body');
  expect(mails[0]?.to).toEqual(['ops@ship.example']);
  // As text it is harmless; in the part that is markup it must not be markup.
  expect(mails[0]?.raw.split('Content-Type: text/html')[1]).not.toMatch(/<script|<img/);
});

it('tries again when the mail server refuses, and says what it answered', async () => {
  const { url: smtpUrl, mails } = await mailServer({
    onRcptTo: (_, __, done) => done(Object.assign(new Error('mailbox full'), { responseCode: 452 })),
  });
  const { id: receiverId } = await receiver({ to: ['ops@ship.example'] });
  const { id } = await notice(receiverId);
  expect(await sender({ smtpUrl }).deliver(id)).toBe('PENDING');
  expect((await deliveryOf(id)).lastError).toMatch(/answered 452/);
  expect(mails).toEqual([]);
});

it('says when no mail server is set, or none is there', async () => {
  const { id: receiverId } = await receiver({ to: ['ops@ship.example'] });
  const [unset, away] = [await notice(receiverId), await notice(receiverId)];
  expect(await sender().deliver(unset.id)).toBe('PENDING');
  expect((await deliveryOf(unset.id)).lastError).toBe('No mail server is set. Set SLIPWAY_SMTP_URL and restart.');
  expect(await sender({ smtpUrl: 'smtp://127.0.0.1:9' }).deliver(away.id)).toBe('PENDING');
  expect((await deliveryOf(away.id)).lastError).toMatch(/^The mail server did not take the notice: the connection failed/);
});

it('lets mail go on when one recipient of two is refused', async () => {
  const { url: smtpUrl, mails } = await mailServer({
    onRcptTo: ({ address }, _, done) => (address.startsWith('gone') ? done(Object.assign(new Error('no such user'), { responseCode: 550 })) : done()),
  });
  const { id: receiverId } = await receiver({ to: ['gone@ship.example', 'ops@ship.example'] });
  const { id } = await notice(receiverId);
  expect(await sender({ smtpUrl }).deliver(id)).toBe('DELIVERED');
  await waitFor(() => mails.length === 1, { what: 'the mail' });
  expect((await deliveryOf(id)).lastError).toBe('The mail server refused 1 of 2 recipients.');
});

it('a real worker judges a rule and tells by webhook and mail, from its queue', async () => {
  const { url, received } = await webhookReceiver({ status: 204 });
  const { url: smtpUrl, mails } = await mailServer();
  const worker = await RunningWorker.open();
  try {
    await worker.addModel('m');
    await worker.start({ SLIPWAY_SMTP_URL: smtpUrl, SLIPWAY_EGRESS_ALLOW: '127.0.0.1', SLIPWAY_PUBLIC_URL: 'http://slipway.test' });
    const { db, pool } = worker.database;
    const deployment = await worker.deployments.create(by, { name: 'd', model: 'm', version: 1, replicas: 1, spec });
    const receivers = new ReceiverStore(db, loadMasterKey(worker.home));
    const { secret } = await receivers.create(by, { kind: 'WEBHOOK', name: 'hook', url });
    await receivers.create(by, { kind: 'EMAIL', name: 'mail', to: ['ops@ship.example'] });
    const rules = new AlertRuleStore(db, async () => new Map());
    const params = { deployment: 'd', threshold: 0.1, windowSeconds: 60, minRequests: 5 };
    const rule = { name: 'errors', kind: 'error_ratio' as const, params, severity: 'page' as const, labels: {}, actions: [], enabled: true };
    await rules.create(by, { ...rule, for: 0, receivers: ['hook', 'mail'] }, deployment.id);
    const recorder = new ServingRecorder({ registry: createRegistry('api') });
    for (let at = 0; at < 20; at += 1) {
      const owner = {
        projectId: 'prj_default',
        deploymentId: deployment.id,
        deployment: 'd',
        revisionId: 'rev_1',
        revision: 1,
        versionNumber: 1,
        role: 'stable' as const,
      };
      recorder.record({ ...owner, outcome: 'runtime_error', durationSeconds: 0.1, rows: 1, requestBytes: 1, responseBytes: 1 });
    }
    await new ServingWindowStore(pool, 'gateway').write(recorder.takeDirty());
    await waitFor(() => received.length === 1 && mails.length === 1, { what: 'webhook and mail', timeoutMs: 60_000, everyMs: 100 });
    expect(new Webhook(secret ?? '').verify(received[0]?.body ?? '', received[0]?.headers ?? {})).toMatchObject({
      status: 'firing',
      externalURL: 'http://slipway.test',
      commonLabels: { alertname: 'errors', deployment: 'd', severity: 'page' },
    });
    expect(headersOf(mails[0]?.raw ?? '').get('subject')).toBe('[PAGE] d: share of failed requests is above its limit');
    await pool.query('delete from telemetry.serving_windows');
    const well = new ServingRecorder({ registry: createRegistry('api') });
    for (let at = 0; at < 20; at += 1) {
      const owner = {
        projectId: 'prj_default',
        deploymentId: deployment.id,
        deployment: 'd',
        revisionId: 'rev_1',
        revision: 1,
        versionNumber: 1,
        role: 'stable' as const,
      };
      well.record({ ...owner, outcome: 'success', durationSeconds: 0.1, rows: 1, requestBytes: 1, responseBytes: 1 });
    }
    await new ServingWindowStore(pool, 'gateway').write(well.takeDirty());
    await waitFor(() => received.length === 2 && mails.length === 2, { what: 'the resolution by webhook and mail', timeoutMs: 60_000, everyMs: 100 });
    expect(JSON.parse(received[1]?.body ?? '')).toMatchObject({ status: 'resolved' });
    expect(headersOf(mails[1]?.raw ?? '').get('references')).toBe(headersOf(mails[0]?.raw ?? '').get('message-id'));
    await waitFor(async () => (await db.delivery.count({ where: { status: 'DELIVERED' } })) === 4, { what: 'the log of four deliveries' });
  } finally {
    await worker.close();
  }
}, 180_000);
