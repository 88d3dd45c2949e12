import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSnapshot } from './snapshot.js';
import { SnapshotStore } from './snapshot.store.js';

let database: TestDatabase;
let store: SnapshotStore;

beforeAll(async () => {
  database = await testDatabase();
  store = new SnapshotStore(database.pool);
  await fill(database);
});
afterAll(() => database.close());

const signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'INT64', shape: [-1] }] };

async function fill({ db }: TestDatabase): Promise<void> {
  await db.model.create({ data: { id: 'mdl_1', projectId: 'prj_default', name: 'fraud-model', nameFolded: 'fraud-model' } });
  for (const number of [1, 2, 3]) {
    await db.version.create({
      data: { id: `ver_${number}`, modelId: 'mdl_1', number, status: 'READY', digest: `d${number}`, sizeBytes: 1, createdBy: 'key:t', signature },
    });
  }
  await db.host.create({ data: { id: 'hst_1', name: 'here', cores: 2, memoryBytes: 1 } });
  for (const [id, name, deletedAt] of [
    ['dep_1', 'fraud', null],
    ['dep_0', 'old', new Date()],
  ] as const) {
    await db.deployment.create({ data: { id, projectId: 'prj_default', name, nameFolded: name, modelId: 'mdl_1', createdBy: 'key:t', deletedAt } });
  }
  for (const number of [1, 2, 3]) {
    await db.revision.create({
      data: {
        id: `rev_${number}`,
        deploymentId: 'dep_1',
        number,
        versionId: `ver_${number}`,
        replicas: 1,
        spec: number === 2 ? { maxQueue: 7, deadlineMs: 50, later: true } : {},
        createdBy: 'key:t',
      },
    });
  }
  const instances = [
    { id: 'ins_1', revisionId: 'rev_1', status: 'READY', address: 'unix:/1' },
    { id: 'ins_2', revisionId: 'rev_2', status: 'READY', address: 'unix:/2' },
    { id: 'ins_3', revisionId: 'rev_2', status: 'LOADING', address: 'unix:/3' },
    { id: 'ins_4', revisionId: 'rev_2', status: 'ASSIGNED', address: null },
    { id: 'ins_5', revisionId: 'rev_2', status: 'FAILED', address: 'unix:/5' },
    { id: 'ins_6', revisionId: 'rev_2', status: 'READY', address: 'unix:/6', wish: 'STOP' },
    { id: 'ins_7', revisionId: 'rev_2', status: 'GONE', address: 'unix:/7' },
  ];
  for (const instance of instances) await db.instance.create({ data: { ...instance, deploymentId: 'dep_1', epoch: 1, hostId: 'hst_1' } });
  await db.deployment.update({ where: { id: 'dep_1' }, data: { activeRevisionId: 'rev_2', desiredRevisionId: 'rev_2', status: 'READY' } });
}

async function readDeployment() {
  const read = await store.read();
  const deployment = read === undefined ? undefined : buildSnapshot(read.rows).projects.get('prj_default')?.get('fraud');
  if (deployment === undefined) throw new Error('not read');
  return deployment;
}

it('reads deployments with every revision that matters and every instance that may be reached', async () => {
  const read = await store.read();
  expect(read?.rows.deployments.map((row) => row.name)).toEqual(['fraud']);
  const deployment = await readDeployment();
  expect(deployment.split).toEqual([{ revisionId: 'rev_2', weightPercent: 100 }]);
  expect(deployment.revisions.map((revision) => revision.number)).toEqual([2, 1]);
  expect(deployment.revisions[0]).toMatchObject({
    versionNumber: 2,
    digest: 'd2',
    modelName: 'fraud-model',
    signature,
    task: undefined,
    maxQueue: 7,
    deadlineMs: 50,
    instances: [
      { instanceId: 'ins_2', address: 'unix:/2', ready: true },
      { instanceId: 'ins_3', address: 'unix:/3', ready: false },
    ],
  });
  expect(deployment.revisions[1]).toMatchObject({ maxQueue: 1024, deadlineMs: undefined });
});

