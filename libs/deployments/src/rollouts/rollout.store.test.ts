import { RolloutPlan } from '@slipway/contracts';
import { newId, toJson } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { DeploymentStore } from '../deployments/deployment.store.js';
import { DeploymentFactStore } from '../deployments/deployment-fact.store.js';
import { RevisionStore } from '../revisions/revision.store.js';
import { judgement } from '../testing/judgement.js';
import { by, empty, InstantHost, seedModel, spec } from '../testing/seed.js';
import { FreezeWindowStore } from './freeze-window.store.js';
import type { RolloutVerdict } from './judge-rollout.js';
import { NamedPlanStore } from './named-plan.store.js';
import { RollbackStore } from './rollback.store.js';
import { type RolloutCompanions, RolloutStore } from './rollout.store.js';
import { RolloutWishStore } from './rollout-wish.store.js';
import { ShadowStore, shadowsMax } from './shadow.store.js';

let database: TestDatabase;
let deployments: DeploymentStore;
let revisions: RevisionStore;
let rollouts: RolloutStore;
let wishes: RolloutWishStore;
let rollbacks: RollbackStore;
let shadows: ShadowStore;
let plans: NamedPlanStore;
let windows: FreezeWindowStore;
let facts: DeploymentFactStore;
let host: InstantHost;

beforeAll(async () => {
  database = await testDatabase({ max: 12 });
  const { db } = database;
  deployments = new DeploymentStore(db);
  revisions = new RevisionStore(db);
  rollouts = new RolloutStore(db);
  wishes = new RolloutWishStore(db);
  rollbacks = new RollbackStore(db);
  shadows = new ShadowStore(db);
  plans = new NamedPlanStore(db);
  windows = new FreezeWindowStore(db);
  facts = new DeploymentFactStore(db);
});
beforeEach(async () => {
  await empty(database.db);
  await database.db.$executeRaw`truncate "NamedPlan", "FreezeWindow"`;
  await seedModel(database.db, 'Fraud', ['READY', 'READY', 'READY']);
  host = await InstantHost.register(database.db);
  await deployments.create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec });
  await work();
});
afterAll(() => database.close());

const refused = (code: string, message: RegExp = /./) => expect.objectContaining({ code, message: expect.stringMatching(message) });
const view = () => deployments.view(by.projectId, 'fraud');
const walk = () => rollouts.latest(by.projectId, 'fraud');
const split = async () => Object.fromEntries((await view()).split.map((share) => [share.revision, share.weightPercent]));
const warmRevisions = async () => (await view()).instances.filter((each) => each.status === 'READY').map((each) => each.revision);

const side = { requests: 0, errors: 0 };
const verdict = (given: Partial<RolloutVerdict> = {}): RolloutVerdict => ({
  judgements: [judgement('pass')],
  counts: { stable: side, candidate: { requests: 60, errors: 1 }, shadow: side, pairs: 5, flips: 1 },
  candidateRequestsInStage: 1_000,
  ...given,
});
const saying = (given: Partial<RolloutVerdict> = {}): RolloutCompanions => ({ judge: async () => verdict(given) });
const passing = saying();
const failing = saying({ judgements: [judgement('fail', { reason: 'errors went from 1 % to 3 %' })] });

/** Everything that worker and pilot do, until nothing changes any more. */
async function work(companions: RolloutCompanions = {}, passes = 2): Promise<void> {
  for (let pass = 0; pass < passes; pass += 1) {
    await host.settle();
    for (const id of await rollouts.listUnfinished()) await rollouts.advance(id, companions);
    await facts.settleAll();
  }
}

const canary = (given: Partial<z.input<typeof RolloutPlan>> = {}) =>
  RolloutPlan.parse({
    strategy: 'canary',
    stages: [
      { kind: 'step', weightPercent: 5, minRequests: 50 },
      { kind: 'step', weightPercent: 40, minRequests: 50 },
    ],
    ...given,
  });
const deploy = (given: Partial<z.input<typeof RolloutPlan>> = {}, more: object = {}) =>
  revisions.create(by, 'fraud', { version: 2, strategy: 'canary', plan: canary(given), ...more });

/** In the first step of a canary. */
async function inFirstStep(given: Partial<z.input<typeof RolloutPlan>> = {}): Promise<void> {
  await deploy(given);
  await work();
  expect(await split()).toEqual({ 1: 95, 2: 5 });
}

