import { Monitoring, RequestSamples } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RevisionStore } from '../revisions/revision.store.js';
import { RollbackStore } from '../rollouts/rollback.store.js';
import { RolloutStore } from '../rollouts/rollout.store.js';
import { RolloutWishStore } from '../rollouts/rollout-wish.store.js';
import { by, empty, InstantHost, seedModel, spec } from '../testing/seed.js';
import { DeploymentStore } from './deployment.store.js';
import { DeploymentFactStore } from './deployment-fact.store.js';
import { writeActiveRevision } from './write-fact.store.js';

let database: TestDatabase;
let deployments: DeploymentStore;
let revisions: RevisionStore;
let rollbacks: RollbackStore;
let rollouts: RolloutStore;
let wishes: RolloutWishStore;
let facts: DeploymentFactStore;
let host: InstantHost;

beforeAll(async () => {
  database = await testDatabase({ max: 12 });
  deployments = new DeploymentStore(database.db);
  revisions = new RevisionStore(database.db);
  rollbacks = new RollbackStore(database.db);
  rollouts = new RolloutStore(database.db);
  wishes = new RolloutWishStore(database.db);
  facts = new DeploymentFactStore(database.db);
});
beforeEach(async () => {
  await empty(database.db);
  host = await InstantHost.register(database.db);
  await seedModel(database.db, 'Fraud', ['READY', 'READY', 'READY', 'VALIDATING', 'REJECTED']);
});
afterAll(() => database.close());

const fraud = { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec };
const all = 'all-at-once' as const;
const refused = (code: string, message: RegExp = /./) => expect.objectContaining({ code, message: expect.stringMatching(message) });
const events = async () => (await database.db.event.findMany({ orderBy: { sequence: 'asc' } })).map((event) => event.action);
const served = async () => (await deployments.view(by.projectId, 'fraud')).split.map((share) => share.revision);

/** Everything the worker does, until nothing changes any more. */
async function work(outcome?: Parameters<InstantHost['settle']>[0]): Promise<void> {
  for (let pass = 0; pass < 3; pass += 1) {
    await host.settle(outcome);
    for (const id of await rollouts.listUnfinished()) await rollouts.advance(id);
    await facts.settleAll();
  }
}

async function serving(count: number): Promise<void> {
  await deployments.create(by, fraud);
  await work();
  for (let version = 2; version <= count; version += 1) {
    await revisions.create(by, 'fraud', { version, strategy: all });
    await work();
  }
}

