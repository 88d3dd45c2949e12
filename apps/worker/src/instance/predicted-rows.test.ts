import type { Task } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { describe, expect, it } from 'vitest';
import { predictedRows, rowsOf } from './predicted-rows.js';

const labels: Tensor = { name: 'label', datatype: 'INT64', shape: [2], data: BigInt64Array.of(1n, 0n) };
const scores: Tensor = { name: 'p', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(0.25, 0.75, 0.5, 0.5) };
const single: Tensor = { name: 'p', datatype: 'FP32', shape: [2, 1], data: Float32Array.of(0.75, 0.25) };

describe('predictedRows', () => {
  it.each<{ name: string; task: Task; outputs: Tensor[]; rows: object }>([
    {
      name: 'a label with scores',
      task: { kind: 'binary', predictionOutput: 'label', scoreOutput: 'p', rowAxis: 0 },
      outputs: [scores, labels],
      rows: { p: [1, 0], s: [0.75, 0.5] },
    },
    {
      name: 'scores alone, named classes',
      task: { kind: 'multiclass', scoreOutput: 'p', classes: ['a', 'b'], rowAxis: 0 },
      outputs: [scores],
      rows: { p: ['b', 'a'], s: [0.75, 0.5] },
    },
    {
      name: 'an index into named classes',
      task: { kind: 'multiclass', predictionOutput: 'label', classes: ['a', 'b'], rowAxis: 0 },
      outputs: [labels],
      rows: { p: ['b', 'a'], s: [null, null] },
    },
    { name: 'one score per row', task: { kind: 'binary', scoreOutput: 'p', rowAxis: 0 }, outputs: [single], rows: { p: [1, 0], s: [0.75, 0.25] } },
    {
      name: 'the positive class by name',
      task: { kind: 'binary', scoreOutput: 'p', classes: ['bad', 'good'], positiveClass: 'bad', rowAxis: 0 },
      outputs: [scores],
      rows: { p: ['good', 'bad'], s: [0.25, 0.5] },
    },
    {
      name: 'a value',
      task: { kind: 'regression', predictionOutput: 'p', rowAxis: 0 },
      outputs: [single],
      rows: { p: [0.75, 0.25], s: [null, null] },
    },
    {
      name: 'a value that is no number',
      task: { kind: 'regression', predictionOutput: 'p', rowAxis: 0 },
      outputs: [{ ...single, data: Float32Array.of(Number.NaN, 1) }],
      rows: { p: [null, 1], s: [null, null] },
    },
    {
      name: 'labels beyond 2^53 as texts',
      task: { kind: 'multiclass', predictionOutput: 'label', rowAxis: 0 },
      outputs: [{ ...labels, data: BigInt64Array.of(9007199254740993n, 2n) }],
      rows: { p: ['9007199254740993', 2], s: [null, null] },
    },
    { name: 'no task to speak of', task: { kind: 'other', rowAxis: 0 }, outputs: [single], rows: {} },
    { name: 'an output that was not asked for', task: { kind: 'regression', predictionOutput: 'q', rowAxis: 0 }, outputs: [single], rows: {} },
  ])('$name', ({ task, outputs, rows }) => {
    expect(predictedRows(task, outputs, 2)).toEqual(rows);
  });
});

describe('rowsOf', () => {
  it('counts along the row axis, and says 1 where there is none', () => {
    expect(rowsOf([scores], 0)).toBe(2);
    expect(rowsOf([scores], null)).toBe(1);
    expect(rowsOf([], 0)).toBe(1);
  });
});
