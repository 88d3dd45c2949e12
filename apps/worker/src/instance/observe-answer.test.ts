import { observedRowsMax, type Task } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { describe, expect, it } from 'vitest';
import { isOutOfRange } from './is-out-of-range.js';
import { observeAnswer } from './observe-answer.js';

const scores = (rows: number[][]): Tensor => ({
  name: 'scores',
  datatype: 'FP32',
  shape: [rows.length, rows[0]?.length ?? 0],
  data: Float32Array.from(rows.flat()),
});
const multiclass: Task = { kind: 'multiclass', scoreOutput: 'scores', classes: ['a', 'b', 'c'], rowAxis: 0 };

describe('observeAnswer', () => {
  it('names the predicted label, its score, and the labels by falling score', () => {
    const outputs = [scores([[0.25, 0.5, 0.125]])];
    expect(observeAnswer(multiclass, outputs, outputs, 1)).toEqual({ p: ['b'], s: [0.5], k: [['b', 'a', 'c']] });
  });

  it('reads what the task names also where the caller asked for something else', () => {
    const other: Tensor = { name: 'other', datatype: 'FP32', shape: [1], data: Float32Array.of(1) };
    expect(observeAnswer(multiclass, [other], [other, scores([[1, 0, 0]])], 1).p).toEqual(['a']);
  });

  it('says no more than the bound of rows', () => {
    const outputs = [scores(Array.from({ length: observedRowsMax + 1 }, () => [1, 0, 0]))];
    expect(observeAnswer(multiclass, outputs, outputs, observedRowsMax + 1).p).toHaveLength(observedRowsMax);
  });

  it('can tell equal answers from others without a task', () => {
    const [one, same, other] = [[[1, 2]], [[1, 2]], [[1, 3]]].map((rows) => observeAnswer(undefined, [scores(rows)], [], 1));
    expect(one?.h).toBeDefined();
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
    expect(one?.p).toBeUndefined();
  });
});

describe('isOutOfRange', () => {
  const outputs = [scores([[0, 0.5, 1]])];
  it.each([
    { name: 'inside, edges included', range: { output: 'scores', min: 0, max: 1 }, out: false },
    { name: 'above', range: { output: 'scores', max: 0.75 }, out: true },
    { name: 'below', range: { output: 'scores', min: 0.25 }, out: true },
    { name: 'of an output that is not there', range: { output: 'other', max: 0 }, out: false },
  ])('$name', ({ range, out }) => {
    expect(isOutOfRange([range], outputs)).toBe(out);
  });

  it('looks at half precision by its value, and not at texts', () => {
    const half: Tensor = { name: 'y', datatype: 'FP16', shape: [1], data: Uint16Array.of(0x4000) };
    const text: Tensor = { name: 'y', datatype: 'BYTES', shape: [1], data: ['9'] };
    expect(isOutOfRange([{ output: 'y', max: 2 }], [half])).toBe(false);
    expect(isOutOfRange([{ output: 'y', max: 1.5 }], [half])).toBe(true);
    expect(isOutOfRange([{ output: 'y', max: 1.5 }], [text])).toBe(false);
  });
});