describe('a canary', () => {
  it('walks its steps by what the judge says, tells every step, and keeps the old revision for an undo', async () => {
    await inFirstStep();
    expect(await rollouts.advance((await walk()).id, saying({ candidateRequestsInStage: 49 }))).toBe('wait');
    expect(await walk()).toMatchObject({
      phase: 'step',
      step: 0,
      weightPercent: 5,
      waitingFor: '1 more of 50 requests to the candidate',
      counts: { candidate: { requests: 60, errors: 1 } },
      judgements: [{ outcome: 'pass' }],
    });
    await work(passing, 1);
    expect(await split()).toEqual({ 1: 60, 2: 40 });
    await work(passing, 1);
    expect(await split()).toEqual({ 2: 100 });
    const done = await walk();
    expect(done).toMatchObject({ status: 'COMPLETED', phase: 'promoting', step: 2, weightPercent: 100, actions: ['undo'] });
    expect(Date.parse(done.undoUntil ?? '')).toBeGreaterThan(Date.now() + 500_000);
    expect(done.transitions.map(({ action, stage, weightPercent }) => ({ action, stage, weightPercent }))).toEqual([
      { action: 'started', stage: null, weightPercent: 0 },
      { action: 'stage_entered', stage: 0, weightPercent: 5 },
      { action: 'stage_entered', stage: 1, weightPercent: 40 },
      { action: 'completed', stage: 2, weightPercent: 100 },
    ]);
    expect(done.transitions.at(-1)?.judgements).toMatchObject([{ guard: 'error-share', outcome: 'pass' }]);
    const events = await database.db.event.findMany({ where: { action: { startsWith: 'rollout.' } }, orderBy: { sequence: 'asc' } });
    expect(events.slice(-3).map((event) => event.action)).toEqual(['rollout.stage_entered', 'rollout.stage_entered', 'rollout.completed']);
  });

  it('stays where it is without a judge, however often somebody tries', async () => {
    await inFirstStep();
    await work();
    expect(await split()).toEqual({ 1: 95, 2: 5 });
    await expect(rollouts.advance((await walk()).id, { judge: () => Promise.reject(new Error('the evidence is away')) })).rejects.toThrow('away');
    expect(await split()).toEqual({ 1: 95, 2: 5 });
  });

  it('does not make the candidate the active revision before its promotion, also at 100 %', async () => {
    await revisions.create(by, 'fraud', { version: 2, strategy: 'blue-green' });
    await work();
    expect(await split()).toEqual({ 2: 100 });
    const active = await database.db.deployment.findFirstOrThrow({ select: { activeRevisionId: true } });
    expect(active.activeRevisionId).toBe((await view()).revisions.find((each) => each.revision === 1)?.id);
    await work(failing, 1);
    expect(await split()).toEqual({ 1: 100 });
  });

  it('takes the candidate back when a guard fails, and the wish itself with it, with the row alone', async () => {
    await inFirstStep();
    const { id } = await walk();
    expect(await rollouts.advance(id, failing)).toBe('abort');
    expect(await split()).toEqual({ 1: 100 });
    const [one] = await database.db.revision.findMany({ orderBy: { number: 'asc' } });
    expect(await database.db.deployment.findFirstOrThrow()).toMatchObject({ desiredRevisionId: one?.id, wishKind: 'ROLLBACK', epoch: 3 });
    expect(await walk()).toMatchObject({
      status: 'ABORTED',
      phase: 'rolling_back',
      weightPercent: 0,
      cause: 'GUARD_FAILED',
      causeDetail: 'errors went from 1 % to 3 %',
      actions: ['undo'],
    });
    expect((await walk()).transitions.at(-1)).toMatchObject({ action: 'aborted', judgements: [{ outcome: 'fail' }] });
    await work();
    expect(await split()).toEqual({ 1: 100 });
    expect(await rollouts.advance(id, passing)).toBe('gone');
  });

  it('lets one of ten that advance it at once do it', async () => {
    await inFirstStep();
    const { id } = await walk();
    const done = await Promise.all(Array.from({ length: 10 }, () => rollouts.advance(id, failing)));
    expect(done.filter((each) => each === 'abort')).toHaveLength(1);
    expect((await walk()).transitions.map(({ action }) => action)).toEqual(['started', 'stage_entered', 'aborted']);
    expect(await database.db.deployment.findFirstOrThrow()).toMatchObject({ epoch: 3 });
  });

  it('is undone after a guard took it back, for as long as the candidate is warm', async () => {
    await inFirstStep();
    await work(failing, 1);
    await work();
    expect(await warmRevisions()).toEqual([1, 2]);
    expect((await wishes.act(by, 'fraud', 'undo', 'known fault')).transitions.at(-1)).toMatchObject({ action: 'undone', reason: 'known fault' });
    expect(await split()).toEqual({ 2: 100 });
    await work();
    expect((await view()).revisions.find((each) => each.revision === 2)).toMatchObject({ weightPercent: 100, retiredAt: null });
    await expect(wishes.act(by, 'fraud', 'undo')).rejects.toEqual(refused('ROLLOUT_FINISHED', /nothing is possible/));
  });

  it('lets the candidate go when the time for an undo is over', async () => {
    await inFirstStep({ undoSeconds: 1 });
    await work(failing, 1);
    await database.db.rollout.updateMany({ data: { undoUntil: new Date(Date.now() - 1_000) } });
    await work();
    expect(await warmRevisions()).toEqual([1]);
    await expect(rollbacks.rollBack(by, 'fraud', { revision: 2 })).rejects.toEqual(refused('ROLLBACK_NOWHERE', /never served/));
  });

  it('keeps the old revision warm for an undo, whatever its own time to stay warm is', async () => {
    await database.db.revision.updateMany({ data: { spec: toJson({ ...spec, keepWarmSeconds: 0 }) } });
    await inFirstStep({ undoSeconds: 600 });
    await work(passing, 3);
    expect(await split()).toEqual({ 2: 100 });
    expect(await warmRevisions()).toEqual([1, 2]);
    await wishes.act(by, 'fraud', 'undo');
    expect(await split()).toEqual({ 1: 100 });
  });
});

