import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { DeploymentStore } from '../deployments/deployment.store.js';
import { lockCurrentEpochs } from '../deployments/lock-current-epochs.store.js';
import { HostStore } from '../hosts/host.store.js';
import { RolloutStore } from '../rollouts/rollout.store.js';
import { by, empty, InstantHost, seedModel, spec } from '../testing/seed.js';
import { noSetup } from './instance.js';
import { InstanceStore } from './instance.store.js';
import { InstancePlanStore } from './instance-plan.store.js';

let database: TestDatabase;
let plans: InstancePlanStore;
let instances: InstanceStore;
let hosts: HostStore;

beforeAll(async () => {
  database = await testDatabase({ max: 12 });
  plans = new InstancePlanStore(database.db);
  instances = new InstanceStore(database.db);
  hosts = new HostStore(database.db);
});
beforeEach(async () => {
  await empty(database.db);
  await seedModel(database.db, 'fraud', ['READY']);
  await new DeploymentStore(database.db).create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 3, spec });
});
afterAll(() => database.close());

const ready = { status: 'READY', address: 'unix:/a.sock', pid: 7, restarts: 0, reason: undefined, setup: noSetup } as const;

it('lets many planners at once place each replica once', async () => {
  await InstantHost.register(database.db);
  const results = await Promise.all(Array.from({ length: 8 }, () => plans.planOnce()));
  expect(results.filter((result) => result.kind === 'planned' && result.started > 0)).toHaveLength(1);
  await plans.planOnce();
  expect(await database.db.instance.count()).toBe(3);
});

it('places nothing while no host is alive, and says so', async () => {
  expect(await plans.planOnce()).toEqual({ kind: 'planned', started: 0, stopped: 0, unplaced: 3 });
  await InstantHost.register(database.db);
  expect(await plans.planOnce()).toEqual({ kind: 'planned', started: 3, stopped: 0, unplaced: 0 });
});

it('holds a plan back for deployments whose epoch has grown meanwhile', async () => {
  const { id } = await database.db.deployment.findFirstOrThrow();
  const held = (epoch: number) => database.db.$transaction((tx) => lockCurrentEpochs(tx, [{ deploymentId: id, epoch }]));
  expect([...(await held(1))]).toEqual([id]);
  await new DeploymentStore(database.db).suspend(by, 'fraud', { suspended: true });
  expect([...(await held(1))]).toEqual([]);
  expect([...(await held(2))]).toEqual([id]);
});

it('keeps a worker that lost its host from writing facts', async () => {
  const old = (await InstantHost.register(database.db)).lease;
  await plans.planOnce();
  const [assignment] = await instances.listAssigned(old.hostId);
  if (assignment === undefined) throw new Error('nothing was assigned');
  const present = await hosts.register({ name: 'one', cores: 4, memoryBytes: 8e9 });
  expect(present.hostId).toBe(old.hostId);
  expect(await instances.writeFact(old, assignment, ready)).toBe(false);
  expect(await hosts.heartbeat(old)).toBeUndefined();
  expect(await instances.listForHolder(old)).toBeUndefined();
  expect(await instances.listForHolder(present)).toHaveLength(3);
  expect(await instances.writeFact(present, assignment, ready)).toBe(true);
  expect(await hosts.heartbeat(present)).toBeInstanceOf(Date);
});

it('does not bring an ended instance back', async () => {
  const { lease } = await InstantHost.register(database.db);
  await plans.planOnce();
  const [assignment] = await instances.listAssigned(lease.hostId);
  if (assignment === undefined) throw new Error('nothing was assigned');
  expect(await instances.writeFact(lease, assignment, { ...ready, status: 'GONE' })).toBe(true);
  expect(await instances.writeFact(lease, assignment, ready)).toBe(false);
  expect((await instances.listAssigned(lease.hostId)).length).toBe(2);
});

it('tells all that is needed to run a version', async () => {
  const { lease } = await InstantHost.register(database.db);
  await plans.planOnce();
  expect((await instances.listAssigned(lease.hostId))[0]).toMatchObject({
    wish: 'RUN',
    deploymentName: 'fraud',
    modelName: 'fraud',
    versionNumber: 1,
    revisionNumber: 1,
    digest: expect.stringMatching(/^0+1$/),
    signature: { inputs: [{ name: 'x' }] },
    spec,
  });
});

