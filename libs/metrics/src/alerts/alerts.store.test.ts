import { CreateAlertRule, type Outcome, outcomes } from '@slipway/contracts';
import { newId } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRegistry } from '../instruments/create-registry.js';
import { type JudgedWindow, JudgementStore } from '../judgements/judgement.store.js';
import { ServingRecorder } from '../windows/serving-recorder.js';
import { ServingWindowStore } from '../windows/serving-window.store.js';
import { AlertStore } from './alert.store.js';
import { AlertEvaluation } from './alert-evaluation.store.js';
import { AlertRuleStore } from './alert-rule.store.js';
import { DeliveryStore } from './delivery.store.js';
import { ReceiverStore, receiverTarget } from './receiver.store.js';

let database: TestDatabase;
const masterKey = new Uint8Array(32).fill(7);
const by = { projectId: 'prj_default', actor: 'key:test', requestId: 'req_1' };
const names = new Map<string, string>();
const deploymentNames = async () => names;
/** By deployment; the first version where nothing is said. */
const serving = new Map<string, number[]>();
const ruledDeployments = async () => new Map([...names].map(([id, name]) => [id, { name, servingVersions: serving.get(id) ?? [1] }]));

beforeAll(async () => {
  database = await testDatabase({ max: 10 });
  await database.db.project.create({ data: { id: 'prj_other', name: 'other' } });
});
afterAll(() => database.close());

function stores() {
  const { db, pool } = database;
  return {
    rules: new AlertRuleStore(db, deploymentNames),
    alerts: new AlertStore(db),
    receivers: new ReceiverStore(db, masterKey),
    deliveries: new DeliveryStore(db),
    evaluation: () => new AlertEvaluation(db, pool, ruledDeployments, 'http://slipway.test'),
  };
}

/** A deployment with a rule on its error share that fires at once and one that waits. */
async function scene(over: { for?: number; receivers?: string[] } = {}) {
  const deploymentId = newId('dep');
  const deployment = `d-${deploymentId.slice(-8)}`;
  names.set(deploymentId, deployment);
  const rule = await stores().rules.create(
    by,
    {
      name: `rule-${deploymentId.slice(-8)}`,
      kind: 'error_ratio',
      params: { deployment, threshold: 0.1, windowSeconds: 60, minRequests: 5 },
      for: over.for ?? 0,
      severity: 'page',
      labels: { team: 'risk' },
      receivers: over.receivers ?? [],
      actions: [],
      enabled: true,
    },
    deploymentId,
  );
  return { deploymentId, deployment, rule: rule.name };
}

/** Requests that the gateway counted `agoMs` before now. */
async function served(deploymentId: string, counts: Partial<Record<Outcome, number>>, agoMs = 0): Promise<void> {
  const recorder = new ServingRecorder({ registry: createRegistry('api'), now: () => Date.now() - agoMs });
  for (const outcome of outcomes) {
    for (let at = 0; at < (counts[outcome] ?? 0); at += 1) {
      recorder.record({
        projectId: 'prj_default',
        deploymentId,
        deployment: 'd',
        revisionId: `${deploymentId}.r`,
        revision: 1,
        versionNumber: 1,
        role: 'stable',
        outcome,
        durationSeconds: 0.01,
        rows: 1,
        requestBytes: 1,
        responseBytes: 1,
      });
    }
  }
  await new ServingWindowStore(database.pool, newId('req')).write(recorder.takeDirty());
}
const forget = (deploymentId: string) => database.pool.query('delete from telemetry.serving_windows where deployment_id = $1', [deploymentId]);
async function alertOf(rule: string) {
  const { items } = await stores().alerts.list('prj_default', { limit: 200 });
  return items.find((alert) => alert.rule === rule);
}
async function deliveriesOf(rule: string) {
  return database.db.delivery.findMany({ where: { alert: { rule: { name: rule } } }, orderBy: { id: 'asc' } });
}

