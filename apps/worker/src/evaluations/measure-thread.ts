import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { SlipwayError, Task } from '@slipway/contracts';
import { type AnsweredRows, arrangeRows, encodePredictions, measureRows } from '@slipway/metrics';
import type { MeasureOrder, MeasureReply } from './measure-in-thread.js';

// On Linux this is of the calling thread alone.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const order: MeasureOrder = workerData;
parentPort?.postMessage(measure(order));

function measure({ task, answered, ids, rowNumbers }: MeasureOrder): MeasureReply {
  try {
    const arranged = arrangeRows(Task.parse(task), answered satisfies AnsweredRows);
    return { ok: true, result: measureRows(arranged), file: encodePredictions({ arranged, rowNumbers, ids }) };
  } catch (error) {
    if (error instanceof SlipwayError) return { ok: false, reason: error.message };
    throw error;
  }
}
