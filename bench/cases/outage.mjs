// A deployment at 1 000 predictions a second while the database stands still in the middle: nothing fails, every answered prediction gets exactly one
// record and is counted in the profile, the backlog is stored in time, and no process grows.
import { readFileSync } from 'node:fs';
import { heldBytesOf } from '../inspector.client.mjs';
import { tabular } from '../models.mjs';
import { Sender } from '../open-loop.mjs';
import { cpuMicrosOf, pssBytesOf } from '../process-cost.mjs';
import { until } from '../product.mjs';
import { connectTo, freeze, postmasterOf } from '../product-database.mjs';
import { median, quantile } from '../statistics.mjs';

const ratePerSecond = 1_000;
/** What may be under way at once; a request that finds no room counts as failed. */
const underWayMost = 2_000;
const sampleEveryMs = 2_000;
const storedWithinMs = 300_000;

export async function outage(bench) {
  const plan = bench.isQuick ? { warmUp: 10, before: 22, stopped: 15, after: 23 } : { warmUp: 30, before: 240, stopped: 120, after: 240 };
  const product = await bench.product();
  const server = await bench.deployed('outage', tabular, { spec: { monitoring: { records: { maxPerSecond: 5_000 } } } });
  const database = await connectTo(product);
  const { id: deploymentId } = await product.ask('GET', '/v1/deployments/outage');
  const postmaster = await postmasterOf(database);
  const load = new Load({ ...server, headers: { ...server.headers, 'content-type': 'application/json' }, body: readFileSync(tabular.requestFile) });
  const memory = new MemoryWatch(server);
  let letGo = () => undefined;
  try {
    bench.report.say(
      `  ${ratePerSecond} predictions a second for ${plan.before + plan.stopped + plan.after} s, the database stopped for ${plan.stopped} s of them`,
    );
    const seen = await bench.watched('outage', async () => {
      await load.run('warm-up', plan.warmUp);
      await memory.start();
      const before = await load.run('database up', plan.before);
      letGo = freeze(postmaster);
      const stopped = await load.run('database stopped', plan.stopped);
      const spoolBytes = await spooled(product);
      letGo();
      const resumedAt = performance.now();
      const drained = untilStored(database, deploymentId, load).then(() => (performance.now() - resumedAt) / 1000);
      const after = await load.run('database back', plan.after);
      return { phases: [before, stopped, after], spoolBytes, drained };
    });
    await load.settled();
    await untilAllStored(database, deploymentId, load);
    const drainedSeconds = await seen.drained;
    const growth = await memory.end();
    tell(bench.report, { ...seen, growth, drainedSeconds });
    const found = await recordsOf(database, deploymentId);
    const counted = await profiled(database, deploymentId, load);
    bench.report.figure('outageFailed', load.failed);
    bench.report.figure('outageRate', Math.min(...seen.phases.map(({ perSecond }) => perSecond)) / ratePerSecond);
    bench.report.figure('outageRecords', differences(load.answered, found));
    if (counted === undefined) bench.report.skip('answered predictions that are not in the profile', 'no profile was counted');
    else bench.report.figure('outageProfiles', Math.abs(load.answered.length - counted));
    bench.report.figure('outageDrained', drainedSeconds / plan.stopped);
    bench.report.figure('outageMemory', Math.max(...growth.map(({ grownBytes }) => grownBytes / 1e6)));
  } finally {
    letGo();
    memory.stop();
    load.close();
    await database.end();
  }
}

/** Sends at a fixed rate whether answers come or not. */
class Load {
  /** Ids of the answered predictions. */
  answered = [];
  failed = 0;
  #underWay = 0;
  #sender;

  constructor(target) {
    this.#sender = new Sender(target);
  }

  /** @returns what happened in these seconds */
  run(name, seconds) {
    const startedAt = performance.now();
    const latencies = [];
    const before = { answered: this.answered.length, failed: this.failed };
    let sent = 0;
    return new Promise((resolve) => {
      const tick = () => {
        const elapsed = performance.now() - startedAt;
        const due = Math.min(seconds * ratePerSecond, Math.floor((elapsed / 1000) * ratePerSecond));
        for (; sent < due; sent += 1) this.#send(startedAt + (sent / ratePerSecond) * 1000, latencies);
        if (sent < seconds * ratePerSecond) setTimeout(tick, 1);
        else {
          const took = (performance.now() - startedAt) / 1000;
          const answered = this.answered.length - before.answered;
          resolve({ name, seconds: took, answered, failed: this.failed - before.failed, perSecond: answered / took, latencies });
        }
      };
      tick();
    });
  }

  #send(intendedAt, latencies) {
    if (this.#underWay >= underWayMost) {
      this.failed += 1;
      return;
    }
    this.#underWay += 1;
    void this.#sender.send(intendedAt).then(({ status, latencyMs, predictionId }) => {
      this.#underWay -= 1;
      latencies.push(latencyMs);
      if (status === 200 && predictionId !== undefined) this.answered.push(predictionId);
      else this.failed += 1;
    });
  }

  settled() {
    return until('all answers', 35_000, () => this.#underWay === 0);
  }

  close() {
    this.#sender.close();
  }
}

/** Memory and processor time of the product's processes that predictions and records pass through. */
class MemoryWatch {
  #timer;
  #watched = [];
  #startedAt = 0;

  constructor(server) {
    this.server = server;
  }

