// What a deployment feels of others on the same machine. It runs at 30 % of its capacity; its model takes 2 ms, so that on two cores the
// generator and the gateway are not what is measured.
import { httpLoad } from '../http-load.mjs';
import { denseStack, rowMeans, stopwatch } from '../models.mjs';
import { openLoop, Sender } from '../open-loop.mjs';
import { quantile } from '../statistics.mjs';
import { turnsFor } from './calibrate.mjs';

const runMs = 2;
const load = 0.3;
const clients = 8;

/** While a model of 200 MB is loaded and warmed up, over and over. */
export async function loading(bench) {
  const product = await bench.product();
  await product.addModel('large', denseStack('large', 12, 2048).file);
  const spans = [];
  const loadAgainAndAgain = async (isOver) => {
    while (!isOver()) {
      const from = performance.now();
      await product.deploy('large', { model: 'large' });
      spans.push({ from, to: performance.now() });
      await product.remove('large');
    }
  };
  const { calm, beside } = await alternate(bench, 'while a model loads', loadAgainAndAgain);
  bench.report.say(`\n  neighbour: ${spans.length} loads of ${spans.map(({ from, to }) => ((to - from) / 1000).toFixed(1)).join(', ')} s`);
  // Only what was sent while it loaded; in between it was removed.
  const during = beside.filter(({ intendedAt }) => spans.some(({ from, to }) => intendedAt >= from && intendedAt <= to));
  judge(bench, 'loading', { calm, during, times: 1.25, plusMs: 5 });
}

/** While eight clients send 3 MB of JSON each, one request after the other. */
export async function largeJson(bench) {
  const server = await bench.deployed('row-means', rowMeans());
  const body = threeMegabytes();
  const headers = { ...server.headers, 'content-type': 'application/json' };
  const floods = [];
  const flood = async (isOver) => {
    while (!isOver()) floods.push(await httpLoad({ ...server, body, headers, inFlight: clients, seconds: 2 }));
  };
  const { calm, beside } = await alternate(bench, 'beside 3 MB of JSON', flood);
  const [answered, failed] = ['requests', 'failures'].map((key) => floods.reduce((sum, each) => sum + each[key], 0));
  bench.report.say(`\n  neighbour: ${clients} clients with ${(body.length / 1e6).toFixed(1)} MB of JSON each got ${answered} answers`);
  if (failed > 0) bench.report.fault(`${failed} of the large JSON requests failed`);
  judge(bench, 'largeJson', { calm, during: beside, times: 3, plusMs: 15 });
}

/** Calm legs and legs beside `disturb` in turn, with the same arrivals. */
export async function alternate(bench, what, disturb) {
  const server = await bench.deployed('neighbour', stopwatch());
  const body = await turnsFor(server, runMs);
  const sender = new Sender({ ...server, body, headers: { ...server.headers, 'content-type': 'application/json' } });
  const stream = { sender, ratePerSecond: (load * 1000) / runMs };
  const seconds = bench.isQuick ? 5 : 12;
  const calm = [];
  const beside = [];
  for (let round = 0; round < (bench.isQuick ? 1 : 3); round += 1) {
    calm.push(...(await bench.watched(`neighbour calm, ${what}`, () => openLoop([stream], seconds, round)))[0]);
    let isOver = false;
    const disturbing = disturb(() => isOver);
    try {
      beside.push(...(await bench.watched(`neighbour ${what}`, () => openLoop([stream], seconds, round)))[0]);
    } finally {
      isOver = true;
      await disturbing;
    }
  }
  sender.close();
  return { calm, beside };
}

/** Either factor or addition is enough. */
export function judge(bench, key, { calm, during, times, plusMs }) {
  const failed = [...calm, ...during].filter(({ status }) => status !== 200).length;
  if (failed > 0) bench.report.fault(`${failed} requests of the neighbour failed`);
  const latencies = [calm, during].map((entries) => entries.map(({ latencyMs }) => latencyMs));
  const [p50Calm, p50] = latencies.map((each) => quantile(each, 0.5).toFixed(1));
  const [p99Calm, p99] = latencies.map((each) => quantile(each, 0.99));
  const most = Math.max(p99Calm * times, p99Calm + plusMs);
  bench.report.say(
    `  neighbour: calm p50 ${p50Calm} p99 ${p99Calm.toFixed(1)} ms (${calm.length} requests), beside ${p50} and ${p99.toFixed(1)} ms (${during.length})`,
  );
  bench.report.figure(key, p99, { isMet: p99 <= most, bar: `≤ ${most.toFixed(1)} ms (${times} × or + ${plusMs} ms)` });
}

/** Numbers of nine or ten characters, as measurements have. */
function threeMegabytes() {
  const count = 300_000;
  const numbers = Array.from({ length: count }, (_, index) => (Math.sin(index) * 100).toFixed(6));
  return Buffer.from(`{"inputs":[{"name":"x","datatype":"FP32","shape":[1,${count}],"data":[${numbers.join(',')}]}]}`);
}
