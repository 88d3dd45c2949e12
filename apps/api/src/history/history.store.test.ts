import { randomUUID } from 'node:crypto';
import {
  CreateAlertRule,
  CreateDeployment,
  CreateFreezeWindow,
  CreateReceiver,
  CreateRevision,
  CreateRolloutPlan,
  CreateShadow,
  RestoreHistory,
  SetQuota,
  SlipwayError,
} from '@slipway/contracts';
import {
  DeploymentFactStore,
  DeploymentStore,
  deploymentNames,
  FreezeWindowStore,
  HostStore,
  InstancePlanStore,
  InstanceStore,
  NamedPlanStore,
  noSetup,
  QuotaStore,
  RevisionStore,
  RollbackStore,
  RolloutStore,
  RolloutWishStore,
  ShadowStore,
} from '@slipway/deployments';
import { AlertRuleStore, ReceiverStore } from '@slipway/metrics';
import { type ChangeBy, HistoryStore, newId, rebuildState } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { AliasStore, findModel, ModelStore, ValidationStore, VersionStore } from '@slipway/registry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KeyStore } from '../access/key.store.js';
import { HistoryReader } from './history-reader.js';
import { HistoryRestorer } from './history-restorer.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** A small generator (mulberry32), so that a run that fails can be had again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const signature = {
  inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1, 3] }],
  outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, 2] }],
};
const metadata = { irVersion: 8, producer: 't', producerVersion: null, opsets: {}, docString: null, properties: {}, nodeCount: 1, operators: {} };

/** What people and workers do to a project, at random, through the stores that really do it. */
class RandomChanges {
  readonly refused = new Map<string, number>();
  readonly done = new Map<string, number>();
  private readonly db = database.db;
  private readonly by: ChangeBy;
  private readonly models = new ModelStore(this.db);
  private readonly versions = new VersionStore(this.db);
  private readonly validations = new ValidationStore(this.db);
  private readonly aliases = new AliasStore(this.db);
  private readonly deployments = new DeploymentStore(this.db);
  private readonly revisions = new RevisionStore(this.db);
  private readonly rollbacks = new RollbackStore(this.db);
  private readonly facts = new DeploymentFactStore(this.db);
  private readonly keys = new KeyStore(this.db);
  private readonly receivers = new ReceiverStore(this.db, Buffer.alloc(32, 7));
  private readonly rules = new AlertRuleStore(this.db, (ids) => deploymentNames(this.db, ids));
  private readonly quotas = new QuotaStore(this.db);
  private readonly plans = new NamedPlanStore(this.db);
  private readonly windows = new FreezeWindowStore(this.db);
  private readonly shadows = new ShadowStore(this.db);
  private readonly wishes = new RolloutWishStore(this.db);
  private readonly restorer: HistoryRestorer;
  private lease: Awaited<ReturnType<HostStore['register']>> | undefined;
  private count = 0;

  constructor(
    readonly projectId: string,
    private readonly random: () => number,
  ) {
    this.by = { projectId, actor: 'key:test', requestId: 'req_test' };
    const platform = { db: { prisma: this.db, pool: database.pool } };
    this.restorer = new HistoryRestorer(platform, new HistoryReader(platform));
  }

