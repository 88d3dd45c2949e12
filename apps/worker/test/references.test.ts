import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DatasetView, Problem, ReferenceDetail, ReferenceItem, ReferencePage, type Task, VersionCreated, VersionView } from '@slipway/contracts';
import { linearModel } from '@slipway/inference/testing';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RunningApi } from './running-api.js';
import { RunningWorker } from './running-worker.js';

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
let file: Buffer;
let width = 0;
beforeAll(async () => {
  worker = await RunningWorker.open();
  api = await RunningApi.start(worker);
  await worker.start({ SLIPWAY_GATEWAY_URL: api.url });
  const lines = (await example('medicine/heldout.ndjson')).toString('utf8').trim().split('\n');
  const rows = lines.map((line) => HeldOut.parse(JSON.parse(line)));
  width = rows[0]?.inputs.features.length ?? 0;
  const head = ['patient', ...features(), 'diagnosis'].join(',');
  file = Buffer.from(`${head}\n${rows.map(({ inputs, label }, index) => [`p${index}`, ...inputs.features, label].join(',')).join('\n')}\n`);
  expect((await api.call('POST', '/v1/models', { name: 'm' })).status).toBe(201);
  await upload(await example('medicine/diagnosis-v1.onnx'));
  await upload(await example('medicine/diagnosis-v2.onnx'));
});
afterAll(async () => {
  await api.end();
  await worker.close();
});

const features = () => Array.from({ length: width }, (_, index) => `f${index}`);
const path = (version: number, rest = '') => `/v1/models/m/versions/${version}/reference-profiles${rest}`;

async function upload(model: Buffer, stated: Task | null = task): Promise<number> {
  const query = stated === null ? '' : `?${new URLSearchParams({ task: JSON.stringify(stated) })}`;
  const answer = await api.call('POST', `/v1/models/m/versions${query}`, model);
  expect(answer.status, answer.text).toBe(201);
  const { version } = VersionCreated.parse(answer.json());
  await waitFor(async () => (await get(`/v1/models/m/versions/${version}`, VersionView)).status === 'READY', {
    what: `version ${version}`,
    timeoutMs: 60_000,
  });
  return version;
}

async function get<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  const answer = await api.call('GET', url);
  expect(answer.status, answer.text).toBe(200);
  return schema.parse(answer.json());
}

async function ended(version: number, id: string): Promise<ReferenceDetail> {
  return waitFor(
    async () => {
      const detail = await get(path(version, `/${id}`), ReferenceDetail);
      if (detail.status !== 'BUILDING') return detail;
      throw new Error('it is BUILDING');
    },
    { what: `reference ${id}`, timeoutMs: 60_000 },
  );
}

const problem = (answer: { json: () => unknown }) => Problem.parse(answer.json());

