import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReferenceBody, Signature, Task } from '@slipway/contracts';
import type { InspectResult } from '@slipway/inference';
import { floats, gatherModel, linearModel, writeModel } from '@slipway/inference/testing';
import type { Segment } from '@slipway/tables';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect } from '../inspect/inspect.js';
import { measuredRows, measureNoiseApart, SampledRows } from './measure-noise.js';

const program = fileURLToPath(new URL('../../dist/evaluations/run-model.js', import.meta.url));
const examples = fileURLToPath(new URL('../../../../examples/', import.meta.url));
const lines: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
const regression: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-noise-'));
  await writeFile(join(folder, 'lines.onnx'), linearModel(1));
  await writeFile(join(folder, 'random.onnx'), randomModel());
  await writeFile(join(folder, 'table.onnx'), gatherModel());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** y = x0 + 2·x1 plus what a random generator draws in every run. */
function randomModel(): Buffer {
  return writeModel({
    graph: {
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
        { op: 'RandomNormalLike', inputs: ['xw'], outputs: ['noise'] },
        { op: 'Add', inputs: ['xw', 'noise'], outputs: ['y'] },
      ],
      initializers: [floats('w', [2, 1], [1, 2])],
      inputs: [{ name: 'x', dims: ['rows', 2] }],
      outputs: [{ name: 'y', dims: ['rows', 1] }],
    },
  });
}

/** A reference in which every value of the first input spreads by so much, and those of the second by nothing. */
function reference(tensor: string, spread: number): Pick<ReferenceBody, 'layout' | 'columns'> {
  const quantiles = (iqr: number) => ({
    quantiles: { p05: -iqr, p25: 0, p50: iqr / 2, p75: iqr, p95: 2 * iqr },
    sd: iqr,
    distinct: 9,
    importance: null,
  });
  const column = (index: number) => ({ name: `${tensor}[${index}]`, side: 'input' as const, tensor, index, kind: 'numeric' as const });
  return { layout: { id: 'a', columns: [column(0), column(1)] }, columns: [quantiles(spread), quantiles(0)] };
}

function segment(rows: number): Segment {
  const data = Buffer.from(Float32Array.from({ length: 2 * rows }, (_, at) => 10 + at).buffer);
  return { rows: Array.from({ length: rows }, (_, row) => row), inputs: [{ name: 'x', datatype: 'FP32', rowShape: [2], data }] };
}

async function measure(file: string, { signature = lines, task = regression, given = segment(40), tensor = 'x' } = {}) {
  const sampled = new SampledRows(true);
  sampled.add(given);
  const spec = { modelPath: join(folder, file), digest: 'ab'.repeat(32), signature, task, intraOpThreads: 1 };
  const signal = new AbortController().signal;
  return measureNoiseApart(
    { program, spec, loadLimitMs: 30_000, runLimitMs: 10_000, memoryLimitBytes: 2 * 1024 ** 3, signal },
    { samples: sampled.samples, reference: reference(tensor, 100), limitMs: 10_000 },
  );
}

/** In a folder of its own, as every version has one. */
async function inspectAlone(file: string): Promise<InspectResult> {
  const own = await mkdtemp(join(folder, 'version-'));
  await copyFile(file, join(own, 'model.onnx'));
  return inspect({ modelPath: join(own, 'model.onnx'), digest: 'ab'.repeat(32), intraOpThreads: 1 }, () => undefined);
}

describe('the noise of a model on the rows of a reference', () => {
  it('is nothing for repetitions, and what the inputs make it for disturbances', async () => {
    const noise = await measure('lines.onnx');
    expect(noise?.['repeat']).toMatchObject({ n: 40, p50: 0, p95: 0, flipRatio: null });
    const { n, p50, p95 } = noise?.['jitter'] ?? { n: 0, p50: 0, p95: 0 };
    // x0 is disturbed by 2, so the first row, y = 10 + 22 + 1, is apart by 2/33; the last by 2/267.
    expect(n).toBe(40);
    expect(p50).toBeGreaterThan(0.004);
    expect(p95).toBeLessThan(0.15);
    expect(p95).toBeGreaterThan(p50);
  });

  it('shows a random model', async () => {
    const noise = await measure('random.onnx');
    expect(noise?.['repeat']?.p50).toBeGreaterThan(1e-3);
    expect(noise?.['repeat']?.bins?.[0]).toBe(0);
  });

  it('leaves out rows that the model does not take', async () => {
    const signature: Signature = { inputs: [{ name: 'i', datatype: 'INT64', shape: [-1] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }] };
    const data = Buffer.from(BigInt64Array.from([0n, 1n, 99n, 2n]).buffer);
    const given: Segment = { rows: [0, 1, 2, 3], inputs: [{ name: 'i', datatype: 'INT64', rowShape: [], data }] };
    expect(await measure('table.onnx', { signature, given, tensor: 'other' })).toMatchObject({ repeat: { n: 3, p95: 0 } });
  });

  it('is not there without a task, nor for a model that cannot be loaded', async () => {
    expect(await measure('lines.onnx', { task: { kind: 'other', rowAxis: 0 } })).toBeNull();
    expect(await measure('absent.onnx')).toBeNull();
  });

  it('is measured on a fair sample of many rows', () => {
    const sampled = new SampledRows(true);
    for (let at = 0; at < 10; at += 1) sampled.add(segment(100));
    expect(sampled.samples).toHaveLength(measuredRows);
  });
});

describe('the noise found when a version is validated', () => {
  it('of the example models is exactly nothing', async () => {
    const files = (await readdir(examples, { recursive: true })).filter((name) => name.endsWith('.onnx'));
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      const found = await inspectAlone(join(examples, file));
      expect(found, file).toMatchObject({ ok: true, footprint: { noise: { repeat: { n: 2, p50: 0, p95: 0 } } } });
    }
  });

  it('is told of a random model, in a sentence', async () => {
    const found = await inspectAlone(join(folder, 'random.onnx'));
    expect(found).toMatchObject({ ok: true, notes: [expect.stringContaining('The same input gets different answers')] });
  });
});