describe('creating', () => {
  it('writes deployment, revision, rollout, event and job in one go', async () => {
    const view = await deployments.create(by, { ...fraud, reason: 'first try' });
    expect(view).toMatchObject({ name: 'fraud', model: 'Fraud', status: 'CREATING', epoch: 1, split: [], replicas: { wanted: 1, ready: 0 } });
    expect(view.rollout).toMatchObject({ status: 'PROGRESSING', fromRevision: null, toRevision: 1, reason: 'first try' });
    expect(view.signature?.inputs[0]?.name).toBe('x');
    expect(await events()).toEqual(['deployment.created']);
    expect(await database.db.outboxMessage.findMany({ select: { jobId: true } })).toEqual([{ jobId: `advance.${view.rollout?.id}.0` }]);
  });

  it.each([
    { name: 'an unknown model', wish: { model: 'nothing' }, code: 'MODEL_NOT_FOUND', message: /nothing/ },
    { name: 'an unknown version', wish: { version: 9 }, code: 'VERSION_NOT_FOUND', message: /no version 9/ },
    { name: 'a version that is still validated', wish: { version: 4 }, code: 'VERSION_NOT_READY', message: /VALIDATING/ },
    { name: 'a rejected version, with its reasons', wish: { version: 5 }, code: 'VERSION_NOT_READY', message: /REJECTED: it is not an ONNX file/ },
    { name: 'an unknown alias', wish: { version: undefined, alias: 'champion' }, code: 'ALIAS_NOT_FOUND', message: /champion/ },
  ])('refuses $name and leaves nothing behind', async ({ wish, code, message }) => {
    await expect(deployments.create(by, { ...fraud, ...wish })).rejects.toEqual(refused(code, message));
    expect(await database.db.deployment.count()).toBe(0);
    expect(await database.db.outboxMessage.count()).toBe(0);
  });

  it('refuses to redact an input that the version does not have, now and on every later revision', async () => {
    const samples = (redact: object) => ({ ...spec, requestSamples: RequestSamples.parse({ percent: 1, redact }) });
    await expect(deployments.create(by, { ...fraud, spec: samples({ ssn: 'drop' }) })).rejects.toEqual(
      refused('REQUEST_INVALID', /"ssn".*it has "x"/),
    );
    await deployments.create(by, { ...fraud, spec: samples({ x: 'hash' }) });
    await work();
    const { id, signature } = await database.db.version.findFirstOrThrow({ where: { number: 2 } });
    await database.db.$executeRaw`alter table "Version" disable trigger "Version_is_immutable"`;
    const renamed = JSON.parse(JSON.stringify(signature).replace('"x"', '"features"'));
    await database.db.version.update({ where: { id }, data: { signature: renamed } });
    await database.db.$executeRaw`alter table "Version" enable trigger "Version_is_immutable"`;
    const next = { version: 2, strategy: all, allowBreaking: true };
    await expect(revisions.create(by, 'fraud', next)).rejects.toEqual(refused('REQUEST_INVALID', /"x".*it has "features"/));
    await revisions.create(by, 'fraud', { ...next, spec: { requestSamples: RequestSamples.parse({ percent: 1, redact: { features: 'hash' } }) } });
  });

  it.each([
    { over: { outputRanges: [{ output: 'score', min: 0 }] }, message: /outputRanges.0.output: .*no output "score"/ },
    { over: { monitoring: Monitoring.parse({ slices: ['x', 'sex'] }) }, message: /monitoring.slices.1: .*no input "sex"; it has "x"/ },
    { over: { monitoring: Monitoring.parse({ joinKey: 'x[99999]' }) }, message: /monitoring.joinKey: .*"x\[99999\]".*name\[0\]/ },
    { over: { monitoring: Monitoring.parse({ records: { inputs: { fields: { ssn: 'mask' } } } }) }, message: /records.inputs.fields.ssn: .*"ssn"/ },
    {
      over: { monitoring: Monitoring.parse({ slices: ['x[0]'], records: { inputs: { fields: { x: 'mask' } } } }) },
      message: /monitoring.slices.0: "x\[0\]" would stand in records .* says "mask"/,
    },
    {
      over: { monitoring: Monitoring.parse({ joinKey: 'x', records: { inputs: { fields: { x: 'hash' } } } }) },
      message: /monitoring.joinKey: "x" would stand in records .* says "hash"/,
    },
  ])('refuses to watch what the version does not have: $message', async ({ over, message }) => {
    await expect(deployments.create(by, { ...fraud, spec: { ...spec, ...over } })).rejects.toEqual(refused('REQUEST_INVALID', message));
    // What nothing is said of is dropped from the inputs that are kept, and may be a slice all the same.
    const records = { inputs: { fields: { 'x[1]': 'hash' } } };
    const known = { ...spec, monitoring: Monitoring.parse({ slices: ['x[0]'], joinKey: 'x[0]', records }), outputRanges: [{ output: 'y', min: 0 }] };
    await deployments.create(by, { ...fraud, spec: known });
  });

  it('refuses an archived version', async () => {
    await database.db.version.updateMany({ where: { number: 3 }, data: { archivedAt: new Date() } });
    await expect(deployments.create(by, { ...fraud, version: 3 })).rejects.toEqual(refused('VERSION_ARCHIVED', /version 3 .* is archived/));
    expect(await database.db.deployment.count()).toBe(0);
  });

  it('takes a name once, whatever its case, of twenty at once', async () => {
    const names = Array.from({ length: 20 }, (_, k) => (k % 2 === 0 ? 'fraud' : 'FRAUD'));
    const results = await Promise.allSettled(names.map((name) => deployments.create(by, { ...fraud, name })));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(new Set(lost)).toEqual(new Set(['DEPLOYMENT_NAME_TAKEN']));
    expect(await database.db.revision.count()).toBe(1);
  });

  it('resolves an alias now and for good', async () => {
    const version = await database.db.version.findFirstOrThrow({ where: { number: 2 } });
    await database.db.alias.create({ data: { modelId: version.modelId, name: 'champion', versionId: version.id, updatedBy: by.actor } });
    // In another case it is the same name.
    const view = await deployments.create(by, { ...fraud, version: undefined, alias: 'Champion' });
    await database.db.alias.deleteMany();
    expect(view.revisions[0]?.version).toBe(2);
  });
});