describe('a fast lane', () => {
  const ejection = { cause: 'CONSECUTIVE_ERRORS', detail: '10 errors in a row', at: new Date() } as const;

  it('ends the rollout once, however often it is reported', async () => {
    await inFirstStep();
    const { id } = await walk();
    const reports = await Promise.all(Array.from({ length: 5 }, () => rollouts.reportEjection(id, { ...ejection, judgement: judgement('fail') })));
    expect(reports.toSorted()).toEqual(['aborted', 'late', 'late', 'late', 'late']);
    expect(await walk()).toMatchObject({ status: 'ABORTED', cause: 'CONSECUTIVE_ERRORS', causeDetail: '10 errors in a row' });
    expect((await walk()).transitions.at(-1)).toMatchObject({ actor: 'system:gateway', action: 'aborted', judgements: [{ outcome: 'fail' }] });
    expect(await split()).toEqual({ 1: 100 });
    expect(await database.db.deployment.findFirstOrThrow()).toMatchObject({ wishKind: 'ROLLBACK', epoch: 3 });
    expect(await rollouts.reportEjection('rol_none', ejection)).toBe('gone');
  });

  it('is kept, and changes nothing, when it comes after the promotion', async () => {
    await inFirstStep();
    const { id } = await walk();
    await work(passing, 2);
    for (let report = 0; report < 3; report += 1) expect(await rollouts.reportEjection(id, ejection)).toBe('late');
    expect(await split()).toEqual({ 2: 100 });
    expect((await walk()).transitions.filter(({ action }) => action === 'ejection_reported')).toHaveLength(1);
  });
});