it('follows what is judged of a deployment, a subject alone where it is named', async () => {
  const { evaluation, rules } = stores();
  const { deploymentId, deployment } = await scene();
  const wish = CreateAlertRule.parse({ name: `${deployment}-drift`, kind: 'drift', params: { deployment }, for: 0 });
  await rules.create(by, wish, deploymentId);
  await rules.create(by, { ...wish, name: `${deployment}-sex`, params: { ...wish.params, subject: 'sex' } }, deploymentId);
  await expect(rules.create(by, { ...wish, name: 'x', params: { ...wish.params, threshold: 0.1 } }, deploymentId)).rejects.toMatchObject({
    code: 'RULE_REFUSED',
  });
  const judgements = new JudgementStore(database.pool);
  const judged = (subject: string, verdict: 'ok' | 'alarm', reason: string, toMs: number): JudgedWindow => ({
    ...{ kind: 'drift', subject, version: 1, slice: '', fromMs: toMs - 3_600_000, toMs, evidence: {} },
    ...{ value: 0.3, interval: null, n: 500, threshold: 0.1, verdict, reason },
  });
  const now = Date.now();
  await judgements.write({ projectId: 'prj_default', deploymentId }, [
    judged('age', 'alarm', 'age has drifted.', now),
    judged('sex', 'ok', 'fine', now),
  ]);
  await evaluation().run();
  expect(await alertOf(`${deployment}-drift`)).toMatchObject({
    state: 'firing',
    kind: 'drift',
    annotations: { summary: `${deployment}: data have drifted`, description: 'age has drifted.' },
  });
  expect(await alertOf(`${deployment}-sex`)).toBeUndefined();
  await judgements.write({ projectId: 'prj_default', deploymentId }, [judged('age', 'ok', 'age is as it was.', now + 1)]);
  await evaluation().run();
  expect((await alertOf(`${deployment}-drift`))?.state).toBe('resolved');
});

it('ends with what it follows: an objective that is gone, a version that serves no more', async () => {
  const { evaluation, rules } = stores();
  const { deploymentId, deployment } = await scene();
  const judgements = new JudgementStore(database.pool);
  const follow = (kind: 'slo' | 'quality') =>
    rules.create(by, CreateAlertRule.parse({ name: `${deployment}-${kind}`, kind, params: { deployment }, for: 0 }), deploymentId);
  await follow('slo');
  await follow('quality');
  const now = Date.now();
  const judged = (kind: 'slo' | 'quality', version: number): JudgedWindow => ({
    ...{ kind, subject: 'one', version, slice: '', fromMs: now - 3_600_000, toMs: now, evidence: {} },
    ...{ value: 0.3, interval: null, n: 500, threshold: 0.1, verdict: 'alarm', reason: 'It is too much.' },
  });
  const owner = { projectId: 'prj_default', deploymentId };
  await judgements.write(owner, [judged('slo', 0), judged('quality', 1)]);
  const states = async () => [(await alertOf(`${deployment}-slo`))?.state, (await alertOf(`${deployment}-quality`))?.state];
  await evaluation().run();
  expect(await states()).toEqual(['firing', 'firing']);

  // What is only old tells nothing, and changes nothing.
  await database.pool.query(`update telemetry.current_judgements set judged_at = now() - interval '3 h' where deployment_id = $1`, [deploymentId]);
  await evaluation().run();
  expect(await states()).toEqual(['firing', 'firing']);

  await judgements.forgetOtherSubjects(deploymentId, 'slo', ['another']);
  await judgements.write(owner, [judged('quality', 1)]);
  serving.set(deploymentId, [2]);
  await evaluation().run();
  expect(await states()).toEqual(['resolved', 'resolved']);
  expect((await alertOf(`${deployment}-slo`))?.annotations['description']).toMatch(/^What the rule follows is judged no more/);
});

