import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type EvaluationResult, Gate, limits, type Task } from '@slipway/contracts';
import { type ChangeBy, toJson } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AliasStore } from '../aliases/alias.store.js';
import { collectArtefact } from '../artefacts/artefact-reference.store.js';
import type { ArtefactStore } from '../artefacts/artefact-store.js';
import { openArtefactStore } from '../artefacts/open-artefact-store.js';
import { ModelStore } from '../models/model.store.js';
import { addVersion, deployVersion, newProject, signature } from '../testing/registry-fixture.js';
import { VersionStore } from '../versions/version.store.js';
import { DatasetStore, type NewDataset } from './dataset.store.js';
import { EvaluationStore } from './evaluation.store.js';
import { type ClaimedEvaluation, type EvaluationOutcome, EvaluationRunStore } from './evaluation-run.store.js';
import { GateStore } from './gate.store.js';

let database: TestDatabase;
let home: string;
let artefacts: ArtefactStore;
let datasets: DatasetStore;
let evaluations: EvaluationStore;
let runs: EvaluationRunStore;
let gates: GateStore;
let aliases: AliasStore;
let by: ChangeBy;
beforeAll(async () => {
  database = await testDatabase({ max: 10 });
  home = await mkdtemp(join(tmpdir(), 'slipway-evaluations-'));
  artefacts = openArtefactStore({ home });
  datasets = new DatasetStore(database.db);
  evaluations = new EvaluationStore(database.db);
  runs = new EvaluationRunStore(database.db);
  gates = new GateStore(database.db);
  aliases = new AliasStore(database.db);
});
afterAll(async () => {
  await database.close();
  await rm(home, { recursive: true, force: true });
});
beforeEach(async () => {
  by = await newProject(database.db);
  await new ModelStore(database.db).create(by, { name: 'm', description: '', tags: {} });
});

const task: Task = { kind: 'binary', predictionOutput: 'label', scoreOutput: 'scores', rowAxis: 0 };
const labels = { rows: 228, missing: 0, numeric: false, min: null, max: null, classes: [{ label: 'a', count: 228 }] };
const newDataset = (change: Partial<NewDataset> = {}): NewDataset => ({
  name: 'heldout',
  description: '',
  digest: 'cd'.repeat(32),
  sizeBytes: 99,
  fileName: 'rows.csv',
  format: 'csv',
  options: { labelColumn: 'y', header: true },
  automatic: true,
  labels,
  ...change,
});
const addDataset = (change: Partial<NewDataset> = {}) => database.db.$transaction((tx) => datasets.create(tx, by, 'm', newDataset(change)));
/** A version as its validation leaves it. */
async function ready(): Promise<{ id: string; version: number }> {
  const { id, version } = await addVersion(database.db, by, 'm');
  await database.db.version.update({
    where: { id },
    data: { status: 'READY', signature: toJson(signature), task: toJson(task), validatedAt: new Date() },
  });
  return { id, version };
}
const result = (f1: number, n = 228): EvaluationResult => ({
  kind: 'binary',
  metrics: { f1: { value: f1, interval: [f1 - 0.1, f1 + 0.1], n, status: 'ok', reason: null } },
  classes: ['a', 'b'],
  positiveClass: 'b',
  perClass: ['a', 'b: x'].map((name) => {
    const measure = { value: f1 / 2, interval: null, n, status: 'ok' as const, reason: null };
    return { class: name, actual: n, predicted: n, precision: measure, recall: measure, f1: measure };
  }),
  confusion: [{ actual: 0, predicted: null, count: n }],
  calibration: null,
});
const outcome = (f1: number): EvaluationOutcome => ({
  task,
  rows: { read: 230, labelled: 228, answered: 228 },
  rowErrors: [{ row: 3, message: 'no' }],
  runMsPerRow: 0.1,
  result: result(f1),
});
const staged = (text: string) => artefacts.stage(Readable.from([Buffer.from(text)]), { maxBytes: 1e6 });
async function claimed(id: string): Promise<ClaimedEvaluation> {
  const claim = await runs.claim(id);
  if (typeof claim === 'string') throw new Error(`expected a claim, got "${claim}"`);
  return claim;
}
async function evaluated(version: number, f1: number, dataset = 'heldout'): Promise<string> {
  const { id } = await evaluations.create(by, 'm', { version, dataset });
  expect(await runs.complete(await claimed(id), outcome(f1), artefacts, await staged(`${id} ${f1}`))).toBe(true);
  return id;
}
const actions = async () =>
  (await database.db.event.findMany({ where: { projectId: by.projectId }, orderBy: { sequence: 'asc' } })).map((each) => each.action);

