import { parentPort, workerData } from 'node:worker_threads';
import { SlipwayError } from '@slipway/contracts';
import type { SampleCommand, SampleEvent, SampleThreadData } from './sample-messages.js';
import { sealSample } from './seal-sample.js';

/** The thread in which kept requests are read, redacted and encrypted: none of it may take time from those that are being answered. */
const { masterKey }: SampleThreadData = workerData;

function answer({ number, order }: SampleCommand): SampleEvent {
  try {
    return { number, kind: 'sealed', sample: sealSample(order, masterKey) };
  } catch (error) {
    // A message may quote the request.
    return { number, kind: 'failed', reason: error instanceof SlipwayError ? error.code : 'INTERNAL' };
  }
}

parentPort?.on('message', (command: SampleCommand) => parentPort?.postMessage(answer(command)));