it('walks from pending to firing to resolved, with one notice and one event for each', async () => {
  const { evaluation, receivers, rules } = stores();
  const receiver = await receivers.create(by, { kind: 'WEBHOOK', name: 'walk', url: 'https://hooks.example.com/' });
  const { deploymentId, deployment, rule } = await scene({ receivers: ['walk'] });
  await evaluation().run();
  expect(await alertOf(rule)).toBeUndefined();
  expect(await rules.get('prj_default', rule)).toMatchObject({ state: 'inactive', judgement: { verdict: 'insufficient', n: 0 } });

  await served(deploymentId, { success: 8, runtime_error: 2, invalid_input: 90 });
  await evaluation().run();
  await evaluation().run();
  const firing = await alertOf(rule);
  expect(firing).toMatchObject({ state: 'firing', deployment, severity: 'page', judgement: { value: 0.2, n: 10, verdict: 'alarm' } });
  expect(firing?.labels).toEqual({ alertname: rule, deployment, kind: 'error_ratio', project: 'prj_default', severity: 'page', team: 'risk' });
  expect(firing?.annotations['description']).toBe('20 % of 10 requests failed; the limit is 10 %.');

  await forget(deploymentId);
  await evaluation().run();
  expect((await alertOf(rule))?.state).toBe('firing');

  await served(deploymentId, { success: 50 });
  await evaluation().run();
  expect(await alertOf(rule)).toMatchObject({ state: 'resolved', judgement: { verdict: 'ok' } });
  const sent = await deliveriesOf(rule);
  expect(sent.map(({ kind, status }) => [kind, status])).toEqual([
    ['firing', 'PENDING'],
    ['resolved', 'PENDING'],
  ]);
  expect(sent[0]?.key).toBe(`${firing?.id}.${Date.parse(firing?.firingAt ?? '')}.firing.${receiver.view.id}`);
  expect(sent[1]?.payload).toMatchObject({
    status: 'resolved',
    receiver: 'walk',
    externalURL: 'http://slipway.test',
    alerts: [{ fingerprint: firing?.fingerprint }],
  });
  const events = await database.db.event.findMany({ where: { subjectId: firing?.id ?? '' }, orderBy: { sequence: 'asc' } });
  expect(events.map(({ action }) => action)).toEqual(['alert.fired', 'alert.resolved']);
  const jobs = await database.db.outboxMessage.findMany({ where: { jobId: { contains: sent[0]?.id ?? '' } } });
  expect(jobs).toMatchObject([{ queue: 'notifications', name: 'deliver-notification', payload: { deliveryId: sent[0]?.id } }]);
});

it('makes one notice when many evaluators judge at a time', async () => {
  const { receivers } = stores();
  await receivers.create(by, { kind: 'EMAIL', name: 'crowd', to: ['a@example.com'] });
  const { deploymentId, rule } = await scene({ receivers: ['crowd'] });
  await served(deploymentId, { runtime_error: 20 });
  const reports = await Promise.all(Array.from({ length: 8 }, () => stores().evaluation().run()));
  expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
  expect(await deliveriesOf(rule)).toHaveLength(1);
  await forget(deploymentId);
  await served(deploymentId, { success: 20 });
  await Promise.all(Array.from({ length: 8 }, () => stores().evaluation().run()));
  expect(await deliveriesOf(rule)).toHaveLength(2);
});

it('waits for the time of the rule, and forgets a condition that did not last', async () => {
  const { deploymentId, rule } = await scene({ for: 3_600 });
  await served(deploymentId, { runtime_error: 20 });
  await stores().evaluation().run();
  expect(await alertOf(rule)).toMatchObject({ state: 'pending', firingAt: null });
  await database.db.alert.updateMany({ where: { rule: { name: rule } }, data: { pendingAt: new Date(Date.now() - 3_601_000) } });
  await stores().evaluation().run();
  expect(await alertOf(rule)).toMatchObject({ state: 'firing' });
});

it('looks at the window of the rule alone', async () => {
  const { deploymentId, rule } = await scene();
  await served(deploymentId, { runtime_error: 100 }, 90_000);
  await served(deploymentId, { success: 10 });
  await stores().evaluation().run();
  expect(await stores().rules.get('prj_default', rule)).toMatchObject({ state: 'inactive', judgement: { n: 10, value: 0 } });
});