describe('deploying', () => {
  it('moves traffic only when the new revision is ready, and keeps what was not said', async () => {
    await deployments.create(by, { ...fraud, replicas: 2, spec: { ...spec, maxQueue: 7 } });
    await work();
    await revisions.create(by, 'fraud', { version: 2, strategy: all, spec: { keepWarmSeconds: 60 } });
    await work(({ revisionNumber }) => (revisionNumber === 1 ? 'READY' : 'ASSIGNED'));
    expect(await served()).toEqual([1]);
    await work();
    expect(await served()).toEqual([2]);
    const view = await deployments.view(by.projectId, 'fraud');
    expect(view.status).toBe('READY');
    expect(view.revisions[0]).toMatchObject({ revision: 2, replicas: 2, spec: { maxQueue: 7, keepWarmSeconds: 60 }, retiredAt: null });
    expect(view.revisions[1]).toMatchObject({ revision: 1, warm: true, retiredAt: expect.any(String) });
    expect(await events()).toEqual(expect.arrayContaining(['revision.created', 'rollout.completed', 'deployment.status_changed']));
  });

  it('lets one of twenty at once win; the others learn it', async () => {
    await serving(1);
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => revisions.create(by, 'fraud', { version: 2, strategy: all })));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(['ROLLOUT_IN_PROGRESS', 'DEPLOYMENT_CHANGED']).toContain(result.reason.code);
    expect(await database.db.rollout.count({ where: { status: 'PROGRESSING' } })).toBe(1);
    expect(await database.db.revision.count()).toBe(2);
  });

  it('aborts a candidate that fails three times, and nothing applies it again', async () => {
    await serving(1);
    await revisions.create(by, 'fraud', { version: 2, strategy: all });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await work(({ revisionNumber }) => (revisionNumber === 2 ? 'FAILED' : 'READY'));
      // The planner's backoff runs on the database's clock; here it has passed.
      await database.db.$executeRaw`update "Instance" set "updatedAt" = "updatedAt" - interval '30 s' where "status" = 'FAILED'`;
    }
    const view = await deployments.view(by.projectId, 'fraud');
    expect(view.rollout).toMatchObject({ status: 'ABORTED', cause: 'CANDIDATE_FAILED', causeDetail: expect.stringContaining('it cannot be loaded') });
    expect(view).toMatchObject({ status: 'READY', split: [{ revision: 1, weightPercent: 100 }] });
    const before = await database.db.instance.count();
    await work();
    expect(await database.db.instance.count()).toBe(before);
  });

  it('can be aborted, and another deploy need not wait for the worker to notice', async () => {
    await serving(1);
    await revisions.create(by, 'fraud', { version: 2, strategy: all });
    expect((await wishes.act(by, 'fraud', 'abort', 'changed my mind')).status).toBe('PROGRESSING');
    await expect(wishes.act(by, 'fraud', 'abort')).rejects.toEqual(refused('ROLLOUT_FINISHED'));
    await revisions.create(by, 'fraud', { version: 3, strategy: all });
    await work();
    expect(await served()).toEqual([3]);
    const causes = await database.db.rollout.findMany({ orderBy: { startedAt: 'asc' }, select: { status: true, cause: true } });
    expect(causes[1]).toEqual({ status: 'ABORTED', cause: 'ABORT_REQUESTED' });
  });
});