describe('reference profiles', () => {
  it('are made of a labelled set by running the version over it, with what estimates need', async () => {
    const query = new URLSearchParams({
      name: 'heldout',
      labelColumn: 'diagnosis',
      idColumn: 'patient',
      columns: JSON.stringify(features()),
      automatic: 'false',
    });
    const dataset = await api.call('POST', `/v1/models/m/datasets?${query}`, file);
    expect(dataset.status, dataset.text).toBe(201);
    const rows = DatasetView.parse(dataset.json()).labels.rows;
    expect(problem(await api.call('GET', path(2, '/active'))).code).toBe('REFERENCE_NOT_FOUND');
    const begun = await api.call('POST', path(2), { dataset: 'heldout' });
    expect(begun.status, begun.text).toBe(202);
    const { id } = ReferenceItem.parse(begun.json());
    const made = await ended(2, id);
    expect(made).toMatchObject({
      status: 'READY',
      active: true,
      source: 'uploaded',
      rows,
      labelled: true,
      origin: { kind: 'dataset', name: 'heldout' },
    });
    const names = made.columns.map(({ name }) => name);
    expect(names.slice(0, width)).toEqual(features());
    expect(names).toEqual(expect.arrayContaining(['@prediction', '@score']));
    for (const { name, counts, edges, kind } of made.columns) {
      expect(counts.n, name).toBe(rows);
      expect(counts.bins.reduce((sum, count) => sum + count, 0) + counts.missing, name).toBe(rows);
      if (kind === 'numeric') expect([counts.bins[0], counts.bins.at(-1)], name).toEqual([0, 0]);
      if (kind === 'numeric') expect(edges?.length, name).toBeLessThanOrEqual(21);
    }
    const shares = made.columns.flatMap(({ importance }) => importance ?? []);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(made.labels?.metrics['rocAuc']?.value).toBeGreaterThan(0.95);
    expect(made.labels?.metrics['accuracy']?.perRow).toBeGreaterThan(0);
    expect(Object.keys(made.labels?.calibration ?? {})).toEqual(['malignant']);
    expect(made.noise?.['repeat']).toMatchObject({ p95: 0, flipRatio: 0 });
    expect(made.noise?.['jitter']?.p95).toBeGreaterThan(0);
    const events = await worker.database.db.event.findMany({ where: { subjectId: id }, orderBy: { sequence: 'asc' } });
    expect(events.map(({ action }) => action)).toEqual(['reference.created', 'reference.ready']);
  });

  it('are made of a file without labels, which is forgotten afterwards', async () => {
    const query = new URLSearchParams({ idColumns: JSON.stringify(['patient', 'diagnosis']), fileName: 'rows.csv' });
    const begun = await api.call('POST', `${path(1)}?${query}`, file);
    expect(begun.status, begun.text).toBe(202);
    const made = await ended(1, ReferenceItem.parse(begun.json()).id);
    expect(made).toMatchObject({ status: 'READY', labelled: false, labels: null, origin: { kind: 'file', name: 'rows.csv' } });
    expect(made.columns[0]).toMatchObject({ name: 'features[0]', side: 'input', tensor: 'features', index: 0 });
    const same = await api.call('POST', `${path(1)}?${query}`, file);
    const again = await ended(1, ReferenceItem.parse(same.json()).id);
    expect(again).toMatchObject({ active: true, layout: made.layout, columns: made.columns });
    expect((await get(path(1), ReferencePage)).items.map(({ active }) => active)).toEqual([true, false]);
  });

  it('are taken over from a version that takes and gives the same, and from no other', async () => {
    const taken = await api.call('POST', path(1), { from: 2 });
    expect(taken.status, taken.text).toBe(202);
    expect(ReferenceItem.parse(taken.json())).toMatchObject({ source: 'inherited', status: 'READY', active: true, labelled: true });
    expect((await get(path(1, '/active'), ReferenceDetail)).digest).toBe((await get(path(2, '/active'), ReferenceDetail)).digest);
    const other = await upload(linearModel(), null);
    expect(problem(await api.call('POST', path(other), { from: 2 }))).toMatchObject({ code: 'REFERENCE_REFUSED', status: 422 });
    expect(problem(await api.call('POST', path(2), { from: 2 })).detail).toContain('version 2 itself');
  });

  it('refuse what cannot become one, with the reason', async () => {
    expect(problem(await api.call('POST', path(2), {})).code).toBe('REQUEST_INVALID');
    expect(problem(await api.call('POST', path(2), { dataset: 'none' })).code).toBe('DATASET_NOT_FOUND');
    expect(problem(await api.call('POST', path(9), { dataset: 'heldout' })).code).toBe('VERSION_NOT_FOUND');
    const narrow = await api.call('POST', `${path(2)}?fileName=rows.csv`, Buffer.from('a,b\n1,2\n'));
    expect(problem(narrow)).toMatchObject({ code: 'TABLE_MAPPING_REFUSED' });
    const few = await api.call('POST', `${path(2)}?fileName=rows.csv`, Buffer.from(`${features().join(',')}\n${features().fill('1').join(',')}\n`));
    expect(few.status, few.text).toBe(202);
    const failed = await ended(2, ReferenceItem.parse(few.json()).id);
    expect(failed).toMatchObject({ status: 'FAILED', active: false });
    expect(failed.reason).toContain('at least 50 rows');
    expect((await api.call('DELETE', path(2, `/${failed.id}`))).status).toBe(204);
    expect((await get(path(2, '/active'), ReferenceDetail)).status).toBe('READY');
    expect(problem(await api.call('POST', path(2, '/learn'), {}))).toMatchObject({ code: 'REFERENCE_REFUSED' });
  });

  it('are learned from traffic where there is none, shown while they are, and learned anew when asked to', async () => {
    const version = await upload(await example('medicine/diagnosis-v2.onnx'));
    expect((await api.call('POST', '/v1/deployments', { name: 'd', model: 'm', version })).status).toBe(201);
    expect((await api.call('PUT', '/v1/deployments/d/watch', { reference: { learnRows: 200 } })).status).toBe(200);
    const ready = async () => z.object({ status: z.string() }).parse((await api.call('GET', '/v1/deployments/d')).json()).status === 'READY';
    await waitFor(ready, { what: 'the deployment to be READY', timeoutMs: 60_000 });
    const rows = file.toString().trim().split('\n').slice(1, 61);
    const values = rows.flatMap((line) => line.split(',').slice(1, -1).map(Number));
    const body = { inputs: [{ name: 'features', datatype: 'FP32', shape: [rows.length, width], data: values }] };
    const predict = async () => {
      const answer = await api.call('POST', '/v2/models/d/infer', body);
      expect(answer.status, answer.text).toBe(200);
    };
    const newest = async () => (await get(path(version), ReferencePage)).items[0];
    const learned = (not?: string) =>
      waitFor(
        async () => {
          await predict();
          const item = await newest();
          if (item?.status === 'READY' && item.id !== not) return item;
          throw new Error(JSON.stringify(item ?? 'none'));
        },
        { what: 'a reference to be learned', timeoutMs: 60_000, everyMs: 500 },
      );
    const first = await learned();
    expect(first).toMatchObject({ source: 'learned', active: true, labelled: false, origin: { kind: 'traffic', rowsWanted: 200 } });
    expect(first.rows).toBeGreaterThanOrEqual(200);
    const again = await api.call('POST', path(version, '/learn'), { reason: 'another season' });
    expect(again.status, again.text).toBe(202);
    expect(await newest()).toMatchObject({ status: 'BUILDING', active: false });
    const second = await learned(first.id);
    expect(second).toMatchObject({ source: 'learned', active: true });
    expect((await get(path(version, `/${first.id}`), ReferenceDetail)).active).toBe(false);
  });
});
