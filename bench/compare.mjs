// Rows side by side: legs of all rows take turns, forwards and backwards, so that what drifts meets all of them alike.

import { httpLoad } from './http-load.mjs';
import { observed } from './machine.mjs';
import { cpuMicrosOf, pssBytesOf } from './process-cost.mjs';
import { median, spread } from './statistics.mjs';

/** A row that the load generator drives. `server` as the starters give it, `request` { body, headers }. */
export function httpRow(name, server, request, inFlight) {
  const load = { port: server.port, path: server.path, body: request.body, headers: { ...request.headers, ...server.headers }, inFlight };
  return { name, pids: server.pids, parts: server.parts, measure: (seconds) => httpLoad({ ...load, seconds }) };
}

/**
 * Measures all rows in turn.
 * @param rows [{ name, pids(), measure(seconds) }]
 * @returns by name: rate, p50Ms, p99Ms, cpuMicros (each { median, min, max, values }), cpuMicrosByPart, pssBytes, failures, legs that were disturbed
 */
export async function compareRows(rows, { pairs, seconds, warmUpSeconds = 2 }) {
  for (const row of rows) await row.measure(warmUpSeconds);
  const legs = new Map(rows.map(({ name }) => [name, []]));
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const row of pair % 2 === 0 ? rows : rows.toReversed()) legs.get(row.name).push(await measureLeg(row, seconds));
  }
  return Object.fromEntries(rows.map((row) => [row.name, { ...summaryOf(legs.get(row.name)), pssBytes: pssBytesOf(row.pids()) }]));
}

async function measureLeg(row, seconds) {
  const before = costsOf(row);
  const { result, ...machine } = await observed(() => row.measure(seconds));
  const after = costsOf(row);
  const cpu = Object.fromEntries(Object.keys(after).map((part) => [part, (after[part] - before[part]) / result.requests]));
  return { ...result, ...machine, cpuMicros: Object.values(cpu).reduce((sum, each) => sum + each, 0), cpu };
}

/** CPU time so far by part; a row without parts is one. */
function costsOf(row) {
  const parts = row.parts?.() ?? { all: row.pids() };
  return Object.fromEntries(Object.entries(parts).map(([part, pids]) => [part, cpuMicrosOf(pids)]));
}

function summaryOf(legs) {
  return {
    rate: spread(legs.map((leg) => leg.ratePerSecond)),
    p50Ms: spread(legs.map((leg) => leg.p50Ms)),
    p99Ms: spread(legs.map((leg) => leg.p99Ms)),
    cpuMicros: spread(legs.map((leg) => leg.cpuMicros)),
    cpuMicrosByPart: Object.fromEntries(Object.keys(legs[0].cpu).map((part) => [part, median(legs.map((leg) => leg.cpu[part]))])),
    failures: legs.reduce((sum, leg) => sum + leg.failures, 0),
    disturbedLegs: legs.filter((leg) => leg.isDisturbed).length,
    foreign: Math.max(...legs.map((leg) => leg.foreign)),
    steal: Math.max(...legs.map((leg) => leg.steal)),
  };
}