describe('every change', () => {
  it('says what was before it', async () => {
    await serving(1);
    await deployments.suspend(by, 'fraud', { suspended: true });
    await deployments.suspend(by, 'fraud', { suspended: false });
    await revisions.create(by, 'fraud', { version: 2, strategy: all });
    await wishes.act(by, 'fraud', 'abort');
    await work();
    await deployments.remove(by, 'fraud', 'not needed');
    await work();
    const rows = await database.db.event.findMany({ orderBy: { sequence: 'asc' } });
    const told = rows.filter((row) => row.action !== 'deployment.created');
    expect(told.map((row) => row.action)).toEqual(
      expect.arrayContaining(['deployment.suspended', 'deployment.resumed', 'rollout.abort_requested', 'rollout.aborted', 'deployment.deleted']),
    );
    expect(told.filter((row) => row.before === null).map((row) => row.action)).toEqual([]);
    expect(told.find((row) => row.action === 'deployment.deleted')?.before).toMatchObject({ model: 'Fraud', serving: { revision: 1, version: 1 } });
  });
});

describe('advancing a rollout', () => {
  it('ends in the same place when it runs many times at once, or again later', async () => {
    await deployments.create(by, fraud);
    await host.settle();
    const [id = ''] = await rollouts.listUnfinished();
    const results = await Promise.all(Array.from({ length: 10 }, () => rollouts.advance(id)));
    expect(results.filter((result) => result === 'complete')).toHaveLength(1);
    expect(await rollouts.advance(id)).toBe('gone');
    expect((await events()).filter((action) => action === 'rollout.completed')).toHaveLength(1);
  });

  it('changes nothing when the wish has changed since', async () => {
    await serving(1);
    await revisions.create(by, 'fraud', { version: 2, strategy: all });
    await host.settle();
    const [id = ''] = await rollouts.listUnfinished();
    await rollbacks.rollBack(by, 'fraud', {});
    expect(await rollouts.advance(id)).toBe('abort');
    expect(await served()).toEqual([1]);
    expect(await database.db.rollout.findUniqueOrThrow({ where: { id } })).toMatchObject({ status: 'ABORTED', cause: 'SUPERSEDED' });
  });

  it('is not undone by a settling that was decided before it', async () => {
    await serving(2);
    const [two, one] = await database.db.revision.findMany({ orderBy: { number: 'desc' } });
    const { id: deploymentId, epoch } = await database.db.deployment.findFirstOrThrow();
    const late = { deploymentId, epoch, revisionId: one?.id ?? '', from: one?.id ?? '', now: new Date() };
    expect(await database.db.$transaction((tx) => writeActiveRevision(tx, late))).toBe(false);
    expect((await database.db.deployment.findFirstOrThrow()).activeRevisionId).toBe(two?.id);
  });

  it('does nothing for one that is not there', async () => {
    expect(await rollouts.advance('rol_none')).toBe('gone');
  });
});

