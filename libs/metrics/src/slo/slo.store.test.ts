import type { CreateSlo, Task } from '@slipway/contracts';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRegistry } from '../instruments/create-registry.js';
import { type JudgedWindow, JudgementStore } from '../judgements/judgement.store.js';
import { seriesFrame } from '../series/series-frame.js';
import { latencyBucketCount, latencyEdges } from '../windows/latency-buckets.js';
import { exposeSlos } from './expose-slos.js';
import { judgeSlo } from './judge-slo.js';
import { SloStore, slosPerDeployment } from './slo.store.js';
import { SloEventStore } from './slo-events.store.js';
import { SloStatusStore } from './slo-status.store.js';
import { ToldSloStore } from './told-slo.store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const by = { projectId: 'prj_default', actor: 'key:test' };
const binary: Task = { kind: 'binary', rowAxis: 0, classes: ['no', 'yes'], positiveClass: 'yes' };
const owner = (name: string, task: Task | undefined = binary) => ({ id: `dep_${name}`, name, task });
const availability = (name: string, over: Partial<CreateSlo> = {}): CreateSlo =>
  ({ kind: 'availability', name, target: 0.999, periodDays: 30, enabled: true, ...over }) as CreateSlo;
const page = { limit: 50 };
const hourMs = 3_600_000;
const now = Math.floor(Date.now() / hourMs) * hourMs;

async function deployment(name: string): Promise<void> {
  await database.db.model.create({ data: { id: `mdl_${name}`, projectId: by.projectId, name, nameFolded: name } });
  const data = { id: `dep_${name}`, projectId: by.projectId, modelId: `mdl_${name}`, name, nameFolded: name, createdBy: by.actor };
  await database.db.deployment.create({ data });
}

/** One window a minute from `fromMs` on: requests in a bucket, some of them failed. */
async function served(
  deploymentId: string,
  span: { fromMs: number; toMs: number },
  each: { requests: number; errors: number; slow?: number },
): Promise<void> {
  const duration = new Array<number>(latencyBucketCount).fill(0);
  duration[latencyEdges.indexOf(0.05)] = each.requests - (each.slow ?? 0);
  duration[latencyEdges.indexOf(1)] = each.slow ?? 0;
  await database.pool.query(`select telemetry.ensure_partitions(($1::timestamptz at time zone 'UTC')::date, 40)`, [new Date(span.fromMs)]);
  await database.pool.query(
    `insert into telemetry.serving_windows (start_at, project_id, deployment_id, revision_id, version_number, role, source, requests, "rows", outcomes,
       duration_buckets, queue_buckets, compute_buckets, request_bytes, response_bytes)
     select at, 'prj_default', $1, 'rev_1', 1, 'stable', 'test', $4, $4, $5, $6, $6, $6, 0, 0
     from generate_series($2::timestamptz, $3::timestamptz - interval '1 minute', interval '1 minute') at`,
    [
      deploymentId,
      new Date(span.fromMs),
      new Date(span.toMs),
      each.requests,
      JSON.stringify({ success: each.requests - each.errors, runtime_error: each.errors }),
      duration,
    ],
  );
}

