// More than a deployment can do: a model of 10 ms, requests that arrive whether or not the earlier ones were answered, half a second for each.
import { loadMasterKey, newInternalToken } from '@slipway/platform';
import { stopwatch } from '../models.mjs';
import { closedLoop, openLoop, Sender } from '../open-loop.mjs';
import { quantile } from '../statistics.mjs';
import { turnsFor } from './calibrate.mjs';

const runMs = 10;
const deadlineMs = 500;
/** What counts as normal again: over a second 99 % in time, and p99 within twice the calm one and a run. */
const normalShare = 0.99;
const refusalStatuses = [429, 503];

/** 0.7 ×, 1 ×, 3 ×, 10 × capacity, then 0.7 × again. */
export async function overload(bench) {
  const { report } = bench;
  const { sender, capacity } = await prepare(bench);
  const seconds = bench.isQuick ? 4 : 10;
  report.say(`\n  overload: capacity ${capacity.toFixed(0)} answers a second, ${deadlineMs} ms for each request, ${seconds} s a leg`);
  const legs = [];
  for (const times of [0.7, 1, 3, 10, 0.7]) {
    const stream = { sender, ratePerSecond: capacity * times };
    const [entries] = await bench.watched(`overload ${times} ×`, () => openLoop([stream], seconds, legs.length + 1));
    legs.push({ times, entries, ...describe(entries, seconds) });
    report.say(`  ${line(legs.at(-1))}`);
  }
  const peak = Math.max(capacity, ...legs.map((leg) => leg.goodput));
  const [calm, , three, ten, after] = legs;
  report.figure('overload3', three.goodput / peak);
  report.figure('overload10', ten.goodput / peak);
  const refusals = [...three.entries, ...ten.entries].filter(({ status }) => refusalStatuses.includes(status));
  report.figure('refusals', quantile(refusals.map(answeredInMs), 0.99));
  report.figure('retryAfter', refusals.filter(({ retryAfter }) => retryAfter !== undefined).length / refusals.length);
  report.figure('recovery', secondsToNormal(after.entries, calm.p99Ms));
  if (calm.unanswered + ten.unanswered > 0) report.fault(`${calm.unanswered + ten.unanswered} requests got no answer at all`);
  sender.close();
}

/** Online requests beside batch predictions that alone would be twice what the deployment can do. */
export async function priority(bench) {
  const { report } = bench;
  const { product, sender, capacity, target } = await prepare(bench);
  const token = newInternalToken(loadMasterKey(product.home), { projectId: 'prj_default', purpose: 'batch-predictions' }, Date.now());
  const batch = new Sender({ ...target, headers: { ...target.headers, authorization: `Bearer ${token}`, 'slipway-kind': 'batch' } });
  const refused = (await batch.send()).status;
  if (refused !== 200) return report.skip('priority of online over batch', `the gateway answers ${refused} to an internal caller`);
  const seconds = bench.isQuick ? 4 : 10;
  const online = { sender, ratePerSecond: 0.9 * capacity };
  const predictions = { sender: batch, ratePerSecond: 2.1 * capacity };
  const [alone] = await bench.watched('online alone', () => openLoop([online], seconds, 7));
  const [beside, background] = await bench.watched('online beside batch', () => openLoop([online, predictions], seconds, 7));
  report.say(`\n  priority: online alone   ${line(describe(alone, seconds))}`);
  report.say(`            online beside  ${line(describe(beside, seconds))}`);
  report.say(`            batch          ${line(describe(background, seconds))}`);
  report.figure('priorityAnswered', beside.filter(({ status }) => status === 200).length / beside.length);
  report.figure('priorityP99', describe(beside, seconds).p99Ms / describe(alone, seconds).p99Ms);
  sender.close();
  batch.close();
}