describe('rolling back', () => {
  it('takes effect with the row alone when the revision is warm', async () => {
    await serving(2);
    await rollbacks.rollBack(by, 'fraud', { reason: 'worse' });
    expect(await served()).toEqual([1]);
    await work();
    const row = await database.db.deployment.findFirstOrThrow();
    const revision = await database.db.revision.findFirstOrThrow({ where: { number: 1 } });
    expect(row).toMatchObject({ activeRevisionId: revision.id, desiredRevisionId: revision.id, wishKind: 'ROLLBACK', status: 'READY' });
    expect(await database.db.event.findFirstOrThrow({ where: { action: 'deployment.rolled_back' } })).toMatchObject({
      reason: 'worse',
      before: { revision: 2, version: 2 },
      after: { revision: 1, version: 1, warm: true },
    });
  });

  it('goes to what served before the present revision was deployed, never forward again', async () => {
    await serving(2);
    await rollbacks.rollBack(by, 'fraud', {});
    await work();
    await expect(rollbacks.rollBack(by, 'fraud', {})).rejects.toEqual(refused('ROLLBACK_NOWHERE', /none served before it/));
    await revisions.create(by, 'fraud', { version: 3, strategy: all });
    await work();
    await rollbacks.rollBack(by, 'fraud', {});
    // Revision 2 was the one rolled back from.
    expect(await served()).toEqual([1]);
  });

  it('loads a cold revision first, while the present one serves on', async () => {
    await deployments.create(by, { ...fraud, spec: { ...spec, keepWarmSeconds: 0 } });
    await work();
    await revisions.create(by, 'fraud', { version: 2, strategy: all });
    await work();
    expect((await deployments.view(by.projectId, 'fraud')).revisions[1]?.warm).toBe(false);
    await rollbacks.rollBack(by, 'fraud', {});
    expect(await served()).toEqual([2]);
    await work();
    expect(await served()).toEqual([1]);
  });

  it('stays with what serves while a rollout walks', async () => {
    await serving(2);
    await revisions.create(by, 'fraud', { version: 3, strategy: all });
    await rollbacks.rollBack(by, 'fraud', {});
    await work();
    expect(await served()).toEqual([2]);
    expect((await deployments.view(by.projectId, 'fraud')).rollout).toMatchObject({ status: 'ABORTED', cause: 'SUPERSEDED' });
  });

  it('keeps its effect when a deploy overtakes it before any worker has seen it', async () => {
    await serving(2);
    await rollbacks.rollBack(by, 'fraud', {});
    await revisions.create(by, 'fraud', { version: 3, strategy: all });
    expect(await served()).toEqual([1]);
    await wishes.act(by, 'fraud', 'abort');
    expect(await served()).toEqual([1]);
    await work();
    expect(await served()).toEqual([1]);
  });

  it.each([
    { name: 'before anything has served', count: 0, wish: {}, code: 'ROLLBACK_NOWHERE', message: /has served yet/ },
    { name: 'from the first revision', count: 1, wish: {}, code: 'ROLLBACK_NOWHERE', message: /none served before it/ },
    { name: 'to the one that serves', count: 2, wish: { revision: 2 }, code: 'ROLLBACK_NOWHERE', message: /serves already/ },
    { name: 'to one that is not there', count: 2, wish: { revision: 9 }, code: 'REVISION_NOT_FOUND', message: /no revision 9/ },
  ])('is refused $name', async ({ count, wish, code, message }) => {
    if (count === 0) await deployments.create(by, fraud);
    else await serving(count);
    const epoch = (await deployments.view(by.projectId, 'fraud')).epoch;
    await expect(rollbacks.rollBack(by, 'fraud', wish)).rejects.toEqual(refused(code, message));
    expect((await deployments.view(by.projectId, 'fraud')).epoch).toBe(epoch);
  });

  it('is refused to a revision that never served', async () => {
    await serving(1);
    await revisions.create(by, 'fraud', { version: 2, strategy: all });
    await wishes.act(by, 'fraud', 'abort');
    await work();
    await expect(rollbacks.rollBack(by, 'fraud', { revision: 2 })).rejects.toEqual(refused('ROLLBACK_NOWHERE', /never served; deploy version 2/));
  });
});