it('shows with what an instance runs, and sums the threads up for its host', async () => {
  const { lease } = await InstantHost.register(database.db);
  await plans.planOnce();
  const setup = {
    threads: 2,
    threadsNote: "2 of 4 wished: the host's other instances have 2 of its 4",
    provider: 'cpu',
    providerNote: 'wished cuda: not available here',
    memoryLimitBytes: 5_000_000_000,
    memoryLimitBy: 'system',
  } as const;
  for (const assignment of await instances.listAssigned(lease.hostId)) {
    expect(await instances.writeFact(lease, assignment, { ...ready, setup })).toBe(true);
  }
  const view = await new DeploymentStore(database.db).view(by.projectId, 'fraud');
  expect(view.instances).toHaveLength(3);
  for (const instance of view.instances) expect(instance).toMatchObject(setup);
  expect((await hosts.list({ limit: 50 })).items[0]).toMatchObject({ cores: 4, threads: 6 });
});

it('tells a restart once, however often its fact is written', async () => {
  const { lease } = await InstantHost.register(database.db);
  await plans.planOnce();
  const [assignment] = await instances.listAssigned(lease.hostId);
  if (assignment === undefined) throw new Error('nothing was assigned');
  await instances.writeFact(lease, assignment, ready);
  const died = { ...ready, status: 'LOADING', restarts: 1, reason: 'it was ended by SIGSEGV' } as const;
  for (const fact of [{ ...died, pid: undefined }, died, { ...died, status: 'READY' as const }]) await instances.writeFact(lease, assignment, fact);
  const told = () => database.db.event.findMany({ where: { action: 'instance.restarted' }, orderBy: { sequence: 'asc' } });
  expect((await told()).map(({ reason, after }) => ({ reason, after }))).toEqual([
    { reason: 'it was ended by SIGSEGV', after: { instance: assignment.instanceId, restarts: 1 } },
  ]);
  await instances.writeFact(lease, assignment, { ...ready, restarts: 3 });
  expect(await told()).toHaveLength(2);
});

it('keeps what is missing for an instance until it is placed', async () => {
  const statusOf = async () => (await new DeploymentStore(database.db).view(by.projectId, 'fraud')).statusReason;
  await database.db.version.updateMany({ data: { footprint: { rssBytes: 5e9 } } });
  const { lease } = await InstantHost.register(database.db);
  expect(await plans.planOnce()).toMatchObject({ started: 1, unplaced: 2 });
  expect(await statusOf()).toMatch(/no host has room: an instance needs 4\.7 GiB of memory; "one" has 2\.0 GiB of 6\.7 GiB left/);
  await database.db.host.update({ where: { id: lease.hostId }, data: { memoryBytes: 32e9 } });
  expect(await plans.planOnce()).toMatchObject({ started: 2, unplaced: 0 });
  expect(await statusOf()).toBe(null);
});

it('lists hosts with their instances, and shows which are silent', async () => {
  const { lease } = await InstantHost.register(database.db);
  await InstantHost.register(database.db, 'two');
  await plans.planOnce();
  await database.db.host.update({ where: { id: lease.hostId }, data: { lastSeenAt: new Date(Date.now() - 60_000) } });
  const page = await hosts.list({ limit: 50 });
  expect(page.items.map(({ name, live }) => ({ name, live }))).toEqual([
    { name: 'one', live: false },
    { name: 'two', live: true },
  ]);
  expect(page.items.reduce((sum, item) => sum + item.instances, 0)).toBe(3);
});

it('forgets instances that ended a day ago, and no others', async () => {
  const host = await InstantHost.register(database.db);
  await host.settle(() => 'FAILED');
  expect(await instances.purgeEnded()).toBe(0);
  await database.db.$executeRaw`update "Instance" set "updatedAt" = "updatedAt" - interval '2 days'`;
  expect(await instances.purgeEnded()).toBe(3);
});

it('never stops the instances of a revision in the moment of its promotion', async () => {
  const deployments = new DeploymentStore(database.db);
  const rollouts = new RolloutStore(database.db);
  const host = await InstantHost.register(database.db);
  for (let k = 0; k < 30; k += 1) {
    // However long this takes on a busy machine, the host is alive.
    await hosts.heartbeat(host.lease);
    await deployments.create(by, { name: `promoted-${k}`, model: 'fraud', version: 1, replicas: 1, spec });
    await host.settle();
    const { id } = await database.db.rollout.findFirstOrThrow({ where: { deployment: { name: `promoted-${k}` } } });
    let promoted = false;
    const planning = (async () => {
      while (!promoted) await plans.planOnce();
    })();
    try {
      expect(await rollouts.advance(id)).toBe('complete');
    } finally {
      promoted = true;
      await planning;
    }
    expect(await database.db.instance.count({ where: { wish: 'STOP' } })).toBe(0);
  }
}, 60_000);
