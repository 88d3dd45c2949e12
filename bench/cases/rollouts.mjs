// Deploys, promotions, aborts and rollbacks under load: what callers lose, how long a decision takes to hold, what neighbours feel, what stays in
// memory. All through /v1, as a person would do it.
import { Agent, request } from 'node:http';
import { denseStack } from '../models.mjs';
import { pssBytesOf, withDescendants } from '../process-cost.mjs';
import { until } from '../product.mjs';
import { alternate, judge } from './neighbours.mjs';

const small = 64;
/** 84 MB of weights. */
const large = { width: 2048, layers: 5 };
const everyMs = 10;
const withinMs = 60_000;
/** Traffic goes on for so long after a decision, so that a late straggler is seen. */
const afterMs = 1_500;

/** Nothing is lost, and what was decided holds soon, as long as the old revision is warm. */
export async function rollouts(bench) {
  const product = await bench.product();
  await addVersions(product, 'swapped', [denseStack('swapped-1', 1, small), denseStack('swapped-2', 2, small)]);
  const traffic = new Traffic(await product.deploy('swapped', { model: 'swapped' }), bodyOf(small));
  const effects = [];
  for (let round = 0; round < (bench.isQuick ? 3 : 10); round += 1) effects.push(...(await swapEveryWay(product, traffic)));
  await traffic.stop();
  await product.remove('swapped');
  const slowest = effects.toSorted((a, b) => b.seconds - a.seconds)[0];
  bench.report.say(
    `  ${traffic.entries.length} requests, ${effects.length} decisions; the slowest: ${slowest.what} in ${slowest.seconds.toFixed(3)} s`,
  );
  bench.report.figure('rolloutsWarm', slowest.seconds);
  const cold = await coldRollback(product, bench);
  const lost = [...traffic.lost, ...cold];
  for (const words of new Set(lost)) bench.report.say(`  lost: ${words}`);
  bench.report.figure('rolloutsLost', lost.length);
  await neighbourOfSwaps(bench, product);
  await memoryOfSwaps(bench, product);
}

/** Deploy and roll back; try and abort; try, promote and roll back. @returns how long each decision took to hold */
async function swapEveryWay(product, traffic) {
  const first = await servedRevision(product, 'swapped');
  const effects = [];
  await deploy(product, 'swapped', { version: 2, strategy: 'all-at-once' });
  effects.push(await decide(traffic, 'rollback', first, () => product.ask('POST', '/v1/deployments/swapped/rollback', {})));
  const halfway = { strategy: 'canary', stages: [{ kind: 'step', weightPercent: 50, minDurationSeconds: 600 }] };
  await onTrial(product, 'swapped', { version: 2, plan: halfway });
  effects.push(await decide(traffic, 'abort', first, () => product.ask('POST', '/v1/deployments/swapped/rollout/abort', {})));
  const candidate = await onTrial(product, 'swapped', { version: 2, plan: halfway });
  await product.ask('POST', '/v1/deployments/swapped/rollout/promote', {});
  await untilAllOn(product, 'swapped', candidate);
  effects.push(await decide(traffic, 'rollback of a promotion', first, () => product.ask('POST', '/v1/deployments/swapped/rollback', {})));
  return effects;
}

/** The old revision is not loaded any more, and large. @returns the requests that were lost */
async function coldRollback(product, bench) {
  await addVersions(product, 'large', [denseStack('large-1', large.layers, large.width), denseStack('large-2', 1, large.width)]);
  const spec = { keepWarmSeconds: 0 };
  const traffic = new Traffic(await product.deploy('large', { model: 'large', spec }), bodyOf(large.width), 50);
  await deploy(product, 'large', { version: 2, spec, plan: { strategy: 'all-at-once', undoSeconds: 0 } });
  await until('the old revision to be unloaded', withinMs, async () => {
    const { instances } = await product.ask('GET', '/v1/deployments/large');
    return instances.every(({ revision, status }) => revision !== 1 || status === 'GONE');
  });
  const { seconds } = await decide(traffic, 'cold rollback', 1, async () => {
    await product.ask('POST', '/v1/deployments/large/rollback', { revision: 1 });
    await untilAllOn(product, 'large', 1);
  });
  await traffic.stop();
  await product.remove('large');
  bench.report.figure('rolloutsCold', seconds);
  return traffic.lost;
}

async function neighbourOfSwaps(bench, product) {
  const server = await product.deploy('swapped', { model: 'swapped' });
  const spans = [];
  const swapAgainAndAgain = async (isOver) => {
    const traffic = new Traffic(server, bodyOf(small));
    while (!isOver()) {
      const from = performance.now();
      await swapEveryWay(product, traffic);
      spans.push({ from, to: performance.now() });
    }
    await traffic.stop();
  };
  const { calm, beside } = await alternate(bench, 'while others are swapped', swapAgainAndAgain);
  await product.remove('swapped');
  bench.report.say(`\n  neighbour: ${spans.length} times three swaps beside it`);
  judge(bench, 'rolloutsNeighbour', { calm, during: beside, times: 1.25, plusMs: 5 });
}