describe('suspending and resuming', () => {
  it('stops instances, keeps everything, and leads back to what served', async () => {
    await serving(2);
    await revisions.create(by, 'fraud', { version: 3, strategy: all });
    expect(await deployments.suspend(by, 'fraud', { suspended: true })).toMatchObject({
      status: 'SUSPENDED',
      split: [],
      replicas: { wanted: 0, ready: 0 },
    });
    await work();
    expect((await deployments.view(by.projectId, 'fraud')).instances).toEqual([]);
    await expect(revisions.create(by, 'fraud', { version: 3, strategy: all })).rejects.toEqual(refused('DEPLOYMENT_SUSPENDED'));
    await expect(rollbacks.rollBack(by, 'fraud', {})).rejects.toEqual(refused('DEPLOYMENT_SUSPENDED'));
    await deployments.suspend(by, 'fraud', { suspended: false });
    await work();
    expect(await served()).toEqual([2]);
  });

  it('starts the first walk anew when nothing had served', async () => {
    await deployments.create(by, fraud);
    await deployments.suspend(by, 'fraud', { suspended: true });
    await work();
    await deployments.suspend(by, 'fraud', { suspended: false });
    await work();
    expect(await served()).toEqual([1]);
  });
});

describe('deleting', () => {
  it('ends traffic and instances and frees the name', async () => {
    await serving(2);
    await deployments.remove(by, 'FRAUD');
    await expect(deployments.view(by.projectId, 'fraud')).rejects.toEqual(refused('DEPLOYMENT_NOT_FOUND'));
    await deployments.create(by, fraud);
    await work();
    const rows = await database.db.deployment.findMany({
      orderBy: { createdAt: 'asc' },
      select: { status: true, instances: { select: { status: true } } },
    });
    expect(rows[0]).toEqual({ status: 'DELETING', instances: [{ status: 'GONE' }, { status: 'GONE' }] });
    expect(rows[1]).toEqual({ status: 'READY', instances: [{ status: 'READY' }] });
  });

  it('wins over a rollout that walks', async () => {
    await deployments.create(by, fraud);
    await host.settle();
    await deployments.remove(by, 'fraud');
    await work();
    expect(await database.db.rollout.findFirstOrThrow()).toMatchObject({ status: 'ABORTED', cause: 'SUPERSEDED' });
  });
});

describe('reading', () => {
  it('pages through the list by name without gaps or repeats', async () => {
    for (const name of ['c', 'A', 'e', 'B', 'd']) await deployments.create(by, { ...fraud, name });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await deployments.list(by.projectId, { limit: 2, cursor });
      seen.push(...page.items.map((item) => item.name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(['A', 'B', 'c', 'd', 'e']);
  });

  it('pages through revisions, newest first', async () => {
    await serving(3);
    const first = await revisions.list(by.projectId, 'fraud', { limit: 2 });
    const second = await revisions.list(by.projectId, 'fraud', { limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((item) => item.revision)).toEqual([3, 2, 1]);
    await expect(revisions.list(by.projectId, 'fraud', { limit: 2, cursor: 'forged' })).rejects.toEqual(refused('CURSOR_INVALID'));
  });

  it.each(['..', '', 'a\0b', 'x'.repeat(200), 'stats'])('does not find %j', async (name) => {
    await expect(deployments.view(by.projectId, name)).rejects.toEqual(refused('DEPLOYMENT_NOT_FOUND'));
  });

  it('shows nothing of another project', async () => {
    await database.db.project.upsert({ where: { id: 'prj_2' }, create: { id: 'prj_2', name: 'two' }, update: {} });
    await deployments.create(by, fraud);
    await expect(deployments.view('prj_2', 'fraud')).rejects.toEqual(refused('DEPLOYMENT_NOT_FOUND'));
    expect((await deployments.list('prj_2', { limit: 50 })).items).toEqual([]);
    await expect(rollbacks.rollBack({ ...by, projectId: 'prj_2' }, 'fraud', {})).rejects.toEqual(refused('DEPLOYMENT_NOT_FOUND'));
  });
});