it('gives nothing when nothing changed, and everything when one column did', async () => {
  const first = await store.read();
  expect(await store.read(first?.fingerprint)).toBeUndefined();
  await database.db.version.update({ where: { id: 'ver_2' }, data: { task: { kind: 'regression', rowAxis: 0 } } });
  const second = await store.read(first?.fingerprint);
  expect(second?.rows.revisions.find((revision) => revision.number === 2)?.task).toEqual({ kind: 'regression', rowAxis: 0 });
  await database.db.instance.update({ where: { id: 'ins_3' }, data: { status: 'READY' } });
  expect(await store.read(second?.fingerprint)).toBeDefined();
});

it('rolls back by the wish alone, and follows the rollout of the present epoch only', async () => {
  const { db } = database;
  await db.deployment.update({ where: { id: 'dep_1' }, data: { wishKind: 'ROLLBACK', desiredRevisionId: 'rev_1', epoch: 2 } });
  expect((await readDeployment()).split).toEqual([{ revisionId: 'rev_1', weightPercent: 100 }]);
  const rollout = { deploymentId: 'dep_1', toRevisionId: 'rev_3', strategy: 'all-at-once', plan: {}, createdBy: 'key:t' };
  await db.rollout.create({ data: { ...rollout, id: 'rol_1', epoch: 1, fromRevisionId: 'rev_1', status: 'COMPLETED' } });
  await db.rollout.create({ data: { ...rollout, id: 'rol_2', epoch: 3, fromRevisionId: 'rev_1' } });
  await db.deployment.update({ where: { id: 'dep_1' }, data: { wishKind: 'DEPLOY', desiredRevisionId: 'rev_3', epoch: 3 } });
  const deployment = await readDeployment();
  expect(deployment.split).toEqual([{ revisionId: 'rev_1', weightPercent: 100 }]);
  expect(deployment.revisions.map((revision) => revision.number)).toEqual([3, 2, 1]);
  await db.deployment.update({ where: { id: 'dep_1' }, data: { epoch: 4 } });
  expect((await readDeployment()).split).toEqual([{ revisionId: 'rev_2', weightPercent: 100 }]);
});

it('reads the share of a rollout, how it is watched, and who gets copies', async () => {
  const { db } = database;
  const plan = { fastLane: { crashes: 1, consecutiveErrors: 3, hardErrorShare: 0.2, hardMinRequests: 5 }, comparisonsPerSecond: 7 };
  await db.rollout.update({ where: { id: 'rol_2' }, data: { step: 1, weightPercent: 2.5, plan } });
  await db.shadow.create({ data: { id: 'sha_1', deploymentId: 'dep_1', revisionId: 'rev_1', samplePercent: 10, createdBy: 'key:t' } });
  await db.shadow.create({
    data: { id: 'sha_2', deploymentId: 'dep_1', revisionId: 'rev_2', samplePercent: 10, createdBy: 'key:t', endedAt: new Date() },
  });
  await db.deployment.update({ where: { id: 'dep_1' }, data: { epoch: 3 } });
  await db.instance.create({
    data: { id: 'ins_8', deploymentId: 'dep_1', revisionId: 'rev_3', epoch: 3, hostId: 'hst_1', status: 'READY', address: 'unix:/8' },
  });
  const deployment = await readDeployment();
  expect(deployment.split).toEqual([
    { revisionId: 'rev_3', weightPercent: 2.5 },
    { revisionId: 'rev_1', weightPercent: 97.5 },
  ]);
  expect(deployment.rollout).toMatchObject({ rolloutId: 'rol_2', stage: 1, topK: 5, ...plan });
  expect(deployment.shadows).toEqual([{ subjectId: 'sha_1', stage: 0, revisionId: 'rev_1', samplePercent: 10 }]);
  await db.rollout.update({ where: { id: 'rol_2' }, data: { wish: 'abort' } });
  expect((await readDeployment()).split).toEqual([{ revisionId: 'rev_1', weightPercent: 100 }]);
});
