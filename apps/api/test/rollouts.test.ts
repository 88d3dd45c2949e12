import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  FreezeWindowPage,
  FreezeWindowView,
  RolloutDetail,
  RolloutPage,
  RolloutPlanPage,
  RolloutPlanView,
  ShadowPage,
  ShadowView,
} from '@slipway/contracts';
import { DeploymentFactStore, HostStore, InstancePlanStore, InstanceStore, noSetup } from '@slipway/deployments';
import { EvidenceRecorder, RequestSampleStore, RolloutEvidenceStore } from '@slipway/metrics';
import { loadSettings, newId, toJson } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../src/create-app.js';
import { Platform } from '../src/platform.js';
import { startApi, type TestApi } from './start-api.js';

let api: TestApi;
let second: { readonly api: Api; readonly platform: Platform };
let lease: Awaited<ReturnType<HostStore['register']>>;

beforeAll(async () => {
  api = await startApi({ SLIPWAY_EGRESS_ALLOW: '127.0.0.1' });
  const { db, url } = api.database;
  // Another process of the API: whoever is first advances a rollout.
  const platform = Platform.open(
    loadSettings({ SLIPWAY_HOME: api.home, SLIPWAY_LOG_LEVEL: 'silent', SLIPWAY_API_PORT: '0', SLIPWAY_EGRESS_ALLOW: '127.0.0.1' }),
    url,
  );
  await platform.nudges.start();
  second = { api: await createApi(platform), platform };
  lease = await new HostStore(db).register({ name: 'one', cores: 4, memoryBytes: 64e9 });
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name: 'fraud', nameFolded: 'fraud', nextVersion: 5 } });
  for (const [index, width] of [2, 2, 2, 3].entries()) {
    const tensor = (name: string, size: number) => ({ name, datatype: 'FP32', shape: [-1, size] });
    const signature = toJson({ inputs: [tensor('x', width)], outputs: [tensor('y', 1)] });
    const data = { id: newId('ver'), modelId, number: index + 1, status: 'READY', digest: String(index).padStart(64, '0'), sizeBytes: 10n };
    await db.version.create({ data: { ...data, signature, createdBy: 'key:test' } });
  }
});
afterAll(async () => {
  await second.api.close();
  await second.platform.shutdown.run();
  await api.close();
});

/** What a worker does when instances are wished, with instances that are ready at once. Rollouts are the API's alone here. */
async function settle(): Promise<void> {
  const { db } = api.database;
  const instances = new InstanceStore(db);
  await new HostStore(db).heartbeat(lease);
  await new InstancePlanStore(db).planOnce();
  for (const assignment of await instances.listAssigned(lease.hostId)) {
    const isReady = assignment.wish !== 'STOP';
    const address = isReady ? `unix:/nowhere/${assignment.instanceId}.sock` : undefined;
    const fact = {
      status: isReady ? 'READY' : 'GONE',
      address,
      pid: isReady ? 1 : undefined,
      restarts: 0,
      reason: undefined,
      setup: noSetup,
    } as const;
    await instances.writeFact(lease, assignment, fact);
  }
  await new DeploymentFactStore(db).settleAll();
}

const path = (name: string, rest = '') => `/v1/deployments/${name}${rest}`;
const rollout = async (name: string) => RolloutDetail.parse((await api.call('GET', path(name, '/rollout'))).body);
const split = async (name: string) => {
  const { body } = await api.call('GET', path(name));
  return (body as { split: { version: number; weightPercent: number }[] }).split.map(({ version, weightPercent }) => `${version}:${weightPercent}`);
};
const refused = (status: number, code: string, detail: RegExp) => ({
  status,
  body: expect.objectContaining({ code, detail: expect.stringMatching(detail) }),
});

/** Serves version 1. */
async function serving(name: string): Promise<void> {
  await api.call('POST', '/v1/deployments', { name, model: 'fraud', version: 1 });
  await until(name, ({ status }) => status === 'COMPLETED');
}

function until(name: string, is: (value: RolloutDetail) => boolean, what = `the rollout of ${name}`): Promise<unknown> {
  return waitFor(
    async () => {
      await settle();
      return is(await rollout(name));
    },
    { what, timeoutMs: 30_000 },
  );
}

