import { CreateDeployment, CreateRevision, CreateShadow, SetQuota } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { DeploymentStore } from '../deployments/deployment.store.js';
import { RevisionStore } from '../revisions/revision.store.js';
import { RolloutStore } from '../rollouts/rollout.store.js';
import { ShadowStore } from '../rollouts/shadow.store.js';
import { by, empty, InstantHost, seedModel } from '../testing/seed.js';
import { QuotaStore, refuseOverRegistryQuota } from './quota.store.js';

let database: TestDatabase;
let quotas: QuotaStore;
let deployments: DeploymentStore;
beforeAll(async () => {
  database = await testDatabase();
  quotas = new QuotaStore(database.db);
  deployments = new DeploymentStore(database.db);
});
afterAll(() => database.close());
beforeEach(async () => {
  await empty(database.db);
  await database.db.quota.deleteMany();
  await seedModel(database.db, 'fraud', ['READY', 'READY']);
});

const create = (name: string, replicas = 1) => deployments.create(by, CreateDeployment.parse({ name, model: 'fraud', version: 1, replicas }));
const set = async (scope: string, limits: object, more: object = {}) =>
  quotas.set(by, await quotas.scope(by.projectId, scope), SetQuota.parse({ limits, ...more }));
const refusedFor = (...paths: string[]) =>
  expect.objectContaining({ code: 'QUOTA_EXCEEDED', places: paths.map((path) => expect.objectContaining({ path })) });

it('is set, found, replaced and removed, each with an event', async () => {
  await set('project', { replicas: 4 }, { reason: 'a small machine' });
  await set('project', { replicas: 5, requestsPerSecond: 10 }, { policy: 'queue' });
  const scope = await quotas.scope(by.projectId, 'project');
  expect(await quotas.find(by.projectId, scope)).toMatchObject({ limits: { replicas: 5, requestsPerSecond: 10 }, policy: 'queue' });
  expect(await quotas.list()).toHaveLength(1);
  await quotas.remove(by, scope);
  expect(await quotas.find(by.projectId, scope)).toBeUndefined();
  await expect(quotas.remove(by, scope)).rejects.toMatchObject({ code: 'QUOTA_NOT_FOUND' });
  expect(await database.db.event.findMany({ where: { subjectKind: 'quota' }, orderBy: { sequence: 'asc' } })).toMatchObject([
    { action: 'quota.set', subjectName: 'project', reason: 'a small machine', before: null, after: { limits: { replicas: 4 } } },
    { action: 'quota.set', before: { limits: { replicas: 4 } }, after: { policy: 'queue' } },
    { action: 'quota.removed', before: { policy: 'queue' } },
  ]);
});

it('makes one quota of many that are set at once', async () => {
  await Promise.all([1, 2, 3, 4].map((replicas) => set('project', { replicas })));
  expect(await quotas.list()).toHaveLength(1);
});

it('refuses what is over, saying limit, used and asked, and lets through what fits', async () => {
  await create('one', 2);
  await set('project', { replicas: 3 });
  await expect(create('two', 2)).rejects.toEqual(refusedFor('replicas'));
  await expect(create('two', 2)).rejects.toThrow('replicas: limit 3, used 2, asked for 2');
  await create('two', 1);
  expect((await quotas.footings(by.projectId)).total).toMatchObject({ replicas: 3, threads: 3, gpus: 0 });
});

it('gives the last place to one of many who want it at once', async () => {
  await set('project', { replicas: 2 });
  const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((name) => create(name)));
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(2);
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toEqual(refusedFor('replicas'));
});

it('limits a deployment alone, counts nothing of what is suspended, and asks again when it resumes', async () => {
  await create('one', 2);
  await set('deployment:ONE', { threads: 2 });
  const revisions = new RevisionStore(database.db);
  await database.db.rollout.updateMany({ data: { status: 'ABORTED' } });
  const wider = CreateRevision.parse({ version: 2, spec: { intraOpThreads: 2 } });
  await expect(revisions.create(by, 'one', wider)).rejects.toEqual(refusedFor('threads'));
  await deployments.suspend(by, 'one', { suspended: true });
  expect((await quotas.footings(by.projectId)).total.replicas).toBe(0);
  await set('project', { replicas: 1 });
  await expect(deployments.suspend(by, 'one', { suspended: false })).rejects.toEqual(refusedFor('replicas'));
  await set('project', { replicas: 2 });
  expect(await deployments.suspend(by, 'one', { suspended: false })).toMatchObject({ suspended: false });
});

it('counts shadows beside what a deployment wishes for, and never as what a deploy takes the place of', async () => {
  const host = await InstantHost.register(database.db);
  const shadows = new ShadowStore(database.db);
  await create('one', 2);
  await host.settle();
  const [rollout] = await database.db.rollout.findMany();
  await new RolloutStore(database.db).advance(rollout?.id ?? '');
  await set('deployment:one', { replicas: 3 });
  await shadows.create(by, 'one', CreateShadow.parse({ version: 2 }));
  await expect(shadows.create(by, 'one', CreateShadow.parse({ version: 2 }))).rejects.toEqual(refusedFor('replicas'));
  expect((await quotas.footings(by.projectId)).total.replicas).toBe(3);
  const revisions = new RevisionStore(database.db);
  await expect(revisions.create(by, 'one', CreateRevision.parse({ version: 2, replicas: 3 }))).rejects.toEqual(refusedFor('replicas'));
  await revisions.create(by, 'one', CreateRevision.parse({ version: 2, replicas: 2 }));
});

it('limits models, versions and storage of a project, each file once', async () => {
  await set('project', { versions: 3, storageBytes: 3_000, models: 1 });
  const add = (added: object) => database.db.$transaction((tx) => refuseOverRegistryQuota(tx, by.projectId, added));
  expect(await quotas.registryUse(by.projectId)).toEqual({ models: 1, versions: 2, storageBytes: 2_000 });
  await expect(add({ versions: 1, storageBytes: 1_000 })).resolves.toBeUndefined();
  await expect(add({ versions: 2, storageBytes: 1_001 })).rejects.toEqual(refusedFor('storageBytes', 'versions'));
  await expect(add({ models: 1 })).rejects.toEqual(refusedFor('models'));
});

it('knows no other scopes, and no limits that a deployment cannot have', async () => {
  await create('one');
  await expect(quotas.scope(by.projectId, 'host:one')).rejects.toMatchObject({ code: 'QUOTA_NOT_FOUND' });
  await expect(quotas.scope(by.projectId, 'deployment:none')).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
  await expect(set('deployment:one', { models: 1 })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});
