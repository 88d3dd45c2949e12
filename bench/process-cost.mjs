// What processes cost, read from /proc (Linux).
import { readdirSync, readFileSync } from 'node:fs';

/** A tick of /proc/<pid>/stat is 10 ms on every Linux that Node.js runs on. */
const tickMicros = 10_000;

/** CPU time of all threads of the processes so far, user and system, with that of their children that have ended, in µs. */
export function cpuMicrosOf(pids) {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statOf(pid);
    if (fields !== undefined) for (const index of [11, 12, 13, 14]) ticks += Number(fields[index]);
  }
  return ticks * tickMicros;
}

/** Proportional set size in bytes: pages that several processes share are divided among them. */
export function pssBytesOf(pids) {
  return pids.reduce((sum, pid) => sum + pssOf(pid), 0);
}

/** A process and everything below it, by parent. */
export function withDescendants(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(name)?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [pid];
  for (const each of found) found.push(...(children.get(each) ?? []));
  return found;
}

/** The fields after the command's name: [0] is the state, [1] the parent, [11] to [14] user and system ticks, own and of ended children. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function pssOf(pid) {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