it('is made, changed and deleted with events and a history, and never twice under a name', async () => {
  await deployment('walk');
  const slos = new SloStore(database.db);
  const made = await slos.create(by, owner('walk'), { ...availability('answers'), reason: 'promised' });
  expect(made).toMatchObject({
    name: 'answers',
    deployment: 'walk',
    kind: 'availability',
    target: 0.999,
    periodDays: 30,
    thresholdMs: null,
    enabled: true,
  });
  await slos.create(by, owner('walk'), { kind: 'latency', name: 'fast', target: 0.99, periodDays: 28, enabled: true, thresholdMs: 100 });
  await expect(slos.create(by, owner('walk'), availability('answers'))).rejects.toMatchObject({ code: 'SLO_NAME_TAKEN' });
  await expect(slos.create(by, owner('walk'), availability('weak', { target: 0.9 }))).rejects.toMatchObject({ code: 'SLO_REFUSED' });
  await expect(slos.change(by, owner('walk'), 'fast', { thresholdMs: 60_000 })).rejects.toMatchObject({ code: 'SLO_REFUSED' });
  await expect(slos.change(by, owner('walk'), 'answers', { thresholdMs: 100 })).rejects.toThrow(/"availability" has no "thresholdMs"/);
  expect(await slos.change(by, owner('walk'), 'fast', { thresholdMs: 250, enabled: false })).toMatchObject({
    thresholdMs: 250,
    target: 0.99,
    enabled: false,
  });
  const first = await slos.list(owner('walk'), { limit: 1 });
  expect(first.items.map(({ name }) => name)).toEqual(['answers']);
  expect((await slos.list(owner('walk'), { limit: 1, cursor: first.nextCursor ?? '' })).items.map(({ name }) => name)).toEqual(['fast']);
  expect((await slos.all()).get('dep_walk')?.map(({ name, enabled }) => [name, enabled])).toEqual([
    ['answers', true],
    ['fast', false],
  ]);
  await slos.remove(by, owner('walk'), 'answers');
  await expect(slos.get(owner('walk'), 'answers')).rejects.toMatchObject({ code: 'SLO_NOT_FOUND' });
  const events = await database.db.event.findMany({ where: { subjectKind: 'slo' }, orderBy: { sequence: 'asc' } });
  expect(events.map(({ action, reason }) => [action, reason])).toEqual([
    ['slo.created', 'promised'],
    ['slo.created', null],
    ['slo.changed', null],
    ['slo.deleted', null],
  ]);
  expect(events[2]).toMatchObject({ before: { goal: { thresholdMs: 100 } }, after: { goal: { thresholdMs: 250 }, enabled: false } });
  const { rows } = await database.pool.query(`select after from history.changes where kind = 'slo' order by sequence`);
  expect(rows).toHaveLength(4);
});

it('are so many of a deployment and not more', async () => {
  await deployment('many');
  const slos = new SloStore(database.db);
  for (let at = 0; at < slosPerDeployment; at += 1) await slos.create(by, owner('many'), availability(`s${at}`));
  await expect(slos.create(by, owner('many'), availability('more'))).rejects.toThrow(/at most 20 objectives/);
  expect((await slos.list(owner('many'), page)).items).toHaveLength(slosPerDeployment);
});

it('counts the events of each window of a burn rate', async () => {
  await deployment('burn');
  const slos = new SloStore(database.db);
  await slos.create(by, owner('burn'), availability('answers'));
  await slos.create(by, owner('burn'), { kind: 'latency', name: 'fast', target: 0.99, periodDays: 30, enabled: true, thresholdMs: 100 });
  await served('dep_burn', { fromMs: now - 10 * 24 * hourMs, toMs: now - hourMs }, { requests: 600, errors: 0, slow: 3 });
  await served('dep_burn', { fromMs: now - hourMs, toMs: now }, { requests: 600, errors: 30, slow: 3 });
  const [answers, fast] = (await slos.of('dep_burn')).map(({ objective }) => objective);
  if (answers === undefined || fast === undefined) throw new Error('expected both');
  const events = new SloEventStore(database.pool);
  const counts = await events.counts({ deploymentId: 'dep_burn', task: undefined }, answers, now);
  expect(counts(3_600)).toEqual({ bad: 1_800, valid: 36_000 });
  expect(counts(300)).toEqual({ bad: 150, valid: 3_000 });
  expect(counts(86_400)).toEqual({ bad: 1_800, valid: 24 * 36_000 });
  expect(counts(30 * 86_400)).toEqual({ bad: 1_800, valid: 240 * 36_000 });
  const judged = judgeSlo(answers, counts, 'requests');
  expect(judged).toMatchObject({ status: 'page', judgement: { verdict: 'alarm', value: expect.closeTo(50, 9), threshold: 14.4 } });
  expect(judged.budgetRemaining).toBeCloseTo(1 - 1_800 / 8_640_000 / 0.001, 9);
  const slow = await events.counts({ deploymentId: 'dep_burn', task: undefined }, fast, now);
  expect(slow(7_200)).toEqual({ bad: 1_800 + 2 * 180, valid: 72_000, uncertain: 0 });
});