it('resolves what fires when its rule is switched off or its deployment is deleted', async () => {
  for (const end of ['rule', 'deployment'] as const) {
    const { deploymentId, rule } = await scene();
    await served(deploymentId, { runtime_error: 20 });
    await stores().evaluation().run();
    expect((await alertOf(rule))?.state).toBe('firing');
    if (end === 'rule') await stores().rules.change(by, rule, { enabled: false });
    else names.delete(deploymentId);
    await stores().evaluation().run();
    expect((await alertOf(rule))?.state).toBe('resolved');
  }
});

it('resolves the alert of the old severity when a rule gets another one', async () => {
  const { deploymentId, rule } = await scene();
  await served(deploymentId, { runtime_error: 20 });
  await stores().evaluation().run();
  await stores().rules.change(by, rule, { severity: 'info' });
  await stores().evaluation().run();
  const alerts = (await stores().alerts.list('prj_default', { limit: 200 })).items.filter((alert) => alert.rule === rule);
  expect(alerts.map(({ state, labels }) => [state, labels['severity']]).sort()).toEqual([
    ['firing', 'info'],
    ['resolved', 'page'],
  ]);
  expect((await stores().rules.get('prj_default', rule)).state).toBe('firing');
});

it('judges the other rules when one cannot be judged', async () => {
  const broken = await scene();
  const good = await scene();
  await database.db.alertRule.updateMany({ where: { name: broken.rule }, data: { params: { threshold: 'much' } } });
  await served(good.deploymentId, { runtime_error: 20 });
  const report = await stores().evaluation().run();
  expect(report.errors).toHaveLength(1);
  expect((await alertOf(good.rule))?.state).toBe('firing');
  await database.db.alertRule.deleteMany({ where: { name: broken.rule } });
});

it.each([
  { name: 'a latency that no bucket tells apart', over: { kind: 'latency_p95', threshold: 30 } as const, says: /could never fire/ },
  { name: 'a label that Slipway sets', over: { labels: { severity: 'mine' } }, says: /"severity" is set by Slipway/ },
  {
    name: 'labels that are too large',
    over: { labels: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`l${at}`, 'x'.repeat(250)])) },
    says: /at most 4096 bytes/,
  },
  { name: 'a receiver that is not there', over: { receivers: ['nobody'] }, says: /no receiver "nobody"/ },
])('refuses a rule with $name', async ({ over, says }) => {
  const { threshold = 0.1, ...rest } = { threshold: undefined, ...over };
  const wish = {
    name: 'refused',
    kind: 'error_ratio' as const,
    params: { deployment: 'd', threshold, windowSeconds: 60, minRequests: 1 },
    for: 0,
    severity: 'info' as const,
    labels: {},
    receivers: [],
    actions: [],
    enabled: true,
    ...rest,
  };
  await expect(stores().rules.create(by, wish, 'dep_x')).rejects.toMatchObject({
    code: 'RULE_REFUSED',
    status: 422,
    message: expect.stringMatching(says),
  });
});

it('keeps names unique, projects apart and receivers in use', async () => {
  const { receivers, rules } = stores();
  const email = { kind: 'EMAIL' as const, name: 'unique', to: ['a@example.com'] };
  await receivers.create(by, email);
  await expect(receivers.create(by, email)).rejects.toMatchObject({ code: 'RECEIVER_NAME_TAKEN', status: 409 });
  await receivers.create({ ...by, projectId: 'prj_other' }, email);
  await expect(receivers.get('prj_other', 'walk')).rejects.toMatchObject({ code: 'RECEIVER_NOT_FOUND' });
  const { rule } = await scene({ receivers: ['unique'] });
  await expect(rules.get('prj_other', rule)).rejects.toMatchObject({ code: 'RULE_NOT_FOUND' });
  await expect(rules.change({ ...by, projectId: 'prj_other' }, rule, { enabled: false })).rejects.toMatchObject({ code: 'RULE_NOT_FOUND' });
  await expect(receivers.remove(by, 'unique')).rejects.toMatchObject({ code: 'RECEIVER_IN_USE', status: 409 });
  await rules.remove(by, rule);
  await receivers.remove(by, 'unique');
  await expect(receivers.get('prj_default', 'unique')).rejects.toMatchObject({ code: 'RECEIVER_NOT_FOUND' });
});