describe('people', () => {
  it('pause and resume; a guard takes it back also while paused', async () => {
    await inFirstStep();
    expect(await wishes.act(by, 'fraud', 'pause', 'lunch')).toMatchObject({
      status: 'PAUSED',
      weightPercent: 5,
      actions: ['resume', 'promote', 'abort'],
    });
    await work(passing);
    expect(await split()).toEqual({ 1: 95, 2: 5 });
    await expect(wishes.act(by, 'fraud', 'pause')).rejects.toEqual(refused('ROLLOUT_ACTION_REFUSED', /PAUSED; possible now: resume, promote, abort/));
    expect(await wishes.act(by, 'fraud', 'resume')).toMatchObject({ status: 'PROGRESSING' });
    await work(passing, 1);
    expect(await split()).toEqual({ 1: 60, 2: 40 });
    await wishes.act(by, 'fraud', 'pause');
    await work(failing, 1);
    expect(await walk()).toMatchObject({ status: 'ABORTED', cause: 'GUARD_FAILED' });
    expect((await walk()).transitions.map(({ action }) => action)).toEqual([
      'started',
      'stage_entered',
      'paused',
      'resumed',
      'stage_entered',
      'paused',
      'aborted',
    ]);
  });

  it('approve before the next stage begins', async () => {
    await inFirstStep({ stages: [{ kind: 'step', weightPercent: 5, approval: true }] });
    await expect(wishes.act(by, 'fraud', 'resume')).rejects.toEqual(refused('ROLLOUT_ACTION_REFUSED', /PROGRESSING/));
    await work(passing);
    expect(await walk()).toMatchObject({ waitingFor: 'the approval of a person', actions: ['approve', 'pause', 'promote', 'abort'] });
    await wishes.act({ ...by, actor: 'key:boss' }, 'fraud', 'approve');
    await expect(wishes.act(by, 'fraud', 'approve')).rejects.toEqual(refused('ROLLOUT_ACTION_REFUSED', /asks for no approval, or has it/));
    await work(passing, 1);
    expect(await walk()).toMatchObject({ status: 'COMPLETED' });
    expect((await walk()).transitions.at(-2)).toMatchObject({ actor: 'key:boss', action: 'approved' });
  });

  it('let a held one go on, which is not held again for the same word', async () => {
    await inFirstStep();
    const both = saying({ judgements: [judgement('common_fault')] });
    await work(both, 1);
    expect(await walk()).toMatchObject({ status: 'HELD', waitingFor: 'error share: common_fault', weightPercent: 5 });
    await work(passing);
    expect(await split()).toEqual({ 1: 95, 2: 5 });
    await work(both, 1);
    await database.db.rollout.updateMany({ data: { judgedAt: null } });
    await work(both, 1);
    expect(await wishes.act(by, 'fraud', 'resume')).toMatchObject({ status: 'PROGRESSING' });
    await work(both, 1);
    expect(await split()).toEqual({ 1: 60, 2: 40 });
    await work(failing, 1);
    expect(await split()).toEqual({ 1: 100 });
  });

  it('promote at once, or abort; the wish alone takes traffic back', async () => {
    await inFirstStep();
    await wishes.act(by, 'fraud', 'promote', 'we know it');
    await work();
    expect(await split()).toEqual({ 1: 95, 2: 5 });
    await work(passing, 1);
    expect(await split()).toEqual({ 2: 100 });
    await revisions.create(by, 'fraud', { version: 3, strategy: 'canary', plan: canary() });
    await work();
    expect(await split()).toEqual({ 2: 95, 3: 5 });
    await wishes.act(by, 'fraud', 'abort');
    expect(await split()).toEqual({ 2: 100 });
    await work();
    expect(await walk()).toMatchObject({ status: 'ABORTED', cause: 'ABORT_REQUESTED', actions: [] });
    expect((await walk()).transitions.at(-1)).toMatchObject({ actor: by.actor, action: 'aborted' });
    expect(await warmRevisions()).toEqual([1, 2]);
    const [last = ''] = await rollouts.listEnded(600_000);
    expect(last).toBe((await walk()).id);
    await database.db.rollout.update({ where: { id: last }, data: { finishedAt: new Date(Date.now() - 700_000) } });
    expect(await rollouts.listEnded(600_000)).toHaveLength(2);
  });
});

describe('hooks', () => {
  const plan = canary({ hooks: [{ receiver: 'ops', mode: 'ask' }] });
  it('are asked before each move; hold and abort are heeded, and nobody moves on without asking', async () => {
    await revisions.create(by, 'fraud', { version: 2, strategy: 'canary', plan });
    await work();
    expect(await walk()).toMatchObject({ phase: 'warming', status: 'PROGRESSING' });
    const asked: string[] = [];
    const ask = async (_: unknown, move: { action: string; weightPercent: number }) => {
      asked.push(`${move.action} ${move.weightPercent}`);
      return move.weightPercent > 5 ? ({ kind: 'abort', reason: 'ops said no' } as const) : ({ kind: 'go' } as const);
    };
    await work({ ...passing, ask }, 2);
    expect(asked).toEqual(['stage_entered 5', 'stage_entered 40']);
    expect(await walk()).toMatchObject({ status: 'ABORTED', cause: 'HOOK_ABORTED', causeDetail: 'ops said no' });
  });

  it('hold it for a person', async () => {
    await revisions.create(by, 'fraud', { version: 2, strategy: 'canary', plan });
    await work({ ask: async () => ({ kind: 'hold', reason: 'ops did not answer' }) });
    expect(await walk()).toMatchObject({ status: 'HELD', waitingFor: 'ops did not answer', weightPercent: 0 });
    await wishes.act(by, 'fraud', 'promote');
    await work({}, 1);
    expect(await split()).toEqual({ 2: 100 });
  });
});