const onlyErrors = Object.fromEntries(
  ['latency', 'refusals', 'memory', 'invalidOutput', 'disagreement', 'quality'].map((guard) => [guard, { mode: 'off' }]),
);
const canary = (more: object = {}) => ({
  strategy: 'canary',
  stages: [
    { kind: 'step', weightPercent: 5, minRequests: 50 },
    { kind: 'step', weightPercent: 50, minRequests: 50 },
  ],
  guards: onlyErrors,
  ...more,
});

/** Answers as a gateway counts them. */
async function answered(subjectId: string, stage: number, counts: { stable: [number, number]; candidate: [number, number] }): Promise<void> {
  const recorder = new EvidenceRecorder();
  for (const [side, [good, bad]] of Object.entries(counts) as ['stable' | 'candidate', [number, number]][]) {
    for (let k = 0; k < good + bad; k += 1) {
      const outcome = k < good ? 'success' : 'runtime_error';
      recorder.count({ subjectId, stage }, side, {
        outcome,
        durationSeconds: 0.001,
        computeSeconds: 0.001,
        rows: 1,
        observed: undefined,
        task: undefined,
      });
    }
  }
  await new RolloutEvidenceStore(api.database.pool, `test-${newId('req')}`).write(recorder.takeDirty());
}

/** A recorded request; nobody reads it here. */
async function keepSample(deploymentId: string): Promise<void> {
  const nothing = new Uint8Array(1);
  await new RequestSampleStore(api.database.pool).add([
    {
      id: newId('prd'),
      atMs: Date.now() - 1_000,
      projectId: 'prj_default',
      deploymentId,
      revisionId: 'rev_1',
      versionId: 'ver_1',
      versionNumber: 1,
      represents: 1,
      rows: 1,
      batchRows: 1,
      computeMicros: 1,
      hasAnswer: true,
      isRedacted: false,
      payload: nothing,
      summary: nothing,
      keepHours: 1,
    },
  ]);
}

describe('the pilot', () => {
  it('walks a canary to its promotion by evidence alone, without any worker or queue at its rollouts', async () => {
    await serving('good');
    expect(await api.call('POST', path('good', '/revisions'), { version: 2, plan: canary() })).toMatchObject({ status: 202 });
    await until('good', ({ phase }) => phase === 'step');
    expect(await split('good')).toEqual(['2:5', '1:95']);
    const { id } = await rollout('good');
    await until('good', ({ waitingFor }) => /no request has come/.test(waitingFor ?? ''), 'it to say that there is no traffic');
    await answered(id, 0, { stable: [5_000, 0], candidate: [2_000, 0] });
    await until('good', ({ step }) => step === 1);
    await answered(id, 1, { stable: [5_000, 0], candidate: [5_000, 0] });
    await until('good', ({ status }) => status === 'COMPLETED');
    expect(await split('good')).toEqual(['2:100']);
    const done = await rollout('good');
    expect(done).toMatchObject({
      counts: { candidate: { requests: 7_000, errors: 0 } },
      actions: ['undo'],
      judgements: [{ guard: 'error-share', outcome: 'pass' }],
    });
    expect(done.transitions.map(({ action }) => action)).toEqual(['started', 'stage_entered', 'stage_entered', 'completed']);
    expect(await api.call('POST', path('good', '/rollout/undo'), { reason: 'never mind' })).toMatchObject({ status: 202 });
    expect(await split('good')).toEqual(['1:100']);
  });

  it('takes a bad candidate back within a second of the evidence, and says why; also right after its connections were cut', async () => {
    await serving('bad');
    await api.call('POST', path('bad', '/revisions'), { version: 2, plan: canary() });
    await until('bad', ({ phase }) => phase === 'step');
    const { id } = await rollout('bad');
    await api.database.pool.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    const startedAt = performance.now();
    await answered(id, 0, { stable: [2_000, 20], candidate: [80, 40] });
    await waitFor(async () => (await split('bad'))[0] === '1:100', { what: 'it to be taken back', timeoutMs: 20_000 });
    // Generous: the machine that tests is busy, and connections are made anew. The pilot looks twice a second.
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect(await rollout('bad')).toMatchObject({
      status: 'ABORTED',
      cause: 'GUARD_FAILED',
      causeDetail: expect.stringMatching(/^The candidate failed on 33.3 % of 120/),
      actions: ['undo'],
    });
    const { body } = await api.call('GET', path('bad'));
    expect(body).toMatchObject({ epoch: 3, rollout: { status: 'ABORTED' } });
  });

  it('is not delayed by a rollout whose evidence cannot be read', async () => {
    await serving('broken');
    await serving('fine');
    await api.call('POST', path('broken', '/revisions'), { version: 2, plan: canary() });
    await api.call('POST', path('fine', '/revisions'), { version: 2, plan: canary() });
    await until('broken', ({ phase }) => phase === 'step');
    await until('fine', ({ phase }) => phase === 'step');
    const broken = (await rollout('broken')).id;
    await api.database.pool.query(
      'insert into telemetry.rollout_evidence (subject_id, stage, source, evidence) values ($1, 0, \'test\', \'{"no":"evidence"}\')',
      [broken],
    );
    await answered((await rollout('fine')).id, 0, { stable: [5_000, 0], candidate: [2_000, 0] });
    await until('fine', ({ step }) => step === 1);
    expect(await rollout('broken')).toMatchObject({ status: 'PROGRESSING', step: 0, weightPercent: 5 });
  });
});

