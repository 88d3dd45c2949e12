import { type ReferenceBody, WatchSettings } from '@slipway/contracts';
import {
  ActiveReferenceStore,
  buildReference,
  countColumns,
  type JudgedWindow,
  JudgementStore,
  JudgeStateStore,
  layoutOf,
  ProfileLearningStore,
  ProfileWindowStore,
  ReferenceRunStore,
  ReferenceStore,
  type WatchedDeployment,
} from '@slipway/metrics';
import { seededRandom } from '@slipway/metrics/noise';
import { newId } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DataQualityJudge } from './data-quality-judge.js';
import { DriftJudge, type DriftStores } from './drift-judge.js';

const hour = 3_600_000;
const minute = 60_000;
/** The hour that runs. */
const running = Math.floor(Date.now() / hour) * hour;
const random = seededRandom(5);
const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const by = { projectId: 'prj_default', actor: 'key:test' };

let database: TestDatabase;
let stores: DriftStores;
let body: ReferenceBody;
let versionId: string;
let modelId: string;
beforeAll(async () => {
  database = await testDatabase();
  const { db, pool } = database;
  stores = {
    profiles: new ProfileWindowStore(pool),
    learning: new ProfileLearningStore(pool),
    references: new ActiveReferenceStore(db),
    states: new JudgeStateStore(pool),
    judgements: new JudgementStore(pool),
  };
  const layout = layoutOf([
    { name: 'age', side: 'input', tensor: 'age', index: 0, kind: 'numeric' },
    { name: 'size', side: 'input', tensor: 'size', index: 0, kind: 'numeric' },
    { name: '@score', side: 'output', tensor: 'score', index: null, kind: 'numeric' },
  ]);
  body = buildReference({ layout, rows: 3_000, values: columnsOf(3_000) });
  modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: by.projectId, name: 'm', nameFolded: 'm' } });
  versionId = await addVersion(1);
  await upload(versionId, 1, body);
});
afterAll(() => database.close());

function columnsOf(rows: number, shift = 0, missing = 0): Float64Array[] {
  const age = Float64Array.from({ length: rows }, (_, row) => (row < missing ? Number.NaN : gaussian() + shift));
  return [age, Float64Array.from({ length: rows }, gaussian), Float64Array.from({ length: rows }, () => random())];
}

async function addVersion(number: number): Promise<string> {
  const id = newId('ver');
  await database.db.version.create({
    data: { id, modelId, number, status: 'READY', digest: String(number).repeat(64).slice(0, 64), sizeBytes: 1n, createdBy: 'key:test' },
  });
  return id;
}

async function upload(of: string, version: number, made: ReferenceBody): Promise<void> {
  const { db } = database;
  const owner = { projectId: by.projectId, modelId, model: 'm', versionId: of, version };
  const input = {
    shown: { kind: 'file' as const, name: null, digest: 'cd'.repeat(32) },
    file: { format: 'csv' as const, idColumns: [], header: true },
  };
  const { id } = await db.$transaction((tx) => new ReferenceStore(db).create(tx, by, owner, input));
  const runs = new ReferenceRunStore(db);
  const claim = await runs.claim(id);
  if (typeof claim === 'string') throw new Error(claim);
  expect(await runs.complete(claim, made)).toBe(true);
}

const watched = (deploymentId: string, over: Partial<WatchedDeployment> = {}): WatchedDeployment => ({
  ...{ deploymentId, projectId: by.projectId, deployment: deploymentId, modelId, slices: [], replicas: 1, isSuspended: false, changedAtMs: 0 },
  versions: [{ versionId, version: 1, task: undefined, isServing: true }],
  settings: WatchSettings.parse({}),
  ...over,
});

/** Running totals of an hour, so many of them. */
async function counted(deploymentId: string, startMs: number, values: readonly Float64Array[], source = 'ins_1.1'): Promise<void> {
  const profile = countColumns(body.layout, values[0]?.length ?? 0, (index) => values[index]);
  await new ProfileWindowStore(database.pool).write([{ deploymentId, versionId, versionNumber: 1, startMs, source, isClosed: false, profile }]);
}

const verdicts = (judged: readonly JudgedWindow[]) => Object.fromEntries(judged.map(({ subject, verdict }) => [subject, verdict]));

it('judges an hour that has closed once, beginning where it was left off, and goes on after a restart', async () => {
  const deployment = watched('dep_walked');
  await counted('dep_walked', running - 3 * hour, columnsOf(400));
  const at = running - 2 * hour + 2 * minute;
  const first = await new DriftJudge(stores).judge(deployment, at);
  expect(verdicts(first)).toEqual({ '': 'ok', age: 'ok', size: 'ok', '@score': 'ok' });
  expect(first.find(({ subject }) => subject === 'age')).toMatchObject({
    ...{ kind: 'drift', version: 1, slice: '', n: 400, threshold: 0.1, fromMs: running - 3 * hour, toMs: running - 2 * hour },
    reason: expect.stringMatching(/^age is as in the reference: .*400 rows of 1 h against 3 000$/),
  });
  expect(await new DriftJudge(stores).judge(deployment, at)).toEqual([]);

  // A sudden jump, and twenty-five of a hundred values that are missing.
  await counted('dep_walked', running - 2 * hour, columnsOf(400, 2, 100));
  const second = await new DriftJudge(stores).judge(deployment, running - hour + 2 * minute);
  expect(verdicts(second)).toEqual({ '': 'alarm', age: 'alarm', size: 'ok', '@score': 'ok' });
  expect(second[0]).toMatchObject({ subject: '', evidence: { drifted: ['age'] } });
  const quality = await new DataQualityJudge(stores).judge(deployment, running - hour + 2 * minute);
  expect(verdicts(quality)).toEqual({ '': 'alarm', age: 'alarm', size: 'ok', '@score': 'ok' });
  expect(quality.find(({ subject }) => subject === 'age')?.reason).toMatch(/^the values of age are broken: 25 % of 400 are missing/);
});