it('keeps both of two changes of a rule at one moment, and tells what was before', async () => {
  const { rules } = stores();
  const { rule } = await scene({});
  await Promise.all([rules.change(by, rule, { params: { windowSeconds: 300 } }), rules.change(by, rule, { params: { minRequests: 77 } })]);
  expect((await rules.get('prj_default', rule)).params).toMatchObject({ windowSeconds: 300, minRequests: 77 });
  const events = await database.db.event.findMany({ where: { action: 'alert-rule.changed', subjectName: rule }, orderBy: { sequence: 'asc' } });
  expect(events).toHaveLength(2);
  expect(events[1]?.before).toEqual(events[0]?.after);
  await rules.remove(by, rule);
});

it('stores a webhook’s secret sealed, bound to its receiver, and shows it once', async () => {
  const { receivers } = stores();
  const { view, secret } = await receivers.create(by, { kind: 'WEBHOOK', name: 'sealed', url: 'https://hooks.example.com/a' });
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const row = await database.db.receiver.findUniqueOrThrow({ where: { id: view.id } });
  expect(JSON.stringify(row)).not.toContain(secret?.slice(6, 20));
  expect(receiverTarget(masterKey, row)).toEqual({ kind: 'WEBHOOK', url: 'https://hooks.example.com/a', secret });
  expect(() => receiverTarget(masterKey, { ...row, id: 'rcv_other' })).toThrow();
  expect(JSON.stringify(await receivers.get('prj_default', 'sealed'))).not.toContain('secret');
  const events = await database.db.event.findMany({ where: { subjectId: view.id } });
  expect(JSON.stringify(events.map((event) => event.after))).not.toContain('whsec_');
});

it('lets one of many take a delivery, and finds it again when that one died', async () => {
  const { receivers, deliveries } = stores();
  await receivers.create(by, { kind: 'EMAIL', name: 'claims', to: ['a@example.com'] });
  const id = await receivers.test(by, 'claims', 'http://slipway.test');
  const claims = await Promise.all(Array.from({ length: 8 }, () => deliveries.claim(id)));
  expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
  const jobs = () => database.db.outboxMessage.count({ where: { jobId: { contains: id } } });
  await deliveries.sweep();
  expect(await jobs()).toBe(1);
  await database.pool.query(`update "Delivery" set "nextAttemptAt" = now() at time zone 'UTC' - interval '2 seconds' where "id" = $1`, [id]);
  await deliveries.sweep();
  expect(await jobs()).toBe(2);
  const second = await deliveries.claim(id);
  expect(second?.attempts).toBe(2);
  // The first, thought dead, finishes after all: the second has the delivery now.
  const [first] = claims.filter((claim) => claim !== undefined);
  expect(await deliveries.finish({ id, rowVersion: first?.rowVersion ?? 0 }, { status: 'DEAD' })).toBe(false);
  expect(await deliveries.finish({ id, rowVersion: second?.rowVersion ?? 0 }, { status: 'DELIVERED', durationMs: 5 })).toBe(true);
  expect(await deliveries.get('prj_default', id)).toMatchObject({ status: 'DELIVERED', attempts: 2, nextAttemptAt: null });
  expect(await deliveries.claim(id)).toBeUndefined();
  expect(await deliveries.replay(by, id)).toMatchObject({ status: 'PENDING', attempts: 0 });
  expect((await deliveries.claim(id))?.attempts).toBe(1);
  await expect(deliveries.replay({ ...by, projectId: 'prj_other' }, id)).rejects.toMatchObject({ code: 'DELIVERY_NOT_FOUND' });
});
