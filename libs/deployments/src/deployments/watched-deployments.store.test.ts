import { Monitoring } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RevisionStore } from '../revisions/revision.store.js';
import { RolloutStore } from '../rollouts/rollout.store.js';
import { by, InstantHost, seedModel, spec } from '../testing/seed.js';
import { DeploymentStore } from './deployment.store.js';
import { DeploymentFactStore } from './deployment-fact.store.js';
import { ruledDeployments } from './ruled-deployments.store.js';
import { watchedDeployments } from './watched-deployments.store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ max: 8 });
});
afterAll(() => database.close());

it('tells what serves: the version with the traffic first, that of a rollout under way, then those before', async () => {
  const { db } = database;
  const [deployments, revisions, rollouts, facts] = [
    new DeploymentStore(db),
    new RevisionStore(db),
    new RolloutStore(db),
    new DeploymentFactStore(db),
  ];
  const host = await InstantHost.register(db);
  await seedModel(db, 'Fraud', ['READY', 'READY', 'READY', 'READY', 'READY', 'READY']);
  const work = async () => {
    for (let pass = 0; pass < 3; pass += 1) {
      await host.settle();
      for (const id of await rollouts.listUnfinished()) await rollouts.advance(id);
      await facts.settleAll();
    }
  };
  const monitoring = Monitoring.parse({ slices: ['x'] });
  expect(await watchedDeployments(db)).toEqual([]);
  const { id } = await deployments.create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 2, spec: { ...spec, monitoring } });
  const served = async () => {
    const [watched] = await watchedDeployments(db);
    return watched?.versions.map(({ version, isServing }) => [version, isServing]);
  };
  const ruled = async () => (await ruledDeployments(db, [id, 'dep_none'])).get(id);
  // Nothing takes traffic yet, but a rollout is on its way.
  expect(await served()).toEqual([[1, true]]);
  expect(await ruled()).toEqual({ name: 'fraud', servingVersions: [1] });
  await work();
  await revisions.create(by, 'fraud', { version: 2, strategy: 'all-at-once' });
  const { spec: kept } = await db.revision.findFirstOrThrow({ where: { deploymentId: id, number: 1 } });
  const later = await db.version.findMany({ where: { number: { gt: 2 } } });
  const data = later.map((version) => ({
    id: `rev_${version.number}`,
    deploymentId: id,
    number: version.number,
    versionId: version.id,
    replicas: 1,
  }));
  await db.revision.createMany({ data: data.map((row) => ({ ...row, spec: kept ?? {}, createdBy: by.actor })) });
  expect(await served()).toEqual([
    [1, true],
    [2, true],
    [6, false],
    [5, false],
  ]);
  expect(await ruled()).toEqual({ name: 'fraud', servingVersions: [1, 2] });
  const [watched] = await watchedDeployments(db);
  expect(watched).toMatchObject({ deploymentId: id, deployment: 'fraud', projectId: by.projectId, replicas: 2, slices: ['x'], isSuspended: false });
  expect(Math.abs(Date.now() - (watched?.changedAtMs ?? 0))).toBeLessThan(60_000);

  // Every step of a rollout shifts traffic, and so does taking it back.
  const changedAt = async () => new Date((await watchedDeployments(db))[0]?.changedAtMs ?? 0).toISOString();
  const moments = ['2040-01-01T00:00:00.000Z', '2040-01-01T00:10:00.000Z'] as const;
  await db.rollout.updateMany({ data: { stepStartedAt: moments[0] } });
  expect(await changedAt()).toBe(moments[0]);
  const { id: rolloutId } = await db.rollout.findFirstOrThrow({ orderBy: { startedAt: 'desc' } });
  const place = { actor: by.actor, status: 'COMPLETED', phase: 'promoting', weightPercent: 100 };
  await db.rolloutTransition.create({ data: { id: 'rtr_1', rolloutId, sequence: 99, at: moments[1], action: 'undone', ...place } });
  expect(await changedAt()).toBe(moments[1]);

  await db.deployment.updateMany({ data: { deletedAt: new Date() } });
  expect(await watchedDeployments(db)).toEqual([]);
  expect(await ruled()).toBeUndefined();
});
