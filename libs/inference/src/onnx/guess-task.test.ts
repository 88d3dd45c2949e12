import type { Signature, TensorSignature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { guessTask } from './guess-task.js';

const tensor = (name: string, datatype: TensorSignature['datatype'], ...shape: number[]): TensorSignature => ({ name, datatype, shape });
const given = (inputs: TensorSignature[], outputs: TensorSignature[]): Signature => ({ inputs, outputs });
const rows = tensor('x', 'FP32', -1, 30);
const image = tensor('pixels', 'FP32', -1, 3, 32, 32);

describe('guessTask', () => {
  it.each([
    {
      name: 'a classifier of scikit-learn without ZipMap',
      signature: given([rows], [tensor('output_label', 'INT64', -1), tensor('output_probability', 'FP32', -1, 2)]),
      hints: { classes: [0, 1] },
      task: { kind: 'binary', predictionOutput: 'output_label', scoreOutput: 'output_probability', classes: [0, 1], rowAxis: 0, positiveClass: 1 },
    },
    {
      name: 'text labels',
      signature: given([rows], [tensor('label', 'BYTES', -1), tensor('probabilities', 'FP32', -1, 3)]),
      hints: { classes: ['a', 'b', 'c'] },
      task: { kind: 'multiclass', predictionOutput: 'label', scoreOutput: 'probabilities', classes: ['a', 'b', 'c'], rowAxis: 0 },
    },
    {
      name: 'one value per row',
      signature: given([rows], [tensor('variable', 'FP32', -1, 1)]),
      hints: {},
      task: { kind: 'regression', predictionOutput: 'variable', rowAxis: 0 },
    },
    {
      name: 'one probability per row',
      signature: given([rows], [tensor('y', 'FP32', -1, 1)]),
      hints: { outputOperators: new Map([['y', 'Sigmoid']]) },
      task: { kind: 'binary', scoreOutput: 'y', rowAxis: 0 },
    },
    {
      name: 'an image classifier with named classes in its metadata',
      signature: given([image], [tensor('logits', 'FP32', -1, 3)]),
      hints: { properties: { names: '{"0":"cat","1":"dog","2":"owl"}' } },
      task: { kind: 'multiclass', scoreOutput: 'logits', classes: ['cat', 'dog', 'owl'], rowAxis: 0 },
    },
    {
      name: 'an old image classifier frozen at one row',
      signature: given([tensor('data', 'FP32', 1, 3, 224, 224)], [tensor('softmaxout_1', 'FP32', 1, 1000, 1, 1)]),
      hints: {},
      task: { kind: 'multiclass', scoreOutput: 'softmaxout_1', rowAxis: 0 },
    },
    {
      name: 'a detector',
      signature: given([image], [tensor('scores', 'FP32', -1, 4420, 2), tensor('boxes', 'FP32', -1, 4420, 4)]),
      hints: {},
      task: { kind: 'other', rowAxis: 0 },
    },
    {
      name: 'vectors out of vectors',
      signature: given([rows], [tensor('embedding', 'FP32', -1, 64)]),
      hints: {},
      task: { kind: 'other', rowAxis: 0 },
    },
    {
      name: 'integers without a hint',
      signature: given([tensor('x', 'INT64', -1)], [tensor('y', 'INT64', -1)]),
      hints: {},
      task: { kind: 'other', rowAxis: 0 },
    },
    {
      name: 'no rows',
      signature: given([tensor('x', 'FP32', 3, 4)], [tensor('y', 'FP32', 3, 4)]),
      hints: {},
      task: { kind: 'other', rowAxis: null },
    },
  ])('$name', ({ signature, hints, task }) => {
    expect(guessTask(signature, hints)).toEqual(task);
  });
});