/** Every swap is a process that starts and one that ends. */
async function memoryOfSwaps(bench, product) {
  const spec = { keepWarmSeconds: 0 };
  const traffic = new Traffic(await product.deploy('swapped', { model: 'swapped', spec }), bodyOf(small));
  const plan = { strategy: 'all-at-once', undoSeconds: 0 };
  const swap = (version) => deploy(product, 'swapped', { version, spec, plan });
  // What is compiled and cached with the first swaps is no leak.
  for (const version of [2, 1, 2, 1]) await swap(version);
  const before = await settledMemory(product);
  const swaps = bench.isQuick ? 10 : 50;
  for (let at = 0; at < swaps; at += 1) await swap(at % 2 === 0 ? 2 : 1);
  const after = await settledMemory(product);
  await traffic.stop();
  await product.remove('swapped');
  for (const words of new Set(traffic.lost)) bench.report.fault(`${words} while versions were swapped`);
  bench.report.say(`  memory: ${mega(before)} MB before, ${mega(after)} MB after ${swaps} swaps`);
  bench.report.figure('rolloutsMemory', after / before);
}

/** The least of several looks, once only the serving instance is left: a collector runs when it likes. */
async function settledMemory(product) {
  await until('retired instances to be gone', withinMs, async () => {
    const { instances } = await product.ask('GET', '/v1/deployments/swapped');
    return instances.filter(({ status }) => status !== 'GONE').length === 1;
  });
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 10; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    least = Math.min(least, pssBytesOf(withDescendants(product.child.pid)));
  }
  return least;
}

async function addVersions(product, name, models) {
  const [first, ...more] = models;
  await product.addModel(name, first.file);
  for (const model of more) await product.addVersion(name, model.file);
}

/** Deploys and waits until the new revision has all traffic. */
async function deploy(product, name, body) {
  const before = await newestRevision(product, name);
  await product.ask('POST', `/v1/deployments/${name}/revisions`, body);
  await untilAllOn(product, name, before + 1);
}

/** Deploys and waits until stable and candidate share the traffic. @returns the candidate's revision */
async function onTrial(product, name, body) {
  const candidate = (await newestRevision(product, name)) + 1;
  await product.ask('POST', `/v1/deployments/${name}/revisions`, body);
  await until(`revision ${candidate} of ${name} to be on trial`, withinMs, async () => (await splitOf(product, name)).length === 2);
  return candidate;
}

/** @returns after how many seconds the last request was sent that another revision answered, counted from before the decision was asked for */
async function decide(traffic, what, revision, act) {
  const decidedAt = performance.now();
  await act();
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const late = traffic.entries.filter((entry) => entry.sentAt > decidedAt && entry.status === 200 && entry.revision !== String(revision));
  return { what, seconds: Math.max(0, ...late.map(({ sentAt }) => sentAt - decidedAt)) / 1000 };
}

function untilAllOn(product, name, revision) {
  return until(`revision ${revision} of ${name} to have all traffic`, withinMs, async () => {
    const split = await splitOf(product, name);
    return split.length === 1 && split[0].revision === revision;
  });
}

async function splitOf(product, name) {
  return (await product.ask('GET', `/v1/deployments/${name}`)).split;
}

async function servedRevision(product, name) {
  return (await splitOf(product, name))[0].revision;
}

async function newestRevision(product, name) {
  const { revisions } = await product.ask('GET', `/v1/deployments/${name}`);
  return Math.max(...revisions.map(({ revision }) => revision));
}

function bodyOf(width) {
  const data = Array.from({ length: width }, (_, index) => Math.sin(index));
  return Buffer.from(JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, width], data }] }));
}

function mega(bytes) {
  return (bytes / 1e6).toFixed(0);
}

/** A request every so often, whatever becomes of those before, until it is stopped. */
class Traffic {
  entries = [];
  #open = new Set();
  #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  #timer;

  constructor(server, body, intervalMs = everyMs) {
    Object.assign(this, { server, body });
    this.#timer = setInterval(() => this.#send(), intervalMs);
  }

  /** What was not answered with 200, in words. */
  get lost() {
    return this.entries.filter(({ status }) => status !== 200).map(({ status, text }) => `${status} ${text}`);
  }

  async stop() {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    this.#agent.destroy();
  }

  #send() {
    const sending = this.#exchange().then((entry) => {
      this.entries.push(entry);
      this.#open.delete(sending);
    });
    this.#open.add(sending);
  }

  #exchange() {
    const { server, body } = this;
    const headers = { ...server.headers, 'content-type': 'application/json', 'content-length': body.length };
    const sentAt = performance.now();
    return new Promise((resolve) => {
      const finish = (status, text, revision) => resolve({ sentAt, status, text: text.slice(0, 200), revision });
      const sending = request({ host: '127.0.0.1', port: server.port, path: server.path, method: 'POST', agent: this.#agent, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece) => {
          if (text.length < 200) text += piece;
        });
        answer.on('error', (error) => finish(0, error.message));
        answer.on('end', () => finish(answer.statusCode, text, answer.headers['slipway-revision']));
      });
      sending.on('error', (error) => finish(0, error.message));
      sending.end(body);
    });
  }
}