describe('a rolling update', () => {
  it('replaces replicas batch by batch', async () => {
    await revisions.create(by, 'fraud', { version: 1, replicas: 3, strategy: 'all-at-once', spec: { keepWarmSeconds: 0 } });
    await work();
    await revisions.create(by, 'fraud', { version: 2, replicas: 3, strategy: 'rolling', plan: RolloutPlan.parse({ strategy: 'rolling' }) });
    const counts: string[] = [];
    for (let pass = 0; pass < 4; pass += 1) {
      await work(passing, 1);
      const ready = (await warmRevisions()).filter((revision) => revision !== 1);
      counts.push(`${ready.filter((revision) => revision === 2).length}+${ready.filter((revision) => revision === 3).length}`);
    }
    expect(counts).toEqual(['3+1', '2+2', '1+3', '0+3']);
    expect(await walk()).toMatchObject({ status: 'COMPLETED', strategy: 'rolling' });
    expect((await walk()).transitions.map(({ action, weightPercent }) => `${action} ${Math.round(weightPercent)}`)).toEqual([
      'started 0',
      'moved 33',
      'moved 67',
      'completed 100',
    ]);
  });
});

describe('a shadow rollout', () => {
  it('does not get live callers past the gates of its model', async () => {
    const model = await database.db.model.findFirstOrThrow({ where: { nameFolded: 'fraud' } });
    const gate = { dataset: 'test', metric: 'f1', comparison: 'at_least', value: 0.9, tolerance: 0, alias: 'champion', appliesTo: ['deploy'] };
    await database.db.modelGates.create({ data: { modelId: model.id, gates: [gate], updatedBy: by.actor } });
    try {
      const stages = [{ kind: 'shadow', samplePercent: 30 }];
      const deploy = (afterStages: string) =>
        revisions.create(by, 'fraud', { version: 2, strategy: 'shadow', plan: RolloutPlan.parse({ strategy: 'shadow', afterStages, stages }) });
      for (const afterStages of ['promote', 'hold']) await expect(deploy(afterStages)).rejects.toEqual(refused('GATE_NOT_MET'));
      await deploy('end');
      await work(saying({ candidateRequestsInStage: 0 }));
      await expect(wishes.act(by, 'fraud', 'promote')).rejects.toEqual(refused('GATE_NOT_MET'));
      await work(failing);
      expect((await walk()).status).toBe('ABORTED');
      await expect(rollbacks.rollBack(by, 'fraud', { revision: 2 })).rejects.toEqual(refused('GATE_NOT_MET'));
      expect(await split()).toEqual({ 1: 100 });
    } finally {
      await database.db.modelGates.deleteMany();
    }
  });

  it('gets copies, never traffic, and ends with the wish as it was', async () => {
    await revisions.create(by, 'fraud', {
      version: 2,
      strategy: 'shadow',
      plan: RolloutPlan.parse({ strategy: 'shadow', afterStages: 'end', stages: [{ kind: 'shadow', samplePercent: 30 }] }),
    });
    await work();
    expect(await split()).toEqual({ 1: 100 });
    expect(await walk()).toMatchObject({ phase: 'shadowing', shadowPercent: 30, weightPercent: 0 });
    await work(passing, 1);
    expect(await walk()).toMatchObject({ status: 'COMPLETED', shadowPercent: 0, weightPercent: 0, actions: [] });
    await work();
    expect(await split()).toEqual({ 1: 100 });
    expect(await warmRevisions()).toEqual([1]);
    expect(await database.db.deployment.findFirstOrThrow()).toMatchObject({ wishKind: 'ROLLBACK', epoch: 3 });
  });
});

