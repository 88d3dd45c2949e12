import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DeploymentStore } from '../deployments/deployment.store.js';
import { InstancePlanStore } from '../instances/instance-plan.store.js';
import { by, empty, InstantHost, seedModel, spec } from '../testing/seed.js';
import { HostStore } from './host.store.js';
import { JoinTokenStore } from './join-token.store.js';

let database: TestDatabase;
let hosts: HostStore;
let tokens: JoinTokenStore;
beforeAll(async () => {
  database = await testDatabase();
  hosts = new HostStore(database.db);
  tokens = new JoinTokenStore(database.db);
});
beforeEach(async () => {
  await empty(database.db);
  await database.db.hostJoinToken.deleteMany();
});
afterAll(() => database.close());

const facts = {
  name: 'far',
  cores: 4,
  memoryBytes: 8e9,
  gpus: [{ name: 'T4', memoryBytes: 16e9 }],
  labels: { zone: 'a', disk: 'fast' },
  version: '1.2.3',
};
const silence = () => database.db.$executeRaw`update "Host" set "lastSeenAt" = now() - interval '6 s'`;

describe('a join token', () => {
  it('admits as many hosts as it has uses, also at once, and none more', async () => {
    const { token, view } = await tokens.create(by, { uses: 2 });
    // Looking whether it is good spends nothing.
    for (let at = 0; at < 3; at += 1) await tokens.check(token);
    const joins = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => tokens.join(token, name, 'req_1')));
    expect(joins.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    for (const join of joins) if (join.status === 'rejected') expect(join.reason).toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
    await expect(tokens.check(token)).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
    expect((await hosts.list({ limit: 10 })).items).toHaveLength(2);
    expect((await tokens.list(by.projectId, { limit: 10 })).items).toEqual([expect.objectContaining({ id: view.id, uses: 2, used: 2 })]);
  });

  it.each([
    { name: 'was revoked', ruin: (id: string) => tokens.revoke(by, id) },
    { name: 'has expired', ruin: (id: string) => database.db.hostJoinToken.update({ where: { id }, data: { expiresAt: new Date(0) } }) },
  ])('that $name admits none', async ({ ruin }) => {
    const { token, view } = await tokens.create(by, { uses: 5 });
    await ruin(view.id);
    await expect(tokens.join(token, 'far', 'req_1')).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
    await expect(tokens.check(token)).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
  });

  it('is not kept, nor is the credential of who joined with it', async () => {
    const { token } = await tokens.create(by, { uses: 1 });
    const { credential, hostId } = await tokens.join(token, 'far', 'req_1');
    const kept = JSON.stringify([await database.db.hostJoinToken.findMany(), await database.db.event.findMany()], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(kept).not.toContain(token);
    expect(kept).not.toContain(credential);
    expect(await tokens.hostOf(credential)).toEqual({ hostId, name: 'far' });
    expect(await tokens.hostOf(`${credential}x`)).toBeUndefined();
  });

  it('is refused when its end lies in the past', async () => {
    await expect(tokens.create(by, { uses: 1, expiresAt: '2020-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });
});

describe('a host that has joined', () => {
  it('keeps its row when it joins anew, but only once it is silent; the old credential is worth nothing then', async () => {
    const { token } = await tokens.create(by, { uses: 9 });
    const first = await tokens.join(token, 'far', 'req_1');
    await expect(tokens.join(token, 'far', 'req_2')).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
    await silence();
    const second = await tokens.join(token, 'far', 'req_3');
    expect(second.hostId).toBe(first.hostId);
    expect(await tokens.hostOf(first.credential)).toBeUndefined();
    // A refused join costs no use.
    expect((await tokens.list(by.projectId, { limit: 1 })).items[0]?.used).toBe(2);
  });

  it('does not take the name of a host that has not, nor the other way round', async () => {
    await hosts.register({ name: 'here', cores: 1, memoryBytes: 1e9 });
    const { token } = await tokens.create(by, { uses: 9 });
    await silence();
    await expect(tokens.join(token, 'here', 'req_1')).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
    await tokens.join(token, 'far', 'req_2');
    await expect(hosts.register({ name: 'far', cores: 1, memoryBytes: 1e9 })).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
  });

  it('registers with what it has, and is shown with it', async () => {
    const { token } = await tokens.create(by, { uses: 1 });
    const { hostId } = await tokens.join(token, 'far', 'req_1');
    await hosts.register({ id: hostId, ...facts });
    expect(await hosts.view('far')).toMatchObject({ id: hostId, ...facts, remote: true, live: true, schedulable: true, drain: false, instances: 0 });
  });

  it('that was removed cannot register any more', async () => {
    const { token } = await tokens.create(by, { uses: 1 });
    const { hostId, credential } = await tokens.join(token, 'far', 'req_1');
    await hosts.remove(by, 'far');
    await expect(hosts.register({ id: hostId, ...facts })).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' });
    expect(await tokens.hostOf(credential)).toBeUndefined();
  });
});

it('may fetch the files of versions that are deployed, and nothing else that is kept beside them', async () => {
  await seedModel(database.db, 'fraud', ['READY', 'READY']);
  const [run, idle] = await database.db.version.findMany({ orderBy: { number: 'asc' } });
  const further = 'e'.repeat(64);
  await database.db.versionFile.create({ data: { versionId: run?.id ?? '', name: 'weights.bin', digest: further, sizeBytes: 10n } });
  const asked = async () => Promise.all([run?.digest, further, idle?.digest, 'f'.repeat(64)].map((digest) => hosts.mayFetch(digest ?? '')));
  expect(await asked()).toEqual([false, false, false, false]);
  await new DeploymentStore(database.db).create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec });
  expect(await asked()).toEqual([true, true, false, false]);
});

describe('a change of a host', () => {
  it('labels it beside its own labels, cordons and drains it, and is an event', async () => {
    await hosts.register(facts);
    const view = await hosts.change(by, 'far', { labels: { zone: 'b', tier: 'gold' }, schedulable: false, drain: true, reason: 'new disk' });
    expect(view).toMatchObject({ labels: { zone: 'b', disk: 'fast', tier: 'gold' }, schedulable: false, drain: true });
    // Its worker starts anew: what was wished stays.
    await hosts.register(facts);
    expect(await hosts.view('far')).toMatchObject({ labels: { zone: 'b' }, schedulable: false, drain: true });
    expect(await hosts.change(by, 'far', { labels: {} })).toMatchObject({ labels: facts.labels });
    const [event] = await database.db.event.findMany({ where: { action: 'host.changed' }, orderBy: { sequence: 'asc' } });
    expect(event).toMatchObject({ actor: by.actor, reason: 'new disk', before: { drain: false }, after: { drain: true, labels: { zone: 'b' } } });
  });

  it('of an unknown one is refused', async () => {
    await expect(hosts.change(by, 'nobody', { drain: true })).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' });
    await expect(hosts.remove(by, 'nobody')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' });
  });
});

describe('a removal', () => {
  it('is refused while instances run there; a drained host loses them to others and can go', async () => {
    await seedModel(database.db, 'fraud', ['READY']);
    await new DeploymentStore(database.db).create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 2, spec });
    const one = await InstantHost.register(database.db, 'one');
    await one.settle();
    await expect(hosts.remove(by, 'one')).rejects.toMatchObject({ code: 'HOST_IN_USE', message: expect.stringContaining('2 instances') });
    const two = await InstantHost.register(database.db, 'two');
    await hosts.change(by, 'one', { drain: true });
    await two.settle();
    await one.settle();
    expect((await hosts.list({ limit: 9 })).items.map(({ name, instances }) => ({ name, instances }))).toEqual([
      { name: 'one', instances: 0 },
      { name: 'two', instances: 2 },
    ]);
    await hosts.remove(by, 'one');
    expect(await hosts.heartbeat(one.lease)).toBeUndefined();
    expect(await database.db.event.findFirst({ where: { action: 'host.removed' } })).toMatchObject({ before: { name: 'one' } });
  });

  it('of a dead host waits for nobody, once its instances are replaced', async () => {
    await seedModel(database.db, 'fraud', ['READY']);
    await new DeploymentStore(database.db).create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec });
    await (await InstantHost.register(database.db, 'dead')).settle();
    await silence();
    await expect(hosts.remove(by, 'dead')).rejects.toMatchObject({ code: 'HOST_IN_USE' });
    await (await InstantHost.register(database.db, 'two')).settle();
    await new InstancePlanStore(database.db).planOnce();
    await hosts.remove(by, 'dead');
    expect(await database.db.instance.count()).toBe(1);
  });
});
