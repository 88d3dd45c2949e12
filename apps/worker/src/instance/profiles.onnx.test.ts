import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile, Signature, Task } from '@slipway/contracts';
import type { InferReply } from '@slipway/inference';
import { linearModel, loopModel, waitUntil } from '@slipway/inference/testing';
import { bareLayout, decodeProfile, ProfileSum } from '@slipway/metrics/profiles';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { profileFileOf, readRowCounts, splitHeaded, TotalsHead } from './profile-files.js';
import { readyInstance, type SpecParts, type TestInstance } from './testing/start-instance.js';

const linear: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
const regression: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };
const watched = { monitoring: { profiles: true } };
const examples = new URL('../../../../examples/', import.meta.url);

let open: TestInstance[] = [];
afterEach(async () => {
  await Promise.all(open.map((instance) => instance.stop()));
  open = [];
});
async function ready(model: Buffer, parts: SpecParts): Promise<TestInstance> {
  const instance = await readyInstance(model, { ...watched, ...parts });
  open.push(instance);
  return instance;
}

function filesOf({ spec }: TestInstance, kind: 'rows' | 'totals'): Buffer[] {
  return readdirSync(spec.spoolFolder)
    .filter((name) => profileFileOf(name)?.kind === kind)
    .map((name) => readFileSync(join(spec.spoolFolder, name)));
}
/** Everything that the instance has written down. */
function profileOf(instance: TestInstance): Profile {
  const { signature, task } = instance.spec;
  const sum = new ProfileSum(bareLayout(signature, task ?? undefined).id);
  for (const bytes of filesOf(instance, 'totals')) sum.add(decodeProfile(splitHeaded(TotalsHead, bytes).body));
  return sum.toProfile();
}
const answered = (replies: readonly InferReply[]) => replies.reduce((rows, reply) => rows + (reply.kind === 'result' ? reply.rows : 0), 0);
const HeldOutRow = z.object({ inputs: z.record(z.string(), z.array(z.number())) });
/** The first rows of a file, all of one input. */
function heldOut(file: URL): { tensor: string; held: number[][] } {
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(0, 192);
  const rowsOfInput = lines.flatMap((line) => Object.entries(HeldOutRow.parse(JSON.parse(line)).inputs));
  return { tensor: rowsOfInput[0]?.[0] ?? '', held: rowsOfInput.map(([, row]) => row) };
}
const rows = (...values: number[][]): string =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [values.length, 2], datatype: 'FP32', data: values.flat() }] });