  /** One change, or the refusal of one. */
  async change(): Promise<void> {
    this.count += 1;
    const [name, run] = this.pick(this.actions);
    try {
      await run();
      this.done.set(name, (this.done.get(name) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code === 'INTERNAL') throw error;
      this.refused.set(error.code, (this.refused.get(error.code) ?? 0) + 1);
    }
  }

  private readonly actions: readonly [string, () => Promise<unknown>][] = [
    ['model.create', () => this.models.create(this.by, { name: this.model(), description: '', tags: {} })],
    ['model.change', () => this.models.change(this.by, this.model(), { description: `d${this.count}`, tags: { at: String(this.count) } })],
    ['model.remove', () => (this.random() < 0.1 ? this.models.remove(this.by, this.model()) : this.addVersion())],
    ['version.add', () => this.addVersion()],
    ['version.add again', () => this.addVersion()],
    ['version.change', () => this.versions.change(this.by, this.model(), this.number(), { description: `d${this.count}` })],
    ['version.remove', () => this.versions.remove(this.by, this.model(), this.number())],
    ['alias.set', () => this.aliases.set(this.by, this.model(), this.alias(), { version: this.number(), reason: 'better' })],
    ['alias.set again', () => this.aliases.set(this.by, this.model(), this.alias(), { version: this.number() })],
    ['alias.remove', () => this.aliases.remove(this.by, this.model(), this.alias())],
    ['deployment.create', () => this.deployments.create(this.by, this.newDeployment())],
    ['deployment.deploy', () => this.revisions.create(this.by, this.deployment(), CreateRevision.parse({ version: this.number() }))],
    ['deployment.roll back', () => this.rollbacks.rollBack(this.by, this.deployment(), {})],
    ['deployment.suspend', () => this.deployments.suspend(this.by, this.deployment(), { suspended: this.random() < 0.3 })],
    ['deployment.remove', () => (this.random() < 0.1 ? this.deployments.remove(this.by, this.deployment()) : this.addVersion())],
    ['settle', () => this.settle()],
    ['key.create', () => this.keys.create({ ...this.by, scopes: ['admin'], requestId: 'req_test' }, { name: this.key(), scopes: ['view'] })],
    ['key.revoke', () => this.keys.revoke({ ...this.by, scopes: ['admin'], requestId: 'req_test' }, this.key())],
    ['receiver.create', () => this.receivers.create(this.by, this.newReceiver())],
    ['rule.create', () => this.createRule()],
    ['restore', () => this.restore()],
    ['quota.set', () => this.setQuota()],
    ['quota.remove', async () => this.quotas.remove(this.by, await this.quotas.scope(this.projectId, this.scope()))],
    ['plan.create', () => this.plans.create(this.by, this.newPlan())],
    ['plan.remove', () => this.plans.remove(this.by, this.few())],
    ['window.create', () => this.windows.create(this.by, this.newWindow())],
    ['window.remove', () => this.windows.remove(this.by, this.few())],
    ['shadow.create', () => this.shadows.create(this.by, this.deployment(), CreateShadow.parse({ version: this.number() }))],
    ['canary', () => this.revisions.create(this.by, this.deployment(), this.newCanary())],
    [
      'rollout.act',
      () => this.wishes.act(this.by, this.deployment(), this.pick(['pause', 'resume', 'promote', 'approve', 'abort'] as const), 'so be it'),
    ],
  ];

  private async addVersion(): Promise<void> {
    const name = this.model();
    const wish = { digest: randomUUID().replaceAll('-', '').repeat(2), sizeBytes: 1_000, fileName: 'm.onnx', metadata };
    const rest = { description: undefined, tags: undefined, provenance: undefined, task: undefined };
    const version = await this.db.$transaction(async (tx) =>
      this.versions.create(tx, this.by, await findModel(tx, this.projectId, name), { ...wish, ...rest }),
    );
    const footprint = { loadMs: 1, runMs: 1, rssBytes: 1e6 };
    if (this.random() < 0.9) await this.validations.markReady(version.id, { signature, task: undefined, footprint, notes: [] });
    else await this.validations.markRejected(version.id, ['not for us']);
  }

  /** What workers do: plan, make every instance ready, write the facts down. */
  private async settle(): Promise<void> {
    this.lease ??= await new HostStore(this.db).register({ name: 'one', cores: 4, memoryBytes: 64e9 });
    const instances = new InstanceStore(this.db);
    await new InstancePlanStore(this.db).planOnce();
    for (const assignment of await instances.listAssigned(this.lease.hostId)) {
      const status = assignment.wish === 'STOP' ? 'GONE' : 'READY';
      const socket = status === 'READY' ? `unix:/run/${assignment.instanceId}.sock` : undefined;
      const fact = { status, address: socket, pid: 1, restarts: 0, reason: undefined, setup: noSetup } as const;
      await instances.writeFact(this.lease, assignment, fact);
    }
    await this.advanceRollouts();
    await this.facts.settleAll();
  }

  private async advanceRollouts(): Promise<void> {
    const rollouts = new RolloutStore(this.db);
    for (const id of await rollouts.listUnfinished()) await rollouts.advance(id);
  }

  private async createRule(): Promise<void> {
    const name = this.deployment();
    const { id } = await this.deployments.view(this.projectId, name);
    const rule = CreateAlertRule.parse({ name: this.key(), kind: 'error_ratio', params: { deployment: name, threshold: 0.1 } });
    await this.rules.create(this.by, rule, id);
  }

  private async restore(): Promise<void> {
    const last = Number((await this.db.event.findFirst({ where: { projectId: this.projectId }, orderBy: { sequence: 'desc' } }))?.sequence ?? 0);
    const at = String(Math.max(1, last - Math.floor(this.random() * 200)));
    const isAlias = this.random() < 0.5;
    const name = isAlias ? `${this.model()}/${this.alias()}` : this.deployment();
    await this.restorer.restore(this.by, RestoreHistory.parse({ at, what: isAlias ? 'alias' : 'deployment', name, reason: 'as before' }));
  }

  private async setQuota(): Promise<void> {
    const limits = { replicas: 20 + Math.floor(this.random() * 20), requestsPerSecond: 1 + this.random() };
    await this.quotas.set(this.by, await this.quotas.scope(this.projectId, this.scope()), SetQuota.parse({ limits, reason: 'for now' }));
  }

  private newPlan() {
    const stages = [{ kind: 'step', weightPercent: 1 + Math.floor(this.random() * 90) }];
    return CreateRolloutPlan.parse({ name: this.few(), plan: { strategy: 'canary', stages } });
  }

  private newCanary() {
    const stages = [
      { kind: 'step', weightPercent: 10 },
      { kind: 'step', weightPercent: 50 },
    ];
    return CreateRevision.parse({ version: this.number(), plan: { strategy: 'canary', stages }, overrideFreeze: true });
  }

  private newWindow() {
    return CreateFreezeWindow.parse({ name: this.few(), from: '2030-01-01T00:00:00Z', to: '2030-01-02T00:00:00Z' });
  }

  private newDeployment() {
    return CreateDeployment.parse({ name: this.deployment(), model: this.model(), version: this.number() });
  }

  private newReceiver() {
    return CreateReceiver.parse({ kind: 'EMAIL', name: this.key(), to: ['a@example.com'] });
  }

  private readonly model = () => `model-${Math.floor(this.random() * 3)}`;
  private readonly alias = () => this.pick(['champion', 'challenger', 'old']);
  private readonly deployment = () => `deployment-${Math.floor(this.random() * 4)}`;
  private readonly few = () => `few-${Math.floor(this.random() * 5)}`;
  private readonly scope = () => (this.random() < 0.4 ? 'project' : `deployment:${this.deployment()}`);
  private readonly key = () => `name-${Math.floor(this.random() * 200)}`;
  private readonly number = () => 1 + Math.floor(this.random() * 12);

  private pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.random() * from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

it('rebuilds every recorded state, and the tables as they are, from the events of two thousand random changes', { timeout: 400_000 }, async () => {
  const projectId = newId('prj');
  await database.db.project.create({ data: { id: projectId, name: projectId } });
  const history = new HistoryStore(database.pool);
  const changes = new RandomChanges(projectId, randomOf(20_261_122));
  for (let done = 0; done < 2_000; done += 1) {
    await changes.change();
    if (done % 250 === 249) expect(await history.takeSnapshot(projectId)).toBe(true);
  }
  // Each kind of change took place, and some were refused.
  expect([...changes.done.keys()].length).toBeGreaterThan(22);
  expect(changes.refused.size).toBeGreaterThan(5);

  const snapshots = await history.snapshots(projectId);
  expect(snapshots.length).toBe(8);
  let state = new Map() as ReturnType<typeof rebuildState>;
  let from = 0;
  for (const { sequence } of snapshots) {
    for await (const some of history.changes(projectId, { after: from, upTo: Number.MAX_SAFE_INTEGER })) {
      state = rebuildState(
        state,
        some.filter((change) => change.sequence <= sequence),
      );
    }
    expect(state).toEqual((await history.snapshot(projectId, sequence))?.state);
    from = sequence;
  }
  expect(state.size).toBeGreaterThan(100);

  // Who, when and why: no change without an event, and each event is of this project.
  const { rows } = await database.pool.query<{ kind: string; n: string }>(
    'select kind, count(*) as n from history.changes where project_id = $1 and event is null group by kind',
    [projectId],
  );
  expect(rows).toEqual([]);
});