  async start() {
    for (const { part, pid } of partsOf(this.server)) {
      this.#watched.push({ part, pid, heldBytes: await heldBytesOf(pid), cpuMicros: cpuMicrosOf([pid]), pss: [] });
    }
    this.#startedAt = performance.now();
    this.#timer = setInterval(() => {
      for (const { pid, pss } of this.#watched) pss.push(pssBytesOf([pid]));
    }, sampleEveryMs);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** What each process holds more than at the start once its garbage is gone; what it took of the machine meanwhile includes garbage. */
  async end() {
    this.stop();
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const grown = [];
    for (const { part, pid, heldBytes, cpuMicros, pss } of this.#watched) {
      const cores = (cpuMicrosOf([pid]) - cpuMicros) / 1e6 / seconds;
      const grownBytes = (await heldBytesOf(pid)) - heldBytes;
      grown.push({ part, cores, medianBytes: median(pss), mostBytes: Math.max(...pss), heldBytes, grownBytes });
    }
    return grown;
  }
}

function partsOf(server) {
  const { gateway, instance, rest } = server.parts();
  const named = (pids, part) => pids.map((pid) => ({ part, pid }));
  const workers = rest.filter((pid) => commandOf(pid).includes('apps/worker/dist/main.js'));
  return [...named(gateway, 'API and gateway'), ...named(instance, 'instance'), ...named(workers, 'worker')];
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Bytes of records that wait for the database, as the worker tells. */
async function spooled(product) {
  const answer = await fetch(`http://127.0.0.1:${product.workerPort}/metrics`, { signal: AbortSignal.timeout(10_000) });
  const text = await answer.text();
  return Number(/^slipway_records_waiting_bytes(?:\{[^}]*\})? (.*)$/m.exec(text)?.[1] ?? Number.NaN);
}

/** Until no more than the last two seconds' records are missing. */
async function untilStored(database, deploymentId, load) {
  await until('the backlog to be stored', storedWithinMs, async () => {
    const goal = load.answered.length - 2 * ratePerSecond;
    const { rows } = await database.query('select count(*)::integer as n from telemetry.predictions where deployment_id = $1', [deploymentId]);
    await new Promise((resolve) => setTimeout(resolve, 450));
    return rows[0].n >= goal;
  });
}

async function untilAllStored(database, deploymentId, load) {
  let [last, stillSince] = [-1, performance.now()];
  await until('all records to be stored', storedWithinMs, async () => {
    const { rows } = await database.query('select count(*)::integer as n from telemetry.predictions where deployment_id = $1', [deploymentId]);
    if (rows[0].n !== last) [last, stillSince] = [rows[0].n, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 450));
    // Whatever has not come for so long does not come: the figures then say so.
    return last >= load.answered.length || performance.now() - stillSince > 20_000;
  });
}

async function recordsOf(database, deploymentId) {
  const { rows } = await database.query({
    text: 'select id from telemetry.predictions where deployment_id = $1',
    values: [deploymentId],
    rowMode: 'array',
  });
  return rows.map(([id]) => id);
}

/** Answered predictions without a record, records that are there twice, and records of what was never answered. */
function differences(answered, found) {
  const stored = new Set(found);
  const told = new Set(answered);
  const missing = answered.filter((id) => !stored.has(id)).length;
  const foreign = found.filter((id) => !told.has(id)).length;
  return missing + foreign + (found.length - stored.size);
}

/** Rows of this deployment in its profile windows; undefined where there are none at all. */
async function profiled(database, deploymentId, load) {
  const read = async () => {
    const { rows } = await database.query('select coalesce(sum("rows"), 0)::integer as n from telemetry.profile_windows where deployment_id = $1', [
      deploymentId,
    ]);
    return rows[0].n;
  };
  const until = performance.now() + 20_000;
  let counted = await read();
  while (counted !== load.answered.length && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    counted = await read();
  }
  return counted === 0 ? undefined : counted;
}

function tell(report, { phases, spoolBytes, growth, drainedSeconds }) {
  report.say(`\n  ${'phase'.padEnd(20)}${['answered', 'failed', 'req/s', 'p50 ms', 'p99 ms'].map((head) => head.padStart(12)).join('')}`);
  for (const { name, answered, failed, perSecond, latencies } of phases) {
    const cells = [answered, failed, perSecond.toFixed(0), quantile(latencies, 0.5).toFixed(2), quantile(latencies, 0.99).toFixed(2)];
    report.say(`  ${name.padEnd(20)}${cells.map((cell) => String(cell).padStart(12)).join('')}`);
  }
  report.say(`  waiting on disk when the database came back: ${(spoolBytes / 1e6).toFixed(1)} MB, stored ${drainedSeconds.toFixed(1)} s later`);
  report.say(`\n  ${'process'.padEnd(20)}${['cores', 'PSS MB', 'most MB', 'held MB', 'grown MB'].map((head) => head.padStart(12)).join('')}`);
  for (const { part, cores, medianBytes, mostBytes, heldBytes, grownBytes } of growth) {
    const cells = [cores.toFixed(2), ...[medianBytes, mostBytes, heldBytes, grownBytes].map((bytes) => (bytes / 1e6).toFixed(1))];
    report.say(`  ${part.padEnd(20)}${cells.map((cell) => cell.padStart(12)).join('')}`);
  }
}
