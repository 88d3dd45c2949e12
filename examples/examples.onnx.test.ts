import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CreateModel, ResourceName, VersionFields } from '@slipway/contracts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const folder = import.meta.dirname;
const Label = z.union([z.string(), z.number()]);
const Manifest = z.strictObject({
  examples: z.array(
    z.strictObject({
      model: ResourceName,
      description: z.string(),
      data: z.strictObject({ title: z.string(), url: z.url(), licence: z.literal('CC BY 4.0'), citation: z.string() }),
      task: VersionFields.shape.task.unwrap(),
      versions: z.array(
        z.strictObject({
          file: z.string(),
          description: z.string(),
          tags: z.record(z.string(), z.string()),
          provenance: z.looseObject({ heldOutRows: z.number(), metrics: z.record(z.string(), z.number()) }),
        }),
      ),
      aliases: z.record(ResourceName, z.number().int()),
      deployment: z.strictObject({ name: ResourceName, revisions: z.array(z.number().int()).min(1), replicas: z.number().int().min(1) }),
      request: z.string(),
      heldout: z.string(),
    }),
  ),
});
type Example = z.infer<typeof Manifest>['examples'][number];
const Row = z.strictObject({ inputs: z.record(z.string(), z.array(z.number())), label: Label });
const Request = z.strictObject({
  inputs: z.array(z.strictObject({ name: z.string(), shape: z.array(z.number()), datatype: z.literal('FP32'), data: z.array(z.number()) })).length(1),
});

const signatures: Record<string, { inputs: string[]; outputs: string[] }> = {
  diagnosis: { inputs: ['features float32 rows,30'], outputs: ['label string rows', 'probabilities float32 rows,2'] },
  'bike-demand': { inputs: ['features float32 rows,11'], outputs: ['prediction float32 rows,1'] },
  digits: { inputs: ['image float32 rows,1,8,8'], outputs: ['label int64 rows', 'probabilities float32 rows,10'] },
};

const { examples } = Manifest.parse(json('manifest.json'));

describe.each(examples)('example $model', (example) => {
  const rows = text(example.heldout)
    .trim()
    .split('\n')
    .map((line) => Row.parse(JSON.parse(line)));
  const request = Request.parse(json(example.request)).inputs[0];
  const numbers = example.versions.map((_, index) => index + 1);

  it('is a manifest entry that the API takes and whose deployment names its own versions', () => {
    CreateModel.parse({ name: example.model, description: example.description });
    for (const { file: _, ...fields } of example.versions) VersionFields.parse({ ...fields, task: example.task });
    expect(numbers).toEqual(expect.arrayContaining([...example.deployment.revisions, ...Object.values(example.aliases)]));
  });

  it('holds out at least 200 rows, as many as each version states', () => {
    expect(rows.length).toBeGreaterThanOrEqual(200);
    for (const version of example.versions) expect(version.provenance.heldOutRows).toBe(rows.length);
  });

  it.each(numbers)('version %i has the signature of its model and is small', async (number) => {
    const session = await open(example, number);
    expect(session.inputMetadata.map(describeTensor)).toEqual(signatures[example.model]?.inputs);
    expect(session.outputMetadata.map(describeTensor)).toEqual(signatures[example.model]?.outputs);
    expect(statSync(join(folder, example.versions[number - 1]?.file ?? '')).size).toBeLessThan(500_000);
  });

  it.each(numbers)('version %i reaches the metrics that manifest and README state', async (number) => {
    const predicted = await predict(example, number, rows.map(flat), request?.shape.slice(1) ?? []);
    const actual = rows.map((row) => row.label);
    const computed =
      example.task.kind === 'regression' ? regressionMetrics(predicted, actual) : classMetrics(predicted, actual, example.task.positiveClass);
    const stated = example.versions[number - 1]?.provenance.metrics ?? {};
    expect(Object.keys(stated).sort()).toEqual(Object.keys(computed).sort());
    expect(readmeMetrics(example, number)).toEqual(stated);
    // Less than one row changes an accuracy, more than another order of 32-bit sums changes an error in bikes.
    for (const [name, value] of Object.entries(computed)) expect(Math.abs(value - (stated[name] ?? Number.NaN)), name).toBeLessThanOrEqual(1e-3);
  });

  it('serves better than its first version, and answers its example request as its held-out row', async () => {
    const serving = example.deployment.revisions.at(-1) ?? 0;
    const [first, best] = [example.versions[0], example.versions[serving - 1]].map((version) => version?.provenance.metrics ?? {});
    if (example.task.kind === 'regression') expect(best?.['rmse']).toBeLessThan((first?.['rmse'] ?? 0) / 2);
    else expect(best?.['accuracy']).toBeGreaterThan((first?.['accuracy'] ?? 1) + 0.05);

    expect(request?.shape[0]).toBe(1);
    expect(request?.data).toEqual(rows.map(flat)[0]);
    const [answer] = await predict(example, serving, [request?.data ?? []], request?.shape.slice(1) ?? []);
    if (example.task.kind !== 'regression') expect(answer).toBe(rows[0]?.label);
    else expect(answer).toBeGreaterThanOrEqual(0);
  });

  it('gives every class of its rows a name in the task', () => {
    if (example.task.kind === 'regression') return expect(example.task.classes).toBeUndefined();
    return expect([...new Set(rows.map((row) => row.label))].sort()).toEqual(example.task.classes);
  });
});

