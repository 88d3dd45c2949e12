import { Wire } from './grpc-wire.mjs';
import { walk } from './protobuf.mjs';
import { send } from './rest.mjs';

const serving = 1n;

/** What is wrong with the API's life; undefined when nothing is. */
export async function describeHealth(url, timeoutMs) {
  const { status } = await send(`${url}/v2/health/live`, { timeoutMs });
  return status === 200 ? undefined : `status ${status}`;
}

/** Asks `grpc.health.v1.Health/Check`. */
export class Health {
  constructor(port) {
    this.wire = new Wire(port);
  }

  async fault(timeoutMs) {
    const { code, details, messages } = await this.wire.call('/grpc.health.v1.Health/Check', [Buffer.alloc(0)], { timeoutMs });
    if (code !== 'OK') return `${code}: ${details}`;
    const status = walk(messages[0] ?? Buffer.alloc(0)).find(({ number }) => number === 1)?.content;
    return status === serving ? undefined : `the status is ${status}, not SERVING`;
  }

  close() {
    this.wire.close();
  }
}