describe('labelled sets', () => {
  it('are kept, listed, changed in what is said of them, and deleted', async () => {
    const created = await addDataset();
    expect(await datasets.get(by.projectId, 'M', 'HeldOut')).toEqual(created);
    await expect(addDataset({ name: 'HELDOUT' })).rejects.toMatchObject({ code: 'DATASET_NAME_TAKEN' });
    expect(await datasets.change(by, 'm', 'heldout', { automatic: false })).toEqual({ ...created, automatic: false });
    expect((await datasets.list(by.projectId, 'm', { limit: 1 })).items).toHaveLength(1);
    expect(await datasets.remove(by, 'm', 'heldout')).toBe(created.digest);
    await expect(datasets.get(by.projectId, 'm', 'heldout')).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' });
    expect(await actions()).toEqual(expect.arrayContaining(['dataset.created', 'dataset.changed', 'dataset.deleted']));
  });

  it(`are at most ${limits.datasetsPerModel} of a model`, async () => {
    for (let count = 0; count < limits.datasetsPerModel; count += 1) await addDataset({ name: `d${count}` });
    await expect(addDataset()).rejects.toMatchObject({ code: 'DATASET_REFUSED' });
  });

  it('stay while evaluations or gates refer to them, and so do their files', async () => {
    const file = await staged('rows');
    await artefacts.commit(file);
    await addDataset({ digest: file.digest });
    await gates.set(by, 'm', { gates: [Gate.parse({ dataset: 'heldout', metric: 'f1', comparison: 'at_least', value: 1 })] });
    await expect(datasets.remove(by, 'm', 'heldout')).rejects.toMatchObject({ code: 'DATASET_IN_USE' });
    await gates.set(by, 'm', { gates: [] });
    const { version } = await ready();
    const id = await evaluated(version, 0.9);
    await expect(datasets.remove(by, 'm', 'heldout')).rejects.toMatchObject({
      code: 'DATASET_IN_USE',
      message: expect.stringContaining('1 evaluations'),
    });
    expect(await collectArtefact(database.db, artefacts, file.digest)).toBe(false);
    const digest = await evaluations.remove(by, 'm', id);
    expect(await collectArtefact(database.db, artefacts, digest ?? '')).toBe(true);
    await datasets.remove(by, 'm', 'heldout');
    expect(await collectArtefact(database.db, artefacts, file.digest)).toBe(true);
  });

  it('go with their model, and evaluations with their version', async () => {
    await addDataset();
    const { version } = await ready();
    const other = await ready();
    await evaluated(version, 0.9);
    await evaluated(other.version, 0.8);
    await new VersionStore(database.db).remove(by, 'm', version);
    expect((await evaluations.list(by.projectId, 'm', { limit: 10 })).items.map((item) => item.version)).toEqual([other.version]);
    await new ModelStore(database.db).remove(by, 'm');
    expect(await database.db.dataset.count({ where: { projectId: by.projectId } })).toBe(0);
    expect(await database.db.evaluation.count({ where: { projectId: by.projectId } })).toBe(0);
  });
});