describe('diagnosis with swapped labels', () => {
  it('says the opposite of version 2 on every row, in the label and in the probabilities', async () => {
    const diagnosis = examples.find((example) => example.model === 'diagnosis');
    if (diagnosis === undefined) throw new Error('manifest.json has no model "diagnosis"');
    const rows = text(diagnosis.heldout)
      .trim()
      .split('\n')
      .map((line) => Row.parse(JSON.parse(line)));
    const [right, swapped] = await Promise.all([2, 3].map((number) => predict(diagnosis, number, rows.map(flat), [30])));
    expect(diagnosis.versions[2]?.provenance.metrics['accuracy']).toBeLessThan(0.2);
    expect(right?.filter((label, index) => label === swapped?.[index])).toEqual([]);
    const scores = await Promise.all([2, 3].map((number) => predict(diagnosis, number, rows.map(flat), [30], 'probabilities')));
    for (let row = 0; row < rows.length; row++) expect(Number(scores[0]?.[2 * row])).toBeCloseTo(Number(scores[1]?.[2 * row + 1]), 3);
  });
});

function text(path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

function json(path: string): unknown {
  return JSON.parse(text(path));
}

function open(example: Example, number: number): Promise<InferenceSession> {
  return InferenceSession.create(join(folder, example.versions[number - 1]?.file ?? ''), { intraOpNumThreads: 1, interOpNumThreads: 1 });
}

function describeTensor(value: InferenceSession.ValueMetadata): string {
  return value.isTensor ? `${value.name} ${value.type} ${value.shape.join(',')}` : value.name;
}

function flat(row: z.infer<typeof Row>): number[] {
  return Object.values(row.inputs).flat();
}

/** All rows in one run; the flat values of `output`, by default the one that holds the prediction. */
async function predict(
  example: Example,
  number: number,
  rows: number[][],
  rowShape: number[],
  output = example.task.predictionOutput ?? '',
): Promise<unknown[]> {
  const session = await open(example, number);
  const input = new Tensor('float32', Float32Array.from(rows.flat()), [rows.length, ...rowShape]);
  const results = await session.run({ [session.inputNames[0] ?? '']: input }, [output]);
  const values = Array.from<unknown>(results[output]?.data ?? []);
  return values.map((value) => (typeof value === 'bigint' ? Number(value) : value));
}

function regressionMetrics(predicted: unknown[], actual: unknown[]): Record<string, number> {
  const errors = actual.map((value, index) => Number(value) - Number(predicted[index]));
  const squares = sum(errors.map((error) => error ** 2));
  const mean = sum(actual.map(Number)) / actual.length;
  return {
    mae: sum(errors.map(Math.abs)) / errors.length,
    rmse: Math.sqrt(squares / errors.length),
    r2: 1 - squares / sum(actual.map((value) => (Number(value) - mean) ** 2)),
  };
}

/** Recall and F1 of the positive class, or averaged over all classes when none is positive. */
function classMetrics(predicted: unknown[], actual: unknown[], positive: unknown): Record<string, number> {
  const classes = positive === undefined ? [...new Set(actual)] : [positive];
  const perClass = classes.map((name) => {
    const hits = actual.filter((value, index) => value === name && predicted[index] === name).length;
    const [real, claimed] = [actual, predicted].map((values) => values.filter((value) => value === name).length);
    return { recall: hits / (real ?? 0), f1: (2 * hits) / ((real ?? 0) + (claimed ?? 0)) };
  });
  return {
    accuracy: actual.filter((value, index) => value === predicted[index]).length / actual.length,
    recall: sum(perClass.map((one) => one.recall)) / classes.length,
    f1: sum(perClass.map((one) => one.f1)) / classes.length,
  };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The row of a version in the metrics table of the example's README. */
function readmeMetrics(example: Example, number: number): Record<string, number> {
  const table =
    text(join(example.request, '..', 'README.md'))
      .split('<!-- metrics -->')[1]
      ?.trim()
      .split('\n') ?? [];
  const cells = (line: string | undefined) =>
    (line ?? '')
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -2);
  const names = cells(table[0]).slice(1);
  const values = cells(table[1 + number]);
  expect(values[0]).toBe(String(number));
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index + 1])]));
}