describe('time', () => {
  it('is waited for by a scheduled rollout, which costs nothing before', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    await deploy({}, { scheduledFor: soon });
    await work();
    expect(await walk()).toMatchObject({ phase: 'validating', scheduledFor: soon, waitingFor: expect.stringContaining('its time') });
    expect(await warmRevisions()).toEqual([1]);
    await database.db.rollout.updateMany({ where: { phase: 'validating' }, data: { scheduledFor: new Date(Date.now() - 1) } });
    await work({}, 3);
    expect(await split()).toEqual({ 1: 95, 2: 5 });
    await expect(deploy({}, { scheduledFor: '2020-01-01T00:00:00Z' })).rejects.toEqual(refused('ROLLOUT_IN_PROGRESS'));
    await wishes.act(by, 'fraud', 'abort');
    await expect(deploy({}, { scheduledFor: '2020-01-01T00:00:00Z' })).rejects.toEqual(refused('ROLLOUT_REFUSED', /expected a time to come/));
  });

  const open = (given: object = {}) => {
    const hour = 3_600_000;
    const span = { from: new Date(Date.now() - hour).toISOString(), to: new Date(Date.now() + hour).toISOString() };
    return windows.create(by, { name: 'audit', weekly: false, ...span, ...given });
  };

  it('that is frozen is waited for; taking back is not', async () => {
    await inFirstStep();
    expect(await open()).toMatchObject({ name: 'audit', open: true, deployment: null });
    await work(passing);
    expect(await walk()).toMatchObject({ weightPercent: 5, waitingFor: expect.stringMatching(/freeze window "audit"/) });
    await expect(wishes.act(by, 'fraud', 'promote')).rejects.toEqual(refused('ROLLOUT_FROZEN', /audit/));
    await work(failing, 1);
    expect(await split()).toEqual({ 1: 100 });
    await deploy();
    await work();
    expect(await walk()).toMatchObject({ phase: 'validating', status: 'PROGRESSING' });
    await windows.remove(by, 'AUDIT');
    await work({}, 3);
    expect(await split()).toEqual({ 1: 95, 3: 5 });
  });

  it('that is frozen for somebody else, or was overridden, is not', async () => {
    await deployments.create(by, { name: 'other', model: 'fraud', version: 1, replicas: 1, spec });
    await open({ deployment: 'other' });
    await inFirstStep();
    await wishes.act(by, 'fraud', 'abort');
    await open({ name: 'all' });
    await deploy({}, { overrideFreeze: true });
    await work();
    expect(await split()).toEqual({ 1: 95, 3: 5 });
    expect(await database.db.event.findFirstOrThrow({ where: { action: 'revision.created' }, orderBy: { sequence: 'desc' } })).toMatchObject({
      after: { overrideFreeze: true },
    });
  });

  it('has windows that are listed, named once, and belong to a project', async () => {
    await open();
    await expect(open({ name: 'Audit' })).rejects.toEqual(refused('FREEZE_WINDOW_NAME_TAKEN'));
    await expect(open({ name: 'x', deployment: 'nothing' })).rejects.toEqual(refused('DEPLOYMENT_NOT_FOUND'));
    expect((await windows.list(by.projectId, { limit: 10 })).items).toHaveLength(1);
    await expect(windows.get('prj_2', 'audit')).rejects.toEqual(refused('FREEZE_WINDOW_NOT_FOUND'));
    await windows.remove(by, 'audit', 'over');
    await expect(windows.remove(by, 'audit')).rejects.toEqual(refused('FREEZE_WINDOW_NOT_FOUND'));
  });
});