describe('evaluations', () => {
  it('are one at a time of a version on a set, also when two ask at the same moment', async () => {
    await addDataset();
    const { version } = await ready();
    const asked = await Promise.all(Array.from({ length: 5 }, () => evaluations.create(by, 'm', { version, dataset: 'heldout' })));
    expect(new Set(asked.map((each) => each.id)).size).toBe(1);
    const messages = await database.db.outboxMessage.count({ where: { jobId: `evaluation.${asked[0]?.id}` } });
    expect(messages).toBe(1);
  });

  it('wait for a version to be READY', async () => {
    await addDataset();
    const { version } = await addVersion(database.db, by, 'm');
    await expect(evaluations.create(by, 'm', { version, dataset: 'heldout' })).rejects.toMatchObject({ code: 'VERSION_NOT_READY' });
    await expect(evaluations.create(by, 'm', { version: 99, dataset: 'heldout' })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
  });

  it('belong to one worker; whatever an older claim writes changes nothing', async () => {
    await addDataset();
    const { version } = await ready();
    const { id } = await evaluations.create(by, 'm', { version, dataset: 'heldout' });
    const first = await claimed(id);
    expect(first).toMatchObject({ attempt: 1, modelName: 'm', version: { number: version, task }, dataset: { options: { labelColumn: 'y' } } });
    expect(await runs.claim(id)).toBe('held');
    expect(await runs.renew(first)).toBe(true);
    await database.db.$executeRaw`update "Evaluation" set "claimedUntil" = now() at time zone 'utc' - interval '1 second' where "id" = ${id}`;
    const second = await claimed(id);
    expect(second.attempt).toBe(2);
    const late = await staged('late');
    expect(await runs.renew(first)).toBe(false);
    expect(await runs.fail(first, 'late')).toBe(false);
    expect(await runs.complete(first, outcome(0.1), artefacts, late)).toBe(false);
    await artefacts.discard(late);
    expect(await runs.complete(second, outcome(0.9), artefacts, await staged('good'))).toBe(true);
    expect(await runs.claim(id)).toBe('over');
    expect(await evaluations.get(by.projectId, 'm', id)).toMatchObject({
      status: 'COMPLETED',
      attempts: 2,
      rows: { read: 230, labelled: 228, answered: 228 },
      result: { metrics: { f1: { value: 0.9 } } },
    });
    expect((await actions()).filter((action) => action.startsWith('evaluation.'))).toEqual(['evaluation.created', 'evaluation.completed']);
  });

  it('that were lost are sent again, once', async () => {
    await addDataset();
    const { version } = await ready();
    const { id } = await evaluations.create(by, 'm', { version, dataset: 'heldout' });
    const sent = () => database.db.outboxMessage.count({ where: { jobId: `evaluation.${id}` } });
    await runs.requeueLost(10);
    expect(await sent()).toBe(1);
    await database.db
      .$executeRaw`update "OutboxMessage" set "publishedAt" = now() at time zone 'utc', "createdAt" = (now() at time zone 'utc') - interval '11 seconds' where "jobId" = ${`evaluation.${id}`}`;
    await runs.requeueLost(10);
    await runs.requeueLost(10);
    expect(await sent()).toBe(2);
    await claimed(id);
    await runs.requeueLost(0);
    expect(await sent()).toBe(2);
  });

  it('begin by themselves for what is new, has an alias or is deployed, once', async () => {
    const [old, aliased, deployed] = [await ready(), await ready(), await ready()];
    await aliases.set(by, 'm', 'champion', { version: aliased.version });
    await deployVersion(database.db, by, deployed.id, `${by.projectId}-d`);
    await database.db.version.updateMany({ where: { model: { projectId: by.projectId } }, data: { validatedAt: new Date(Date.now() - 60_000) } });
    await addDataset();
    await addDataset({ name: 'manual', automatic: false });
    const fresh = await ready();
    await runs.beginAutomatic();
    await runs.beginAutomatic();
    const { items } = await evaluations.list(by.projectId, 'm', { limit: 10 });
    expect(items.map((item) => [item.version, item.dataset]).sort()).toEqual(
      [aliased, deployed, fresh].map((each) => [each.version, 'heldout']).sort(),
    );
    expect(items.map((item) => item.version)).not.toContain(old.version);
  });

  it(`are kept, the newest ${limits.evaluationsKept} of a version on a set`, async () => {
    await addDataset();
    const { version } = await ready();
    const ids: string[] = [];
    for (let count = 0; count <= limits.evaluationsKept; count += 1) ids.push(await evaluated(version, count / 100));
    const { items } = await evaluations.list(by.projectId, 'm', { limit: 50 });
    expect(items.map((item) => item.id)).toEqual(ids.slice(1).reverse());
  });

  it('of another project are not there', async () => {
    await addDataset();
    const { version } = await ready();
    const id = await evaluated(version, 0.9);
    const stranger = await newProject(database.db);
    await new ModelStore(database.db).create(stranger, { name: 'm', description: '', tags: {} });
    await expect(evaluations.get(stranger.projectId, 'm', id)).rejects.toMatchObject({ code: 'EVALUATION_NOT_FOUND' });
    await expect(evaluations.completed(stranger.projectId, 'm', 'heldout', [version])).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' });
  });
});

describe('gates', () => {
  const notBelow = Gate.parse({ dataset: 'heldout', metric: 'f1', comparison: 'not_below_champion', tolerance: 0.01 });

  it('are judged from the newest completed evaluation, of the version and of the champion', async () => {
    await addDataset();
    const [first, second] = [await ready(), await ready()];
    await gates.set(by, 'm', { gates: [notBelow, Gate.parse({ dataset: 'heldout', metric: 'recall:b: x', comparison: 'at_least', value: 0.4 })] });
    const verdicts = async (version: number) => (await gates.judge(by.projectId, 'm', version)).verdicts.map((verdict) => verdict.judgement.verdict);
    expect(await verdicts(second.version)).toEqual(['ok', 'insufficient']);
    await evaluated(first.version, 0.9);
    await aliases.set(by, 'm', 'Champion', { version: first.version });
    expect(await verdicts(second.version)).toEqual(['insufficient', 'insufficient']);
    await evaluated(second.version, 0.7);
    expect(await verdicts(second.version)).toEqual(['alarm', 'alarm']);
    await evaluated(second.version, 0.895);
    expect(await verdicts(second.version)).toEqual(['ok', 'ok']);
    // A newer one that is under way, or failed, takes nothing away from what was measured.
    const { id } = await evaluations.create(by, 'm', { version: second.version, dataset: 'heldout' });
    expect(await verdicts(second.version)).toEqual(['ok', 'ok']);
    await runs.fail(await claimed(id), 'It broke.');
    expect(await verdicts(second.version)).toEqual(['ok', 'ok']);
  });

  it('guard the alias that they name, and no other; the word that overrides them is kept', async () => {
    await addDataset();
    const [first, second] = [await ready(), await ready()];
    await evaluated(first.version, 0.9);
    await evaluated(second.version, 0.5);
    await aliases.set(by, 'm', 'champion', { version: first.version });
    await gates.set(by, 'm', { gates: [notBelow] });
    const refused = aliases.set(by, 'm', 'CHAMPION', { version: second.version });
    await expect(refused).rejects.toMatchObject({ code: 'GATE_NOT_MET', message: expect.stringContaining('must be at least 0.89') });
    await aliases.set(by, 'm', 'latest', { version: second.version });
    await aliases.set(by, 'm', 'champion', { version: second.version, overrideGates: true });
    const event = await database.db.event.findFirst({ where: { projectId: by.projectId, action: 'alias.set' }, orderBy: { sequence: 'desc' } });
    expect(event?.after).toMatchObject({ version: second.version, overriddenGates: expect.stringContaining('0.89') });
    await gates.set(by, 'm', { gates: [{ ...notBelow, appliesTo: ['deploy'] }] });
    await expect(gates.set(by, 'm', { gates: [{ ...notBelow, dataset: 'none' }] })).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' });
    expect((await gates.get(by.projectId, 'm')).gates).toMatchObject([{ dataset: 'heldout', appliesTo: ['deploy'] }]);
    expect(await actions()).toContain('gates.set');
  });
});
