import { createHash } from 'node:crypto';
import type { Signature, Task } from '@slipway/contracts';
import { fromFloat16, type Tensor } from '@slipway/inference';
import type { ProbedAnswer } from '@slipway/metrics/noise';
import { predictedRows } from '../predicted-rows.js';

/** Values of an answer that are compared; of a larger one so many, evenly spread. */
const comparedValues = 1024;
const hashedLabel = 256;

/** The outputs that an answer is compared by: those of the task, else all of them. */
export function comparedOutputs({ outputs }: Signature, task: Task | undefined): readonly string[] {
  const names = outputs.map(({ name }) => name);
  if (task === undefined || task.kind === 'other') return names;
  const own = names.filter((name) => name === task.predictionOutput || name === task.scoreOutput);
  return own.length === 0 ? names : own;
}

/**
 * What a run said of one sample: the scores of all classes, the value of a regression, or else all numbers of the outputs; and the predicted class
 * of a classification. Of outputs without numbers the text, or a hash of it, is the label.
 */
export function probedAnswer(task: Task | undefined, outputs: readonly Tensor[], most = comparedValues): ProbedAnswer {
  const isClassifier = task?.kind === 'binary' || task?.kind === 'multiclass';
  const label = isClassifier ? (predictedRows(task, outputs, 1).p?.[0] ?? null) : null;
  const scores = isClassifier ? outputs.filter(({ name }) => name === task.scoreOutput) : outputs;
  const values = numbersOf(scores, most);
  return values.length === 0 && label === null ? { values, label: labelOf(outputs) } : { values, label };
}

function numbersOf(outputs: readonly Tensor[], most: number): number[] {
  const numeric = outputs.filter(({ datatype }) => datatype !== 'BYTES');
  const total = numeric.reduce((sum, { data }) => sum + data.length, 0);
  const step = Math.max(1, Math.ceil(total / most));
  const values: number[] = [];
  let before = 0;
  for (const { datatype, data } of numeric) {
    for (let at = (step - (before % step)) % step; at < data.length; at += step) {
      const value = Number(data[at]);
      values.push(datatype === 'FP16' ? fromFloat16(value) : value);
    }
    before += data.length;
  }
  return values;
}

function labelOf(outputs: readonly Tensor[]): string | null {
  const texts = outputs.filter(({ datatype }) => datatype === 'BYTES').map(({ data }) => [...data].map(String));
  if (texts.length === 0) return null;
  const text = JSON.stringify(texts);
  return text.length <= hashedLabel ? text : createHash('sha256').update(text).digest('base64');
}