describe('a deploy', () => {
  it('is refused when it would break callers, unless that is said', async () => {
    const wider = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
    const { modelId } = await database.db.version.findFirstOrThrow();
    await database.db.version.create({
      data: { id: newId('ver'), modelId, number: 4, status: 'READY', digest: '4', sizeBytes: 10n, createdBy: by.actor, signature: toJson(wider) },
    });
    await expect(deploy({}, { version: 4 })).rejects.toEqual(
      refused('SIGNATURE_BREAKING', /version 4 breaks those who call version 1: input "x".*allowBreaking/),
    );
    await expect(shadows.create(by, 'fraud', { version: 4, samplePercent: 100 })).rejects.toEqual(refused('SIGNATURE_BREAKING'));
    expect(await database.db.revision.count()).toBe(1);
    await deploy({}, { version: 4, allowBreaking: true });
    expect((await view()).rollout).toMatchObject({ toVersion: 4 });
  });

  it('by anything but all at once is refused while nothing serves', async () => {
    await deployments.create(by, { name: 'new', model: 'fraud', version: 1, replicas: 1, spec });
    await wishes.act(by, 'new', 'abort');
    await expect(revisions.create(by, 'new', { version: 2, strategy: 'canary' })).rejects.toEqual(
      refused('ROLLOUT_REFUSED', /nothing of "new" serves/),
    );
  });

  it('takes a named plan, and keeps the one it was started with', async () => {
    const kept = await plans.create(by, { name: 'careful', description: '', plan: canary() });
    expect(kept).toMatchObject({ revision: 1, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await plans.create(by, { name: 'careful', description: '', plan: canary() })).toEqual(kept);
    await revisions.create(by, 'fraud', { version: 2, strategy: 'all-at-once', plan: 'Careful' });
    const next = await plans.create(by, { name: 'careful', description: '', plan: canary({ onFail: 'hold' }) });
    expect(next).toMatchObject({ revision: 2 });
    expect(next.digest).not.toBe(kept.digest);
    expect((await view()).rollout).toMatchObject({ planName: 'careful', strategy: 'canary', plan: { onFail: 'roll-back' } });
    expect((await plans.list(by.projectId, { limit: 10 })).items).toEqual([next]);
    expect(await plans.get(by.projectId, 'careful', 1)).toEqual(kept);
    await plans.remove(by, 'careful');
    await expect(plans.get(by.projectId, 'careful')).rejects.toEqual(refused('ROLLOUT_PLAN_NOT_FOUND'));
    await expect(revisions.create(by, 'fraud', { version: 3, strategy: 'canary', plan: 'careful' })).rejects.toEqual(refused('ROLLOUT_IN_PROGRESS'));
    await wishes.act(by, 'fraud', 'abort');
    await expect(revisions.create(by, 'fraud', { version: 3, strategy: 'canary', plan: 'careful' })).rejects.toEqual(
      refused('ROLLOUT_PLAN_NOT_FOUND'),
    );
    expect(await plans.create(by, { name: 'careful', description: '', plan: canary() })).toMatchObject({ revision: 3 });
  });

  it('lists rollouts, newest first, of one deployment or of all', async () => {
    await deployments.create(by, { name: 'other', model: 'fraud', version: 1, replicas: 1, spec });
    await deploy();
    const all = await rollouts.list(by.projectId, undefined, { limit: 2 });
    expect(all.items.map((each) => each.deployment)).toEqual(['fraud', 'other']);
    const rest = await rollouts.list(by.projectId, undefined, { limit: 2, cursor: all.nextCursor });
    expect(rest.items).toMatchObject([{ deployment: 'fraud', toRevision: 1, status: 'COMPLETED' }]);
    const own = await rollouts.list(by.projectId, 'fraud', { limit: 10 });
    expect(own.items.map((each) => [each.fromVersion, each.toVersion])).toEqual([
      [1, 2],
      [null, 1],
    ]);
    expect((await rollouts.list('prj_2', undefined, { limit: 2 })).items).toEqual([]);
  });
});

describe('shadows', () => {
  it('run beside everything else until they are ended', async () => {
    const { view: shadow } = await shadows.create(by, 'fraud', { version: 3, samplePercent: 20, reason: 'curious' });
    expect(shadow).toMatchObject({ revision: 2, version: 3, samplePercent: 20, warm: false });
    await work();
    expect(await shadows.list(by.projectId, 'fraud', { limit: 10 })).toMatchObject({
      items: [{ view: { id: shadow.id, warm: true }, compared: { candidateVersionId: expect.any(String) } }],
    });
    expect(await split()).toEqual({ 1: 100 });
    await deploy();
    await work(passing, 4);
    expect(await split()).toEqual({ 3: 100 });
    expect(await warmRevisions()).toEqual([1, 2, 3]);
    await shadows.remove(by, 'fraud', shadow.id);
    await work();
    expect(await warmRevisions()).toEqual([1, 3]);
    await expect(shadows.remove(by, 'fraud', shadow.id)).rejects.toEqual(refused('SHADOW_NOT_FOUND'));
  });

  it(`are ${shadowsMax} at most, and none while nothing serves`, async () => {
    for (let count = 0; count < shadowsMax; count += 1) await shadows.create(by, 'fraud', { version: 2, samplePercent: 1 });
    await expect(shadows.create(by, 'fraud', { version: 2, samplePercent: 1 })).rejects.toEqual(refused('SHADOW_LIMIT', /has 8 shadows/));
    await deployments.create(by, { name: 'new', model: 'fraud', version: 1, replicas: 1, spec });
    await expect(shadows.create(by, 'new', { version: 2, samplePercent: 1 })).rejects.toEqual(refused('ROLLOUT_REFUSED'));
  });
});
