// What a deployment feels of others on the same machine. It runs at 30 % of its capacity; its model takes 2 ms, so that on two cores the
// generator and the gateway are not what is measured.
import { denseStack, rowMeans, stopwatch } from '../models.mjs';
import { openLoop, Sender } from '../open-loop.mjs';
import { quantile } from '../statistics.mjs';
import { wrk } from '../wrk.client.mjs';
import { turnsFor } from './calibrate.mjs';

const runMs = 2;
const load = 0.3;
const clients = 8;

/** While a model of 200 MB is loaded and warmed up, over and over. */
export async function loading(bench) {
  const product = await bench.product();
  const neighbour = await startNeighbour(bench);
  await product.addModel('large', denseStack('large', 12, 2048).file);
  const seconds = bench.isQuick ? 6 : 20;
  const [calm] = await openLoop([neighbour], seconds, { seed: 11 });
  const spans = [];
  let isOver = false;
  const disturbing = (async () => {
    while (!isOver) {
      const from = performance.now();
      await product.deploy('large', { model: 'large' });
      spans.push({ from, to: performance.now() });
      await product.remove('large');
    }
  })();
  const [all] = await openLoop([neighbour], seconds, { seed: 11 });
  isOver = true;
  await disturbing;
  const during = all.filter(({ intendedAt }) => spans.some(({ from, to }) => intendedAt >= from && intendedAt <= to));
  bench.report.say(`\n  neighbour: ${spans.length} loads of ${spans.map(({ from, to }) => ((to - from) / 1000).toFixed(1)).join(', ')} s`);
  judge(bench, 'loading', { calm, during, times: 1.25, plusMs: 5 });
  neighbour.sender.close();
}

/** While eight clients send 3 MB of JSON each, one request after the other. */
export async function largeJson(bench) {
  const neighbour = await startNeighbour(bench);
  const server = await bench.deployed('row-means', rowMeans());
  const request = threeMegabytes();
  const seconds = bench.isQuick ? 6 : 20;
  const [calm] = await openLoop([neighbour], seconds, { seed: 13 });
  const flooding = wrk({
    ...server,
    body: request.body,
    headers: { ...request.headers, ...server.headers },
    inFlight: clients,
    seconds: seconds + 2,
  });
  const [during] = await openLoop([neighbour], seconds, { seed: 13 });
  const flood = await flooding;
  bench.report.say(
    `\n  neighbour: ${clients} clients with ${(request.body.length / 1e6).toFixed(1)} MB of JSON: ${flood.ratePerSecond.toFixed(1)} answers a second`,
  );
  if (flood.failures > 0) bench.report.fault(`${flood.failures} of the large JSON requests failed`);
  judge(bench, 'largeJson', { calm, during, times: 3, plusMs: 15 });
  neighbour.sender.close();
}

async function startNeighbour(bench) {
  const server = await bench.deployed('neighbour', stopwatch());
  const body = await turnsFor(server, runMs);
  const sender = new Sender({ ...server, body, headers: { ...server.headers, 'content-type': 'application/json' } });
  return { sender, ratePerSecond: (load * 1000) / runMs };
}

/** Either factor or addition is enough. */
function judge(bench, key, { calm, during, times, plusMs }) {
  const failed = [...calm, ...during].filter(({ status }) => status !== 200).length;
  if (failed > 0) bench.report.fault(`${failed} requests of the neighbour failed`);
  const [before, beside] = [calm, during].map((entries) =>
    quantile(
      entries.map(({ latencyMs }) => latencyMs),
      0.99,
    ),
  );
  const most = Math.max(before * times, before + plusMs);
  bench.report.say(`  neighbour: p99 ${before.toFixed(1)} ms calm (${calm.length} requests), ${beside.toFixed(1)} ms beside (${during.length})`);
  bench.report.figure(key, beside, { isMet: beside <= most, bar: `≤ ${most.toFixed(1)} ms (${times} × or + ${plusMs})` });
}

/** Numbers of ten characters, as measurements have. */
function threeMegabytes() {
  const count = 300_000;
  const numbers = Array.from({ length: count }, (_, index) => (Math.sin(index) * 100).toFixed(6));
  const text = `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,${count}],"data":[${numbers.join(',')}]}]}`;
  return { body: Buffer.from(text), headers: { 'content-type': 'application/json' } };
}
