import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Signature } from '@slipway/contracts';
import { linearModel, loopModel } from '@slipway/inference/testing';
import type { Segment } from '@slipway/tables';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EvaluationFailure, type ModelProcessOptions } from './model-process.js';
import { RowScorer } from './row-scorer.js';

const program = fileURLToPath(new URL('../../dist/evaluations/run-model.js', import.meta.url));
const loops: Signature = { inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [] }] };
const lines: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-scorer-'));
  await writeFile(join(folder, 'loops.onnx'), loopModel());
  await writeFile(join(folder, 'lines.onnx'), linearModel(1));
  await writeFile(join(folder, 'broken.onnx'), 'no model');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = (file: string, signature: Signature, more: Partial<ModelProcessOptions> = {}): ModelProcessOptions => ({
  program,
  spec: {
    modelPath: join(folder, file),
    digest: 'ab'.repeat(32),
    signature,
    task: { kind: 'regression', predictionOutput: 'y', rowAxis: 0 },
    intraOpThreads: 1,
  },
  loadLimitMs: 30_000,
  runLimitMs: 10_000,
  memoryLimitBytes: 2 * 1024 ** 3,
  signal: new AbortController().signal,
  ...more,
});
const turnsOf = (turns: readonly number[]): Segment => ({
  rows: turns.map((_, index) => index),
  inputs: [{ name: 'turns', datatype: 'INT64', rowShape: [], data: Buffer.from(BigInt64Array.from(turns, BigInt).buffer) }],
});
const never = 4_000_000_000;

it('answers rows in their order, in as many runs as it takes', async () => {
  const scorer = new RowScorer(options('lines.onnx', lines), { hasRows: true, maxRows: 3 });
  const data = Buffer.from(Float32Array.from({ length: 14 }, (_, index) => index).buffer);
  const segment: Segment = { rows: [0, 1, 2, 3, 4, 5, 6], inputs: [{ name: 'x', datatype: 'FP32', rowShape: [2], data }] };
  const rows = await scorer.score(segment, (place) => place + 1);
  await scorer.close();
  expect(rows.map((row) => row.prediction)).toEqual(Array.from({ length: 7 }, (_, row) => 2 * row + 2 * (2 * row + 1) + 1));
  expect(scorer.runMsPerRow).toBeGreaterThan(0);
  expect(scorer.errors).toEqual([]);
});

it('a row on which the model never ends has no answer, and the others have theirs', async () => {
  const scorer = new RowScorer(options('loops.onnx', loops, { runLimitMs: 1_000 }), { hasRows: false, maxRows: 1 });
  const rows = await scorer.score(turnsOf([1, never, 2]), (place) => place + 1);
  await scorer.close();
  expect(rows.map((row) => row.prediction === null)).toEqual([false, true, false]);
  expect(scorer.errors).toEqual([{ row: 2, message: 'the model did not answer within 1 s on this row' }]);
});

it('gives up after five such rows', async () => {
  const scorer = new RowScorer(options('loops.onnx', loops, { runLimitMs: 200 }), { hasRows: false, maxRows: 1 });
  await expect(scorer.score(turnsOf(new Array<number>(7).fill(never)), (place) => place + 1)).rejects.toThrow("6 rows ended the model's process");
  await scorer.close();
  expect(scorer.errors).toHaveLength(6);
});

it('what cannot be loaded fails with a reason, and what is called off ends at once', async () => {
  const broken = new RowScorer(options('broken.onnx', loops), { hasRows: false, maxRows: 1 });
  await expect(broken.score(turnsOf([1]), () => 1)).rejects.toBeInstanceOf(EvaluationFailure);
  const ending = new AbortController();
  const hung = new RowScorer(options('loops.onnx', loops, { signal: ending.signal, runLimitMs: 60_000 }), { hasRows: false, maxRows: 1 });
  const scored = hung.score(turnsOf([never]), () => 1);
  setTimeout(() => ending.abort(new Error('called off')), 300);
  await expect(scored).rejects.toThrow('called off');
  await hung.close();
});
