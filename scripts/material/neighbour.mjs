import { Load } from '../verify/load.mjs';
import { inferRequest, send } from './rest.mjs';
import { judge } from './tally.mjs';
import { filledTensor } from './tensors.mjs';

const everyMs = 100;

/** Asks another deployment for predictions, and the API whether it lives, ten times a second: nothing that happens beside them may show. */
export class Neighbour {
  constructor(shelf, name, inputs) {
    const { url, key } = shelf.product;
    const { body } = inferRequest(
      inputs.map((input) => filledTensor(input, 1)),
      'json',
    );
    this.health = { asked: 0, failed: 0 };
    this.load = new Load({ url, key, path: `/v2/models/${name}/infer`, body, ratePerSecond: 1000 / everyMs }).start();
    this.timer = setInterval(() => void this.look(`${url}/v2/health/live`), everyMs);
  }

  async look(url) {
    this.health.asked += 1;
    const answer = await send(url, { timeoutMs: 10_000 }).catch(() => undefined);
    if (answer?.status !== 200) this.health.failed += 1;
  }

  /** Ends the probes and judges them. */
  async conclude(group) {
    clearInterval(this.timer);
    await this.load.stop();
    const { failures, history } = this.load;
    judge(
      group,
      `neighbour: ${failures.length} of ${history.length} predictions failed`,
      history.length > 0 ? faultOf(failures.length, this.load.outcomes()) : 'none was answered',
    );
    judge(
      group,
      `health/live: ${this.health.failed} of ${this.health.asked} probes failed`,
      faultOf(this.health.failed, 'not answered with 200 within 10 s'),
    );
  }
}

function faultOf(failed, why) {
  return failed === 0 ? undefined : why;
}