/** Half of the requests have 1 ms to live while all wait much longer: the model must not be run for them. */
export async function expired(bench) {
  const { product, sender, capacity, target } = await prepare(bench);
  const hurried = new Sender({ ...target, headers: { ...target.headers, 'slipway-deadline-ms': '1' } });
  const seconds = bench.isQuick ? 4 : 8;
  const before = await runsOf(product);
  if (before === undefined) return bench.report.skip('requests that are expired on arrival', 'the product does not tell the number of runs');
  const half = { ratePerSecond: capacity };
  const [normal, short] = await bench.watched('expired on arrival', () =>
    openLoop(
      [
        { sender, ...half },
        { sender: hurried, ...half },
      ],
      seconds,
      9,
    ),
  );
  const runs = (await runsOf(product)) - before;
  bench.report.say(`\n  expired: with time  ${line(describe(normal, seconds))}`);
  bench.report.say(`           with 1 ms  ${line(describe(short, seconds))}; ${runs} runs in all`);
  // Every run beyond those of the answered requests with time was one for nothing.
  bench.report.figure('expired', Math.max(0, runs - normal.filter(({ status }) => status === 200).length) / short.length);
  sender.close();
  hurried.close();
}

async function prepare(bench) {
  const model = stopwatch();
  const product = await bench.product();
  const server = await bench.deployed('stopwatch', model);
  const body = await turnsFor(server, runMs);
  const target = { ...server, body, headers: { ...server.headers, 'content-type': 'application/json', 'slipway-deadline-ms': String(deadlineMs) } };
  const sender = new Sender(target);
  const { ratePerSecond } = await closedLoop(sender, 3, bench.isQuick ? 2 : 5);
  return { product, sender, target, capacity: ratePerSecond };
}

/** Runs of the stopwatch's instance so far, by the protocol's statistics. */
async function runsOf(product) {
  try {
    const { model_stats: stats } = await product.ask('GET', '/v2/models/stopwatch/stats');
    return stats.reduce((sum, each) => sum + each.execution_count, 0);
  } catch {
    return undefined;
  }
}

function describe(entries, seconds) {
  const good = entries.filter(isGood);
  const refused = entries.filter(({ status }) => refusalStatuses.includes(status));
  return {
    sent: entries.length,
    goodput: good.length / seconds,
    p50Ms: quantile(latencies(good), 0.5),
    p99Ms: quantile(latencies(good), 0.99),
    refused: refused.length,
    refusedP99Ms: quantile(refused.map(answeredInMs), 0.99),
    late: entries.filter((entry) => entry.status === 504 || (entry.status === 200 && !isGood(entry))).length,
    unanswered: entries.filter(({ status }) => status === 0).length,
    /** How late the generator itself was. */
    lagP99Ms: quantile(
      entries.map(({ intendedAt, sentAt }) => sentAt - intendedAt),
      0.99,
    ),
  };
}

function isGood(entry) {
  return entry.status === 200 && answeredInMs(entry) <= deadlineMs;
}

/** From when it was really sent: where the generator was late, its deadline began later too. */
function answeredInMs({ latencyMs, intendedAt, sentAt }) {
  return latencyMs - (sentAt - intendedAt);
}

function line({ times, goodput, p50Ms, p99Ms, refused, refusedP99Ms, late, sent, unanswered, lagP99Ms }) {
  const head = times === undefined ? '' : `${times} × capacity: `;
  const refusals = refused === 0 ? '0 refused' : `${refused} refused within ${refusedP99Ms.toFixed(1)} ms (p99)`;
  return `${head}${goodput.toFixed(1)} good a second of ${sent} sent, p50 ${p50Ms.toFixed(0)} p99 ${p99Ms.toFixed(0)} ms, ${refusals}, ${late} late, ${unanswered} unanswered; generator late by ${lagP99Ms.toFixed(1)} ms (p99)`;
}

/** Seconds from the first request until every window of a second that follows is normal. */
function secondsToNormal(entries, calmP99Ms) {
  const startedAt = entries[0].intendedAt;
  const last = entries.at(-1).intendedAt;
  let normalFrom = 0;
  for (let from = 0; startedAt + from + 1_000 <= last; from += 250) {
    const window = entries.filter(({ intendedAt }) => intendedAt >= startedAt + from && intendedAt < startedAt + from + 1_000);
    const good = window.filter(({ status, latencyMs }) => status === 200 && latencyMs <= Math.min(deadlineMs, 2 * calmP99Ms + runMs));
    if (good.length < normalShare * window.length) normalFrom = from + 250;
  }
  return normalFrom / 1000;
}

function latencies(entries) {
  return entries.map(({ latencyMs }) => latencyMs);
}
