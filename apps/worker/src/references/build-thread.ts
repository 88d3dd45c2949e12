import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type ReferenceBody, SlipwayError, Task } from '@slipway/contracts';
import { arrangeRows, buildReference } from '@slipway/metrics';
import type { BuildOrder, BuildReply } from './build-in-thread.js';

// On Linux this is of the calling thread alone.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const order: BuildOrder = workerData;
parentPort?.postMessage(build(order));

function build({ task, gathered: { rows, labelled } }: BuildOrder): BuildReply {
  try {
    const known = task === undefined ? undefined : Task.parse(task);
    const arranged = labelled === undefined || known === undefined || known.kind === 'other' ? undefined : arrangeRows(known, labelled.answered);
    const body: ReferenceBody = buildReference({
      ...rows,
      labelled: arranged === undefined || labelled === undefined ? undefined : { arranged, places: labelled.places },
    });
    return { ok: true, body };
  } catch (error) {
    if (error instanceof SlipwayError) return { ok: false, reason: error.message };
    throw error;
  }
}
