import { createHash } from 'node:crypto';
import { type ObservedAnswer, observedRowsMax, type Task } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { predictedRows, topLabels } from './predicted-rows.js';

/** Labels per row that are named. */
const topLabelsMax = 20;
/** Of larger outputs only so many bytes are hashed. */
const hashedBytesMax = 1024 * 1024;

/**
 * What an answer predicted, for comparing two versions on one request: the predicted rows as the version's task says, else a hash over the
 * outputs, by which answers can be told equal and nothing more.
 * @param answered the outputs that the caller asked for.
 * @param outputs these and the ones that the task names.
 */
export function observeAnswer(task: Task | undefined, answered: readonly Tensor[], outputs: readonly Tensor[], rows: number): ObservedAnswer {
  const seen = Math.min(rows, observedRowsMax);
  const predicted = task === undefined ? {} : predictedRows(task, outputs, seen);
  if (task === undefined || predicted.p === undefined) return { h: hashOf(answered) };
  const top = topLabels(task, outputs, seen, topLabelsMax);
  return top === undefined ? predicted : { ...predicted, k: top };
}

function hashOf(outputs: readonly Tensor[]): string {
  const hash = createHash('sha256');
  let left = hashedBytesMax;
  for (const { name, datatype, shape, data } of outputs) {
    hash.update(JSON.stringify([name, datatype, shape]));
    const bytes = ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(JSON.stringify(data));
    hash.update(bytes.subarray(0, left));
    left = Math.max(0, left - bytes.length);
  }
  return hash.digest('base64');
}
