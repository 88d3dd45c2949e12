import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  DatasetView,
  EvaluationPage,
  EvaluationView,
  GateVerdicts,
  Problem,
  type Task,
  VersionComparison,
  VersionCreated,
  VersionView,
} from '@slipway/contracts';
import { linearModel } from '@slipway/inference/testing';
import { waitFor } from '@slipway/platform/testing';
import { openArtefactStore } from '@slipway/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RunningApi } from './running-api.js';
import { RunningWorker, serves } from './running-worker.js';

const example = (path: string) => readFile(fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url)));
const HeldOut = z.object({ inputs: z.object({ features: z.array(z.number()) }), label: z.string() });
const task: Task = {
  kind: 'binary',
  predictionOutput: 'label',
  scoreOutput: 'probabilities',
  classes: ['benign', 'malignant'],
  rowAxis: 0,
  positiveClass: 'malignant',
};

let worker: RunningWorker;
let api: RunningApi;
let rows: z.infer<typeof HeldOut>[];
beforeAll(async () => {
  worker = await RunningWorker.open();
  api = await RunningApi.start(worker);
  await worker.start({ SLIPWAY_GATEWAY_URL: api.url });
  rows = (await example('medicine/heldout.ndjson'))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => HeldOut.parse(JSON.parse(line)));
  expect((await api.call('POST', '/v1/models', { name: 'm' })).status).toBe(201);
});
afterAll(async () => {
  await api.end();
  await worker.close();
});

const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
  const answer = await api.call('GET', path);
  expect(answer.status, answer.text).toBe(200);
  return schema.parse(answer.json());
};
const problemOf = (answer: Awaited<ReturnType<RunningApi['call']>>) => Problem.parse(answer.json());

async function upload(file: Buffer, stated: Task = task): Promise<number> {
  const answer = await api.call('POST', `/v1/models/m/versions?${new URLSearchParams({ task: JSON.stringify(stated) })}`, file);
  expect(answer.status, answer.text).toBe(201);
  const { version } = VersionCreated.parse(answer.json());
  const read = () => get(`/v1/models/m/versions/${version}`, VersionView);
  await waitFor(async () => (await read()).status === 'READY', { what: `version ${version} to be READY`, timeoutMs: 60_000 });
  return version;
}

/** The held-out rows of the example as a CSV file, as often as wished. */
function csv(times = 1): Buffer {
  const width = rows[0]?.inputs.features.length ?? 0;
  const head = ['patient', ...Array.from({ length: width }, (_, index) => `f${index}`), 'diagnosis'].join(',');
  const lines = rows.map(({ inputs, label }, index) => [`p${index}`, ...inputs.features, label].join(','));
  return Buffer.from(`${head}\n${Array.from({ length: times }, () => lines.join('\n')).join('\n')}\n`);
}

async function addDataset(fields: Record<string, string>, file = csv()): Promise<DatasetView> {
  const query = new URLSearchParams({ labelColumn: 'diagnosis', idColumn: 'patient', fileName: 'rows.csv', ...fields });
  const answer = await api.call('POST', `/v1/models/m/datasets?${query}`, file);
  expect(answer.status, answer.text).toBe(201);
  return DatasetView.parse(answer.json());
}

const newest = async (version: number, dataset: string) => {
  const { items } = await get(`/v1/models/m/evaluations?version=${version}&dataset=${dataset}`, EvaluationPage);
  return items[0];
};
const ended = (version: number, dataset: string) =>
  waitFor(
    async () => {
      const item = await newest(version, dataset);
      if (item !== undefined && item.finishedAt !== null) return get(`/v1/models/m/evaluations/${item.id}`, EvaluationView);
      throw new Error(JSON.stringify(item ?? 'no evaluation yet'));
    },
    { what: `version ${version} to be evaluated on ${dataset}`, timeoutMs: 60_000 },
  );
const evaluate = async (version: number, dataset: string) => {
  const answer = await api.call('POST', '/v1/models/m/evaluations', { version, dataset });
  expect(answer.status, answer.text).toBe(202);
  return EvaluationView.parse(answer.json());
};

