// Where the time goes: runs a case against the gateway and one instance, profiles both, prints the functions with the most time of their own.
// The profiles stay in bench/results/ for a flame graph (DevTools, speedscope).
// Usage: node bench/profile.mjs [case] [seconds]
import { mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { httpLoad } from './http-load.mjs';
import { startProfile, stopProfile } from './inspector.client.mjs';
import { cpuMicrosOf } from './process-cost.mjs';
import { profileCases } from './profile-cases.mjs';
import { startGateway } from './servers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const results = join(root, 'bench', 'results');
const shown = 30;
const [, , name = 'tiny-json', seconds = '6'] = process.argv;

const chosen = profileCases[name];
if (chosen === undefined) throw new Error(`there is no case ${name}; there are ${Object.keys(profileCases).join(', ')}`);
mkdirSync(results, { recursive: true });
const { model, options, request, inFlight } = chosen();
const gateway = await startGateway(model, options);
try {
  const load = { port: gateway.port, path: gateway.path, inFlight, body: request.body, headers: { ...gateway.headers, ...request.headers } };
  await httpLoad({ ...load, seconds: 3 });
  const processes = [
    { title: 'gateway', pid: gateway.child.pid },
    { title: 'instance', pid: Number(gateway.line.split(' ')[1]) },
  ];
  for (const { pid } of processes) await startProfile(pid);
  const before = processes.map(({ pid }) => cpuMicrosOf([pid]));
  const outcome = await httpLoad({ ...load, seconds: Number(seconds) });
  const spent = processes.map(({ pid }, index) => cpuMicrosOf([pid]) - before[index]);
  console.log(`${name}: ${outcome.ratePerSecond.toFixed(0)} req/s, p50 ${outcome.p50Ms} ms, p99 ${outcome.p99Ms} ms, ${outcome.failures} failures`);
  for (const [index, { title, pid }] of processes.entries()) {
    const file = join(results, `${name}.${title}.cpuprofile`);
    await stopProfile(pid, file);
    report(title, JSON.parse(readFileSync(file, 'utf8')), outcome.requests, spent[index]);
  }
} finally {
  await gateway.stop();
}

/**
 * Prints the main thread's time per request by function; idle time is left out. A native function (writes, the runtime, the collector) is
 * told apart by the nearest function of ours above it.
 */
function report(title, profile, requests, cpuMicros) {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const functions = new Map();
  let busy = 0;
  for (const [id, micros] of timesOf(profile)) {
    const frames = [];
    for (let each = id; each !== undefined; each = parents.get(each)) frames.push(nodes.get(each).callFrame);
    if (frames[0].functionName === '(idle)') continue;
    busy += micros;
    entry(functions, ownName(frames)).self += micros;
    for (const name of new Set([ownName(frames), ...frames.slice(1).map(nameOf)])) entry(functions, name).total += micros;
  }
  const micros = (value, width) => (value / requests).toFixed(2).padStart(width);
  console.log(`\n${title}: ${micros(cpuMicros, 1)} CPU-µs per request (all threads), ${micros(busy, 1)} µs of its main thread`);
  console.log('   self µs   share   total µs   function');
  const lines = [...functions.entries()].toSorted(([, a], [, b]) => b.self - a.self).slice(0, shown);
  for (const [name, { self, total }] of lines) {
    console.log(`${micros(self, 10)} ${((self / busy) * 100).toFixed(1).padStart(6)} % ${micros(total, 9)}   ${name}`);
  }
}

/** Time by node: each sample counts for the time since the one before. */
function timesOf({ samples, timeDeltas }) {
  const times = new Map();
  for (const [index, id] of samples.entries()) times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[index]));
  return times;
}

function ownName(frames) {
  const name = nameOf(frames[0]);
  if (frames[0].url !== '' && !frames[0].url.startsWith('node:')) return name;
  const caller = frames.find(({ url }) => url.startsWith('file:'));
  return caller === undefined ? name : `${name}  ← ${nameOf(caller)}`;
}

function entry(map, name) {
  const found = map.get(name) ?? { self: 0, total: 0 };
  map.set(name, found);
  return found;
}

function nameOf({ functionName, url, lineNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.startsWith('file:') ? relative(root, fileURLToPath(url)).replace('/dist/', '/') : url;
  return `${name}  ${place}:${lineNumber + 1}`;
}
