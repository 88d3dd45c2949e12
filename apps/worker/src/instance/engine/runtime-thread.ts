import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SlipwayError } from '@slipway/contracts';
import { type Tensor, toRunError } from '@slipway/inference';
import type { EnginePlan } from './engine.js';
import { loadModel } from './load-model.js';
import { dataBuffers, type ThreadCommand, type ThreadEvent } from './thread-messages.js';

/** The thread of a model whose runs take long enough to be worth the way here and back. Loads, tells, runs what it is told. */
function main(port: MessagePort, plan: EnginePlan): void {
  const tell = (event: ThreadEvent, outputs: readonly Tensor[] = []) => port.postMessage(event, dataBuffers(outputs));
  try {
    const { session, warmUp } = loadModel(plan);
    port.on('message', ({ inputs, names }: ThreadCommand) => {
      const startedAt = performance.now();
      try {
        const outputs = session.run(inputs, names);
        tell({ kind: 'result', outputs, computeMicros: Math.round((performance.now() - startedAt) * 1e3) }, outputs);
      } catch (error) {
        const { code, message } = toRunError(error);
        tell({ kind: 'error', code, message });
      }
    });
    tell({ kind: 'loaded', warmUp });
  } catch (error) {
    const { code, message } = error instanceof SlipwayError ? error : new SlipwayError('ARTEFACT_REFUSED', String(error));
    tell({ kind: 'refused', code, message });
  }
}

if (parentPort !== null) main(parentPort, workerData);