describe('a replay stage', () => {
  const replay = (withoutRequests: string) => ({ kind: 'replay', requests: 50, withoutRequests });
  const plan = (withoutRequests: string) => canary({ stages: [replay(withoutRequests), ...canary().stages] });

  it('without recorded requests holds the rollout, or is skipped, as its plan says', async () => {
    await serving('replayed');
    await api.call('POST', path('replayed', '/revisions'), { version: 2, plan: plan('hold') });
    await until('replayed', ({ status }) => status === 'HELD');
    expect(await rollout('replayed')).toMatchObject({
      phase: 'shadowing',
      step: 0,
      weightPercent: 0,
      waitingFor: expect.stringContaining('no recorded requests'),
      actions: ['resume', 'promote', 'abort'],
    });
    expect(await split('replayed')).toEqual(['1:100']);
    await api.call('POST', path('replayed', '/rollout/abort'), {});
    await api.call('POST', path('replayed', '/revisions'), { version: 2, plan: plan('skip') });
    await until('replayed', ({ phase }) => phase === 'step');
    expect(await split('replayed')).toEqual(['2:5', '1:95']);
  });

  it('replays what was recorded; its evidence is judged, and what is left of the replay ends with the rollout', async () => {
    await serving('recorded');
    const { rows } = await api.database.pool.query<{ id: string }>('select id from "Deployment" where name = $1', ['recorded']);
    await keepSample(rows[0]?.id ?? '');
    await api.call('POST', path('recorded', '/revisions'), { version: 2, plan: plan('hold') });
    await until('recorded', ({ waitingFor }) => /the replay of recorded requests: 0 of 1 are done/.test(waitingFor ?? ''));
    await api.call('POST', path('recorded', '/rollout/abort'), {});
    const { id } = await rollout('recorded');
    const replayOf = () => api.database.db.replay.findFirstOrThrow({ where: { rolloutId: id } });
    await waitFor(async () => (await replayOf()).status === 'CANCELLED', { what: 'the replay to be cancelled' });
    expect(await replayOf()).toMatchObject({ stage: 0, createdBy: 'system:pilot' });
  });
});

