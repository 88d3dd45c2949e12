import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from './tally.mjs';
import { valuesOfJson } from './tensors.mjs';

const figure = 'the product itself';
/** Sent as input at the beginning and looked for at the end. */
const secret = 'lighthouse-keeper-7731-never-to-be-logged';

/** What must be the same, and what must not be found, after everything that was sent in between. */
export class Aftermath {
  constructor(shelf) {
    this.shelf = shelf;
    this.pids = this.readPids();
  }

  readPids() {
    const { product } = this.shelf;
    return Object.fromEntries(['api', 'worker', 'postgres'].map((name) => [name, product.pidOf(name)]));
  }

  /** Sends the secret in requests that are answered and in requests that are refused. */
  async plant(model) {
    const tensor = (name) => ({ name, datatype: 'BYTES', shape: [1, 16], values: valuesOfJson('BYTES', new Array(16).fill(secret)) });
    await this.shelf.infer(model, [tensor('INPUT0')], 'REST JSON');
    await this.shelf.infer(model, [tensor('INPUT0')], 'gRPC raw');
    await this.shelf.infer(model, [tensor(`not ${secret.length}`)], 'REST binary');
    await this.shelf.infer(
      model,
      [{ ...tensor('INPUT0'), datatype: 'FP32' }].map((odd) => ({ ...odd, values: [1] })),
      'REST JSON',
    );
  }

  async conclude() {
    await attempt(figure, 'api, worker and database are the processes they were', async () => {
      const now = this.readPids();
      const changed = Object.keys(this.pids).find((name) => now[name] !== this.pids[name]);
      return changed === undefined ? undefined : `${changed} was ${this.pids[changed]} and is ${now[changed]}`;
    });
    await attempt(figure, 'no input is in a log', async () => {
      const folder = join(this.shelf.product.home, 'logs');
      const files = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()) : [];
      if (files.length === 0) return 'there are no logs to look into';
      const found = files.find(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(secret));
      return found === undefined ? undefined : `${found.name} holds an input`;
    });
  }
}