describe('the profile of an instance', () => {
  it('counts each row of each live request, alone or joined, JSON or binary, and nothing else', async () => {
    const instance = await ready(linearModel(), {
      ...{ signature: linear, task: regression, batching: { isOn: true, maxBatchSize: 8, maxDelayMs: 1 } },
      limits: { maxQueue: 500, maxOutputElements: 1000, maxInputElements: 1000, maxBodyBytes: 1 << 20 },
    });
    const json = Array.from({ length: 100 }, (_, index) => instance.infer(rows(...Array.from({ length: 1 + (index % 3) }, () => [index, 1]))));
    const head = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }] });
    const body = Buffer.concat([Buffer.from(head), Buffer.from(Float32Array.of(500, 1).buffer)]);
    const binary = Array.from({ length: 20 }, () => instance.infer(body, { inferenceHeaderContentLength: head.length }));
    const others = (['shadow', 'probe', 'batch'] as const).map((kind) => instance.infer(rows([9_999, 1]), { kind }));
    const bad = instance.infer('{"inputs":[]}');
    const live = await Promise.all([...json, ...binary]);
    await Promise.all([...others, bad]);
    const wanted = answered(live);
    expect(wanted).toBe(219);
    await waitUntil(() => profileOf(instance).rows === wanted, 'all rows are written down');
    const [first, second, predicted] = profileOf(instance).columns;
    expect(first).toMatchObject({ n: wanted, missing: 0, min: 0, max: 500 });
    expect(second).toMatchObject({ n: wanted, mean: 1, m2: 0 });
    expect(predicted).toMatchObject({ n: wanted, missing: 0 });
  });

  it('counts the inputs of runs that a thread makes, which takes their memory', async () => {
    const signature: Signature = {
      inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [] }],
    };
    const instance = await ready(loopModel(), { signature, runMs: 50 });
    const ask = (count: number) => instance.infer(JSON.stringify({ inputs: [{ name: 'turns', shape: [], datatype: 'INT64', data: [count] }] }));
    const replies = await Promise.all([1, 2, 3, 4].map(ask));
    expect(answered(replies)).toBe(4);
    await waitUntil(() => profileOf(instance).rows === 4, 'all rows are written down');
    expect(profileOf(instance).columns[0]).toMatchObject({ n: 4, missing: 0, min: 1, max: 4, mean: 2.5 });
  });

  it('loses what a killed process had not written down, and knows to the row how much that is', async () => {
    const instance = await ready(linearModel(), { signature: linear, task: regression });
    await Promise.all(Array.from({ length: 30 }, () => instance.infer(rows([1, 1]))));
    await waitUntil(() => profileOf(instance).rows === 30, 'all rows are written down');
    const late = await Promise.all(Array.from({ length: 20 }, () => instance.infer(rows([2, 2]))));
    instance.child.kill('SIGKILL');
    await waitUntil(() => instance.child.signalCode !== null, 'the instance ends');
    const [counts] = filesOf(instance, 'rows').map(readRowCounts);
    expect(counts?.answered).toBe(30 + answered(late));
    // A second may have passed in between; never more is counted than was answered.
    expect([30, 50]).toContain(profileOf(instance).rows);
    expect(counts?.written).toBeLessThanOrEqual(profileOf(instance).rows);
  });

  it.each<{ name: string; file: string; rowShape: number[]; outputs: Signature['outputs']; task: Task }>([
    {
      name: 'medicine',
      file: 'diagnosis-v2.onnx',
      rowShape: [30],
      outputs: [
        { name: 'label', datatype: 'BYTES', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
      ],
      task: {
        ...{ kind: 'binary', predictionOutput: 'label', scoreOutput: 'probabilities', rowAxis: 0 },
        ...{ classes: ['benign', 'malignant'], positiveClass: 'malignant' },
      },
    },
    {
      name: 'vision',
      file: 'digits-v2.onnx',
      rowShape: [1, 8, 8],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 10] },
      ],
      task: { kind: 'multiclass', predictionOutput: 'label', scoreOutput: 'probabilities', rowAxis: 0, classes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
    },
    {
      name: 'logistics',
      file: 'bike-demand-v2.onnx',
      rowShape: [11],
      outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
      task: { kind: 'regression', predictionOutput: 'prediction', rowAxis: 0 },
    },
  ])('of $name is that of its held-out rows and of the answers to them', async ({ name, file, rowShape, outputs, task }) => {
    const folder = new URL(`${name}/`, examples);
    const { tensor, held } = heldOut(new URL('heldout.ndjson', folder));
    const signature: Signature = { inputs: [{ name: tensor, datatype: 'FP32', shape: [-1, ...rowShape] }], outputs };
    const instance = await ready(readFileSync(new URL(file, folder)), {
      ...{ signature, task, limits: { maxQueue: 64, maxOutputElements: 100_000, maxInputElements: 100_000, maxBodyBytes: 1 << 20 } },
    });
    const replies: InferReply[] = [];
    for (let from = 0; from < held.length; from += 16) {
      const values = held.slice(from, from + 16);
      replies.push(
        await instance.infer(JSON.stringify({ inputs: [{ name: tensor, shape: [16, ...rowShape], datatype: 'FP32', data: values.flat() }] })),
      );
    }
    await waitUntil(() => profileOf(instance).rows === held.length, 'all rows are written down');
    const profile = profileOf(instance);
    const layout = bareLayout(signature, task);
    const column = (wanted: string) => profile.columns[layout.columns.findIndex((each) => each.name === wanted)];
    for (const index of [0, rowShape.reduce((product, size) => product * size, 1) - 1]) {
      const own = held.map((row) => Math.fround(row[index] ?? Number.NaN));
      expect(column(`${tensor}[${index}]`)).toMatchObject({ n: held.length, missing: 0, min: Math.min(...own), max: Math.max(...own) });
    }
    const answers = replies.flatMap((reply) =>
      reply.kind === 'result' ? (JSON.parse(reply.body.toString('utf8')).outputs as { name: string; data: (string | number)[] }[]) : [],
    );
    const predicted = answers.filter((output) => output.name === task.predictionOutput).flatMap(({ data }) => data);
    expect(predicted).toHaveLength(held.length);
    if (task.kind === 'regression')
      expect(column('@prediction')?.mean).toBeCloseTo(predicted.reduce<number>((sum, each) => sum + Number(each), 0) / 192, 4);
    else expect(column('@prediction')?.bins).toEqual([...(task.classes ?? []).map((label) => predicted.filter((each) => each === label).length), 0]);
    if (task.kind !== 'regression') expect(column('@score')).toMatchObject({ n: held.length, missing: 0 });
  });
});
