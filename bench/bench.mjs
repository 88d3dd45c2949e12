// One run: the programs that its cases share, and the order in which everything starts and stops.
import { idleCheck, observed } from './machine.mjs';
import { startProduct } from './product.mjs';
import { Report } from './report.mjs';
import { startBare } from './servers.mjs';

/** Deployments that stay for the whole run; those of a case end with it. */
const kept = ['tabular'];

export class Bench {
  #product;
  #bare = new Map();
  #deployed = new Map();
  /** To be stopped at the end of the case. */
  #started = [];

  /**
   * @param data a folder of labelled series, where one was given
   * @param estimates options of the case of that name
   */
  constructor({ isQuick, data, estimates }) {
    this.isQuick = isQuick;
    this.data = data;
    this.estimates = estimates;
    this.report = new Report({ isQuick });
    this.legs = isQuick ? { pairs: 3, seconds: 2, warmUpSeconds: 1 } : { pairs: 10, seconds: 3, warmUpSeconds: 3 };
  }

  /** Runs the cases one after the other; one that breaks off is a failure, and the next goes on. @returns whether all bars are met */
  async run(cases) {
    const leave = () => void this.#stop().finally(() => process.exit(130));
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, leave);
    try {
      await this.#checkIdle();
      for (const [name, work] of cases) await this.#runCase(name, work);
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, leave);
      await this.#stop();
    }
    return this.report.conclude();
  }

  /** The product, started by the first case that needs it. */
  product() {
    this.#product ??= startProduct();
    return this.#product;
  }

  /** A model deployed in the product, under a name of its own. */
  async deployed(name, model, options = {}) {
    if (!this.#deployed.has(name)) {
      const product = await this.product();
      const modelName = model.file.split('/').at(-1).replace('.onnx', '');
      await product.addModel(modelName, model.file);
      this.#deployed.set(name, await product.deploy(name, { model: modelName, ...options }));
    }
    return this.#deployed.get(name);
  }

  /** The plain server with a model. */
  async bare({ file }) {
    if (!this.#bare.has(file)) this.#bare.set(file, await this.start(startBare(file)));
    return this.#bare.get(file);
  }

  /** Takes charge of a program: it ends with the case. */
  async start(starting) {
    const server = await starting;
    this.#started.push(server);
    return server;
  }

  /** Does work that is not a leg of `compareRows`, and notes when others used the machine meanwhile. */
  async watched(what, work) {
    const { result, foreign, steal, isDisturbed } = await observed(work);
    if (isDisturbed) this.report.disturbed(`${what}: others took ${(foreign * 100).toFixed(0)} %, the host ${(steal * 100).toFixed(0)} %`);
    return result;
  }

  async #runCase(name, work) {
    const startedAt = performance.now();
    this.report.say(`\n${name}`);
    try {
      await work(this);
    } catch (error) {
      this.report.fault(`${name} broke off: ${error.message}`);
    }
    await this.#endCase();
    this.report.say(`  (${((performance.now() - startedAt) / 1000).toFixed(0)} s)`);
  }

  async #stop() {
    await this.#stopStarted();
    await this.#product?.then((product) => product.stop());
  }

  async #stopStarted() {
    await Promise.all(this.#started.splice(0).map((server) => server.stop()));
    this.#bare.clear();
  }

  async #endCase() {
    await this.#stopStarted();
    for (const name of this.#deployed.keys()) {
      if (kept.includes(name)) continue;
      this.#deployed.delete(name);
      await (await this.product()).remove(name);
    }
  }

  async #checkIdle() {
    const { foreign, steal, load, isDisturbed } = await idleCheck();
    const seen = `others use ${(foreign * 100).toFixed(1)} % of the cores, the host takes ${(steal * 100).toFixed(1)} %, load ${load.toFixed(2)}`;
    if (isDisturbed) this.report.disturbed(`before the start: ${seen}`);
    else this.report.say(`The machine is idle: ${seen}.`);
  }
}
