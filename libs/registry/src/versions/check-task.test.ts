import type { Task } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { signature } from '../testing/registry-fixture.js';
import { checkTask } from './check-task.js';

const binary: Task = { kind: 'binary', predictionOutput: 'label', scoreOutput: 'scores', classes: ['no', 'yes'], rowAxis: 0 };

it.each<{ name: string; task: Task; outputs?: typeof signature.outputs; says?: string }>([
  { name: 'takes a binary task with two scores', task: binary },
  { name: 'takes scores alone', task: { kind: 'binary', scoreOutput: 'scores', classes: [0, 1], rowAxis: 0 } },
  { name: 'takes a task of another kind without outputs', task: { kind: 'other', rowAxis: null } },
  { name: 'takes a regression with its output', task: { kind: 'regression', predictionOutput: 'scores', rowAxis: 0 } },
  {
    name: 'takes one score column for two classes',
    task: { kind: 'binary', scoreOutput: 'p', classes: [0, 1], rowAxis: 0 },
    outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 1] }],
  },
  {
    name: 'takes any number of classes when the columns are dynamic',
    task: { kind: 'multiclass', scoreOutput: 'p', classes: ['a', 'b', 'c'], rowAxis: 0 },
    outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, -1] }],
  },
  {
    name: 'refuses an output that is not there',
    task: { ...binary, predictionOutput: 'lable' },
    says: 'predictionOutput: the model has no output "lable"; it has "label", "scores"',
  },
  {
    name: 'refuses too many classes',
    task: { ...binary, kind: 'multiclass', classes: ['a', 'b', 'c'] },
    says: '"scores" has 2 scores per row; 3 classes were given',
  },
  { name: 'refuses a binary task with three classes', task: { ...binary, classes: ['a', 'b', 'c'] }, says: 'a binary task has 2; 3 given' },
  { name: 'refuses a class named twice', task: { ...binary, classes: ['a', 'a'] }, says: 'each class is named once' },
  { name: 'refuses a positive class that is none', task: { ...binary, positiveClass: 'maybe' }, says: 'expected one of "no", "yes"; given "maybe"' },
  { name: 'refuses a positive class of many', task: { ...binary, kind: 'multiclass', positiveClass: 'yes' }, says: 'only a binary task has one' },
  { name: 'refuses a classifier without outputs', task: { kind: 'multiclass', rowAxis: 0 }, says: 'needs predictionOutput or scoreOutput' },
  {
    name: 'refuses a regression by scores',
    task: { kind: 'regression', scoreOutput: 'scores', rowAxis: 0 },
    says: 'a regression task needs predictionOutput',
  },
  {
    name: 'refuses classes of a regression',
    task: { kind: 'regression', predictionOutput: 'label', classes: [1, 2], rowAxis: 0 },
    says: 'a regression task has none',
  },
  { name: 'refuses a row axis beyond the rank', task: { ...binary, rowAxis: 1 }, says: '"label" has 1 dimensions; axis 1 was given' },
])('$name', ({ task, outputs, says }) => {
  const problems = checkTask(task, { outputs: outputs ?? signature.outputs }).join('; ');
  if (says === undefined) expect(problems).toBe('');
  else expect(problems).toContain(says);
});