describe('a hook', () => {
  it('is asked before each step, told of all of them, and takes the candidate back with its word', async () => {
    const heard: { type: string; action: string | undefined }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { type, data } = JSON.parse(Buffer.concat(chunks).toString());
        heard.push({ type, action: data.move?.action });
        const isFirst = data.move?.weightPercent === 5;
        response.end(JSON.stringify(isFirst ? { decision: 'go' } : { decision: 'abort', reason: 'the shop is full' }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/hook`;
      expect(await api.call('POST', '/v1/receivers', { kind: 'WEBHOOK', name: 'shop', url })).toMatchObject({ status: 201 });
      await serving('asking');
      const ask = { receiver: 'shop', mode: 'ask', timeoutSeconds: 5 };
      await api.call('POST', path('asking', '/revisions'), { version: 2, plan: canary({ hooks: [ask, { receiver: 'shop', mode: 'tell' }] }) });
      await until('asking', ({ phase }) => phase === 'step');
      await answered((await rollout('asking')).id, 0, { stable: [5_000, 0], candidate: [2_000, 0] });
      await until('asking', ({ status }) => status === 'ABORTED');
      expect(await rollout('asking')).toMatchObject({ cause: 'HOOK_ABORTED', causeDetail: expect.stringContaining('the shop is full') });
      expect(await split('asking')).toEqual(['1:100']);
      expect(heard.map(({ action }) => action)).toContain('stage_entered');
      const { transitions } = await rollout('asking');
      expect(transitions.map(({ action }) => action).filter((action) => action === 'hook_asked').length).toBeGreaterThanOrEqual(2);
      const told = () => api.database.db.delivery.count({ where: { kind: 'rollout' } });
      await waitFor(async () => (await told()) >= 3, { what: 'the deliveries of started, stage_entered and aborted' });
    } finally {
      server.close();
    }
  });
});

describe('actions', () => {
  it('pause, resume, promote and abort, with what is possible where one is not', async () => {
    await serving('acted');
    await api.call('POST', path('acted', '/revisions'), { version: 2, plan: canary() });
    await until('acted', ({ phase }) => phase === 'step');
    const act = (action: string) => api.call('POST', path('acted', `/rollout/${action}`), {});
    expect(await act('resume')).toMatchObject(refused(409, 'ROLLOUT_ACTION_REFUSED', /possible now: pause, promote, abort/));
    expect(await act('undo')).toMatchObject(refused(409, 'ROLLOUT_ACTION_REFUSED', /nothing to undo/));
    expect(await act('pause')).toMatchObject({ status: 202, body: { status: 'PAUSED' } });
    expect(await act('resume')).toMatchObject({ status: 202, body: { status: 'PROGRESSING' } });
    expect(await act('approve')).toMatchObject(refused(409, 'ROLLOUT_ACTION_REFUSED', /asks for no approval/));
    expect(await act('abort')).toMatchObject({ status: 202 });
    expect(await split('acted')).toEqual(['1:100']);
    await until('acted', ({ status }) => status === 'ABORTED');
    await api.call('POST', path('acted', '/revisions'), { version: 3, plan: canary() });
    await until('acted', ({ phase }) => phase === 'step');
    expect(await act('promote')).toMatchObject({ status: 202 });
    await until('acted', ({ status }) => status === 'COMPLETED');
    expect(await split('acted')).toEqual(['3:100']);
    const page = RolloutPage.parse((await api.call('GET', path('acted', '/rollouts?limit=2'))).body);
    expect(page).toMatchObject({ items: [{ toVersion: 3 }, { toVersion: 2, status: 'ABORTED' }], nextCursor: expect.any(String) });
    expect(RolloutPage.parse((await api.call('GET', '/v1/rollouts?limit=1')).body).items).toMatchObject([{ deployment: 'acted' }]);
  });

  it('deploy is refused when it would break callers, with a plan that cannot be, or one that is not there', async () => {
    await serving('strict');
    const deploy = (body: object) => api.call('POST', path('strict', '/revisions'), body);
    expect(await deploy({ version: 4 })).toMatchObject(refused(409, 'SIGNATURE_BREAKING', /allowBreaking/));
    expect(await deploy({ version: 2, plan: 'none' })).toMatchObject(refused(404, 'ROLLOUT_PLAN_NOT_FOUND', /GET \/v1\/rollout-plans/));
    const asking = { strategy: 'all-at-once', hooks: [{ receiver: 'nobody', mode: 'ask' }] };
    expect(await deploy({ version: 2, plan: asking })).toMatchObject(refused(404, 'RECEIVER_NOT_FOUND', /nobody/));
    expect(await deploy({ version: 2, plan: { strategy: 'canary' } })).toMatchObject(refused(400, 'REQUEST_INVALID', /plan.stages: a canary needs/));
    expect(await deploy({ version: 2, plan: {}, strategy: 'canary' })).toMatchObject(refused(400, 'REQUEST_INVALID', /strategy: expected either/));
    expect(await deploy({ version: 2, plan: { strategy: 'canary' } })).toMatchObject({ status: 400 });
    const steps = [50, 10].map((weightPercent) => ({ kind: 'step', weightPercent }));
    expect(await deploy({ version: 2, plan: { strategy: 'canary', stages: steps } })).toMatchObject({ status: 400 });
    expect(await deploy({ version: 2, scheduledFor: '2020-01-01T00:00:00Z' })).toMatchObject(refused(422, 'ROLLOUT_REFUSED', /to come/));
    expect(await deploy({ version: 4, allowBreaking: true })).toMatchObject({ status: 202 });
  });
});

describe('plans, freeze windows and shadows', () => {
  it('are kept, listed and deleted', async () => {
    const kept = await api.call('POST', '/v1/rollout-plans', { name: 'careful', plan: canary() });
    expect(kept.status).toBe(201);
    expect(RolloutPlanView.parse(kept.body)).toMatchObject({ name: 'careful', revision: 1, plan: { strategy: 'canary', falseAlarmBudget: 0.05 } });
    expect(RolloutPlanPage.parse((await api.call('GET', '/v1/rollout-plans')).body).items).toHaveLength(1);
    expect((await api.call('GET', '/v1/rollout-plans/CAREFUL')).body).toEqual(kept.body);
    expect(await api.call('DELETE', '/v1/rollout-plans/careful')).toMatchObject({ status: 204 });
    expect(await api.call('DELETE', '/v1/rollout-plans/careful')).toMatchObject(refused(404, 'ROLLOUT_PLAN_NOT_FOUND', /careful/));

    const window = { name: 'christmas', from: '2030-12-20T00:00:00Z', to: '2031-01-02T00:00:00Z' };
    const created = await api.call('POST', '/v1/freeze-windows', window);
    expect(FreezeWindowView.parse(created.body)).toMatchObject({ open: false, opensAt: '2030-12-20T00:00:00.000Z' });
    expect(await api.call('POST', '/v1/freeze-windows', { ...window, name: 'x', weekly: true })).toMatchObject({ status: 400 });
    expect(await api.call('POST', '/v1/freeze-windows', { ...window, name: 'x', to: window.from })).toMatchObject({ status: 400 });
    expect(await api.call('POST', '/v1/freeze-windows', window)).toMatchObject(refused(409, 'FREEZE_WINDOW_NAME_TAKEN', /christmas/));
    expect(FreezeWindowPage.parse((await api.call('GET', '/v1/freeze-windows')).body).items).toHaveLength(1);
    expect(await api.call('DELETE', '/v1/freeze-windows/christmas')).toMatchObject({ status: 204 });
  });

  it('show what a shadow has seen, judged', async () => {
    await serving('shadowed');
    const created = await api.call('POST', path('shadowed', '/shadows'), { version: 2, samplePercent: 50 });
    expect(created.status).toBe(201);
    const { id } = ShadowView.parse(created.body);
    await answered(id, 0, { stable: [500, 0], candidate: [0, 0] });
    const page = ShadowPage.parse((await api.call('GET', path('shadowed', '/shadows'))).body);
    expect(page.items).toMatchObject([{ id, version: 2, samplePercent: 50, counts: { stable: { requests: 500 } } }]);
    expect(page.items[0]?.judgements.map(({ guard }) => guard)).toContain('error-share');
    expect(await api.call('DELETE', path('shadowed', `/shadows/${id}`))).toMatchObject({ status: 204 });
    expect(await api.call('GET', path('shadowed', `/shadows/${id}`))).toMatchObject(refused(404, 'SHADOW_NOT_FOUND', /no shadow/));
    expect(await split('shadowed')).toEqual(['1:100']);
  });
});