it('shows how a budget was spent, with the judgement that was written', async () => {
  const written: JudgedWindow = {
    ...{ kind: 'slo', subject: 'answers', version: 0, slice: '', fromMs: now - hourMs, toMs: now },
    ...{ value: 50, interval: null, n: 36_000, threshold: 14.4, verdict: 'alarm', reason: 'burns' },
    evidence: {
      budgetRemaining: 0.79,
      windows: [
        { longSeconds: 3_600, longRatio: 0.05 },
        { longSeconds: 259_200, longRatio: null },
      ],
    },
  };
  await new JudgementStore(database.pool).write({ projectId: by.projectId, deploymentId: 'dep_burn' }, [written]);
  const frame = seriesFrame({ from: new Date(now - 2 * 24 * hourMs).toISOString(), to: new Date(now).toISOString(), step: 3_600 }, now);
  const { objectives, stepSeconds } = await new SloStatusStore({ prisma: database.db, pool: database.pool }).series({
    deployment: owner('burn'),
    frame,
    nowMs: now,
  });
  expect(stepSeconds).toBe(3_600);
  const [answers] = objectives;
  expect(answers).toMatchObject({ name: 'answers', status: 'page', bad: 1_800, judgement: { verdict: 'alarm', reason: 'burns' } });
  expect(answers?.points).toHaveLength(48);
  expect(answers?.points.at(-2)).toMatchObject({ bad: 0, valid: 36_000, errorRatio: 0, budgetRemaining: 1 });
  expect(answers?.points.at(-1)?.budgetRemaining).toBeCloseTo(answers?.budgetRemaining ?? 0, 12);
  const registry = createRegistry('test');
  const told = new ToldSloStore(database.pool);
  exposeSlos(registry, () => told.all());
  const text = await registry.metrics();
  expect(text).toContain('slipway_slo_error_budget_remaining_ratio{project="prj_default",deployment="burn",slo="answers"');
  expect(text).toMatch(/slipway_slo_error_ratio\{project="prj_default",deployment="burn",slo="answers",window="1h".*\} 0\.05/);
  expect(text).not.toContain('window="3d"');
});

it('of quality counts hours back from the newest one whose labels have come', async () => {
  await deployment('right');
  const slos = new SloStore(database.db);
  await slos.create(by, owner('right'), {
    kind: 'quality',
    name: 'right',
    target: 0.99,
    periodDays: 30,
    enabled: true,
    metric: 'accuracy',
    threshold: 0.9,
  });
  const cells = (right: number, wrong: number) => ({ '=no': { '=no': right, '=yes': wrong } });
  for (let hour = 1; hour <= 48; hour += 1) {
    // Labels are 24 hours late; the last six labelled hours are bad, and the hour before them has too few labels.
    const labelled = hour <= 24 ? 0 : hour === 31 ? 50 : 200;
    const right = hour <= 30 ? 0.5 : 0.95;
    const counts = labelled === 0 ? {} : { ...emptyCounts, cells: cells(labelled * right, labelled * (1 - right)) };
    await database.pool.query(
      `insert into telemetry.quality_windows (deployment_id, seconds, start_at, version_number, predicted, labelled, counts) values ('dep_right', 3600, $1, 1, 200, $2, $3)`,
      [new Date(now - hour * hourMs), labelled, JSON.stringify(counts)],
    );
  }
  const [stored] = await slos.of('dep_right');
  if (stored === undefined) throw new Error('expected an objective');
  const events = new SloEventStore(database.pool);
  const counts = await events.counts({ deploymentId: 'dep_right', task: binary }, stored.objective, now);
  expect(counts(3_600)).toEqual({ valid: 1, bad: 1 });
  expect(counts(300)).toEqual({ valid: 1, bad: 1 });
  expect(counts(6 * 3_600)).toEqual({ valid: 6, bad: 6 });
  expect(counts(86_400)).toEqual({ valid: 23, bad: 6 });
  expect(judgeSlo(stored.objective, counts, 'hours with labels')).toMatchObject({ status: 'page' });
});

const none = { n: 0, mean: 0, m2: 0 };
const emptyCounts = { all: {}, labelled: {}, cells: {}, scores: {}, vectors: null, ranks: {}, loss: none, errors: null };