describe('evaluations', () => {
  it('begin by themselves for what has an alias and for what is new, and find what the training script found', async () => {
    await upload(await example('medicine/diagnosis-v1.onnx'));
    expect((await api.call('PUT', '/v1/models/m/aliases/champion', { version: 1 })).status).toBe(200);
    const dataset = await addDataset({ name: 'heldout' });
    expect(dataset).toMatchObject({ format: 'csv', automatic: true, labels: { rows: rows.length, missing: 0, numeric: false } });
    expect(dataset.labels.classes?.map((each) => each.label)).toEqual(['benign', 'malignant']);
    const first = await ended(1, 'heldout');
    expect(first).toMatchObject({ status: 'COMPLETED', attempts: 1, rows: { read: rows.length, labelled: rows.length, answered: rows.length } });
    await upload(await example('medicine/diagnosis-v2.onnx'));
    const second = await ended(2, 'heldout');
    const manifest = z
      .object({
        examples: z.array(
          z.object({
            model: z.string(),
            versions: z.array(z.looseObject({ provenance: z.looseObject({ metrics: z.record(z.string(), z.number()) }) })),
          }),
        ),
      })
      .parse(JSON.parse((await example('manifest.json')).toString('utf8')));
    const stated = manifest.examples.find((each) => each.model === 'diagnosis')?.versions ?? [];
    for (const [index, view] of [first, second].entries()) {
      for (const metric of ['accuracy', 'recall', 'f1']) {
        const measure = view.result?.metrics[metric];
        expect(measure?.value, metric).toBeCloseTo(stated[index]?.provenance.metrics[metric] ?? Number.NaN, 3);
        expect(measure?.interval?.[0], metric).toBeLessThan(measure?.value ?? 0);
      }
    }
    expect(second.result).toMatchObject({
      kind: 'binary',
      classes: ['benign', 'malignant'],
      positiveClass: 'malignant',
      calibration: { of: 'positive' },
    });
    expect(second.result?.metrics.rocAuc?.value).toBeGreaterThan(0.98);
    expect(second.result?.perClass.map(({ class: name, actual }) => [name, actual])).toEqual(
      dataset.labels.classes?.map(({ label, count }) => [label, count]),
    );
  });

  it('gates decide what may be deployed and aliased, and say why not', async () => {
    await addDataset({ name: 'other', automatic: 'false' });
    const gates = [
      { dataset: 'heldout', metric: 'f1', comparison: 'not_below_champion', tolerance: 0.01 },
      { dataset: 'other', metric: 'rocAuc', comparison: 'at_least', value: 0.9, appliesTo: ['deploy'] },
    ];
    expect((await api.call('PUT', '/v1/models/m/gates', { gates })).status).toBe(200);
    const deploy = (version: number, more: object = {}) => api.call('POST', '/v1/deployments', { name: `d${version}`, model: 'm', version, ...more });
    const unevaluated = await deploy(2);
    expect(unevaluated.status).toBe(409);
    expect(problemOf(unevaluated)).toMatchObject({ code: 'GATE_NOT_MET', detail: expect.stringContaining('version 2 was not evaluated on "other"') });
    await evaluate(2, 'other');
    await ended(2, 'other');
    const verdicts = await get('/v1/models/m/versions/2/gates', GateVerdicts);
    expect(verdicts).toMatchObject({ met: true, verdicts: [{ met: true, judgement: { verdict: 'ok' } }, { met: true }] });
    expect((await deploy(2)).status).toBe(201);
    expect((await api.call('PUT', '/v1/models/m/aliases/champion', { version: 2 })).status).toBe(200);
    // Version 2 is the champion now, and version 1 is far below it.
    const back = await api.call('PUT', '/v1/models/m/aliases/champion', { version: 1 });
    expect(problemOf(back)).toMatchObject({
      status: 409,
      code: 'GATE_NOT_MET',
      detail: expect.stringMatching(/f1 must be at least .* of version 2/),
    });
    expect((await api.call('PUT', '/v1/models/m/aliases/stable', { version: 1 })).status).toBe(200);
    expect((await api.call('PUT', '/v1/models/m/aliases/champion', { version: 1, overrideGates: true })).status).toBe(200);
    expect((await api.call('PUT', '/v1/models/m/aliases/champion', { version: 2 })).status).toBe(200);
    await worker.until('d2', serves(1), 'd2 to serve', 60_000);
    const below = await api.call('POST', '/v1/deployments/d2/revisions', { version: 1 });
    expect(problemOf(below)).toMatchObject({ status: 409, code: 'GATE_NOT_MET' });
    const refused = await api.call('DELETE', '/v1/models/m/datasets/heldout');
    expect(problemOf(refused)).toMatchObject({ status: 409, code: 'DATASET_IN_USE' });
  });

  it('two versions are compared on the same rows', async () => {
    const comparison = await get('/v1/models/m/compare?versions=1,2&dataset=heldout', VersionComparison);
    expect(comparison.versions.map((each) => each.version)).toEqual([1, 2]);
    const accuracy = comparison.differences.find((each) => each.metric === 'accuracy');
    expect(accuracy).toMatchObject({ version: 2, test: 'mcnemar-exact', significant: true, better: 'this', n: rows.length });
    const [first, second] = comparison.versions.map((each) => each.metrics.accuracy?.value ?? Number.NaN);
    expect(accuracy?.difference).toBeCloseTo((second ?? 0) - (first ?? 0), 12);
    const share = comparison.disagreement.matrix[0]?.[1] ?? 0;
    expect(comparison.disagreement.rows.length).toBe(Math.min(50, Math.round(share * rows.length)));
    for (const { row, id, truth } of comparison.disagreement.rows) expect([id, truth]).toEqual([`p${row - 1}`, rows[row - 1]?.label]);
    const three = await api.call('GET', '/v1/models/m/compare?versions=1,2,3&dataset=heldout');
    expect(problemOf(three).code).toBe('VERSION_NOT_FOUND');
    expect(problemOf(await api.call('GET', '/v1/models/m/compare?versions=1,2&dataset=none')).code).toBe('DATASET_NOT_FOUND');
    expect((await api.call('GET', '/v1/models/m/compare?versions=1&dataset=heldout')).status).toBe(400);
  });

  it('a killed worker loses nothing: the evaluation is begun anew', async () => {
    await addDataset({ name: 'large', automatic: 'false' }, csv(30));
    const begun = await evaluate(2, 'large');
    expect((await evaluate(2, 'large')).id).toBe(begun.id);
    await waitFor(async () => (await newest(2, 'large'))?.status === 'RUNNING', { what: 'the evaluation to run', everyMs: 5 });
    await worker.end('SIGKILL');
    expect((await newest(2, 'large'))?.status).toBe('RUNNING');
    await worker.start({ SLIPWAY_GATEWAY_URL: api.url });
    const done = await ended(2, 'large');
    expect(done).toMatchObject({ id: begun.id, status: 'COMPLETED', attempts: 2, rows: { read: 30 * rows.length, answered: 30 * rows.length } });
    const once = await ended(2, 'heldout');
    expect(done.result?.metrics.rocAuc?.value).toBeCloseTo(once.result?.metrics.rocAuc?.value ?? 0, 12);
    expect(done.result?.metrics.logLoss?.value).toBeCloseTo(once.result?.metrics.logLoss?.value ?? 0, 12);
  });

  it('a version with other inputs fails with a sentence, and passes no gate', async () => {
    const version = await upload(linearModel(1), { kind: 'regression', predictionOutput: 'y', rowAxis: 0 });
    const failed = await ended(version, 'heldout');
    expect(failed).toMatchObject({ status: 'FAILED', result: null, reason: expect.stringContaining('takes 2 values per row') });
    const { met, verdicts } = await get(`/v1/models/m/versions/${version}/gates`, GateVerdicts);
    expect(met).toBe(false);
    expect(verdicts[0]?.judgement).toMatchObject({ verdict: 'insufficient', reason: expect.stringContaining('failed: ') });
  });

  it.each<{ given: string; fields: Record<string, string>; file: () => Buffer; code: string }>([
    { given: 'another label column', fields: { labelColumn: 'nothing' }, file: () => csv(), code: 'DATASET_REFUSED' },
    { given: 'no rows', fields: {}, file: () => Buffer.from('patient,diagnosis\n'), code: 'DATASET_REFUSED' },
    { given: 'no labels', fields: {}, file: () => Buffer.from('patient,diagnosis\np1,\np2,\n'), code: 'DATASET_REFUSED' },
    { given: 'no table', fields: { format: 'parquet' }, file: () => csv(), code: 'TABLE_UNREADABLE' },
    { given: 'a name that is taken', fields: { name: 'HELDOUT' }, file: () => csv(), code: 'DATASET_NAME_TAKEN' },
  ])('a set with $given is refused and leaves nothing behind', async ({ fields, file, code }) => {
    const query = new URLSearchParams({ name: 'refused', labelColumn: 'diagnosis', idColumn: 'patient', ...fields });
    const answer = await api.call('POST', `/v1/models/m/datasets?${query}`, file());
    expect(problemOf(answer).code).toBe(code);
    expect((await api.call('GET', '/v1/models/m/datasets/refused')).status).toBe(404);
  });

  it('deleted evaluations free their set, and files go when nothing refers to them', async () => {
    const dataset = await get('/v1/models/m/datasets/large', DatasetView);
    const [evaluation] = (await get('/v1/models/m/evaluations?dataset=large', EvaluationPage)).items;
    expect((await api.call('DELETE', `/v1/models/m/evaluations/${evaluation?.id}`)).status).toBe(204);
    expect((await api.call('DELETE', '/v1/models/m/datasets/large')).status).toBe(204);
    expect(await openArtefactStore({ home: worker.home }).exists(dataset.digest)).toBe(false);
  });
});