it('judges an hour whose counts come late, as long as no later one was judged', async () => {
  const deployment = watched('dep_late');
  const judges = [new DriftJudge(stores), new DataQualityJudge(stores)];
  const look = async (at: number) => {
    const judged: JudgedWindow[] = [];
    for (const judge of judges) judged.push(...(await judge.judge(deployment, at)));
    return judged.map(({ kind, subject, verdict, toMs }) => `${kind} ${subject} ${verdict} ${toMs === running - hour ? 'late' : ''}`).sort();
  };
  await counted('dep_late', running - 3 * hour, columnsOf(400));
  expect(await look(running - 2 * hour + 2 * minute)).toHaveLength(8);
  expect(await look(running - hour + 2 * minute)).toEqual([]);
  await counted('dep_late', running - 2 * hour, columnsOf(400, 3, 100));
  expect(await look(running - hour + 9 * minute)).toEqual(expect.arrayContaining(['data_quality age alarm late', 'drift age alarm late']));
  expect(await look(running - hour + 10 * minute)).toEqual([]);
});

it('keeps what another worker judged in between, and that of a version whose neighbour came and went', async () => {
  const other = await addVersion(3);
  await upload(other, 3, body);
  const [first, second] = [new DriftJudge(stores), new DriftJudge(stores)];
  const alone = watched('dep_two');
  const both = watched('dep_two', { versions: [...alone.versions, { versionId: other, version: 3, task: undefined, isServing: true }] });
  const kept = new JudgementStore(database.pool);
  await database.pool.query(`select telemetry.ensure_partitions((now() at time zone 'UTC')::date - 1, 3)`);
  const at = running + 2 * minute;
  await first.judge(alone, at);
  await second.judge(both, at);
  const toMs = Date.now();
  const judgement = { value: 0.3, interval: null, n: 500, threshold: 0.1, verdict: 'ok' as const, reason: 'fine', evidence: {} };
  const ofVersion = (version: number) => ({ ...judgement, kind: 'drift' as const, subject: 'age', version, slice: '', fromMs: toMs - hour, toMs });
  await kept.write(alone, [ofVersion(1), ofVersion(3)]);
  // The first worker still believes that there is one version.
  const later = Date.now() + minute;
  await first.judge(both, later);
  expect((await kept.current('dep_two', ['drift'])).map(({ version }) => version)).toEqual([1, 3]);
  await first.judge(alone, later);
  expect((await kept.current('dep_two', ['drift'])).map(({ version }) => version)).toEqual([1]);
});

it('sees in a running hour what no season explains, minute by minute, and only what is news', async () => {
  const deployment = watched('dep_young');
  const judge = new DriftJudge(stores);
  await counted('dep_young', running, columnsOf(600));
  expect(verdicts(await judge.judge(deployment, running + 10 * minute))).toMatchObject({ '': 'ok', age: 'ok' });
  // Without new rows there is nothing to be said.
  expect(await judge.judge(deployment, running + 11 * minute)).toEqual([]);
  await counted('dep_young', running + 10 * minute, columnsOf(500, 1));
  expect(verdicts(await judge.judge(deployment, running + 16 * minute))).toMatchObject({ '': 'alarm', age: 'alarm', size: 'ok' });
});

it('says how far learning is where there is no reference, and forgets what was judged of another', async () => {
  const other = await addVersion(2);
  const bare = watched('dep_bare', { versions: [{ versionId: other, version: 2, task: undefined, isServing: true }] });
  const judge = new DriftJudge(stores);
  const [said] = await judge.judge(bare, running + 10 * minute);
  expect(said).toMatchObject({ subject: '', version: 2, verdict: 'insufficient', evidence: { learned: 0, wanted: 1_000 } });
  expect(said?.reason).toBe('version 2 has no reference yet: 0 of 1000 rows are learned; a reference can be uploaded instead');
  expect(await judge.judge(bare, running + 11 * minute)).toEqual([]);

  const deployment = watched('dep_moved');
  await counted('dep_moved', running - hour, columnsOf(400, 3));
  const alarms = await judge.judge(deployment, running + 2 * minute);
  expect(verdicts(alarms)['age']).toBe('alarm');
  const kept = new JudgementStore(database.pool);
  await database.pool.query(`select telemetry.ensure_partitions((now() at time zone 'UTC')::date - 1, 3)`);
  await kept.write(deployment, alarms);
  await judge.judge({ ...deployment, versions: [] }, Date.now() + minute);
  expect(await kept.current('dep_moved', ['drift'])).toEqual([]);
});
