// Whether the machine was free for the measurement: CPU time that neither this benchmark nor its programs used, and time the host took away.
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { cpuMicrosOf, withDescendants } from './process-cost.mjs';

/** Shares of all cores above which a leg counts as disturbed. */
const foreignMax = 0.06;
const stealMax = 0.03;

/** Runs `work` and says what else went on meanwhile; shares are of all cores together. */
export async function observed(work) {
  const before = sample();
  const result = await work();
  const after = sample();
  const wallMicros = (after.at - before.at) * 1000 * availableParallelism();
  const foreign = Math.max(0, after.busy - before.busy - (after.own - before.own)) / wallMicros;
  const steal = (after.steal - before.steal) / wallMicros;
  return { result, foreign, steal, isDisturbed: foreign > foreignMax || steal > stealMax };
}

/** Watches for a while without doing anything. */
export async function idleCheck(ms = 3_000) {
  const seen = await observed(() => new Promise((resolve) => setTimeout(resolve, ms)));
  return { ...seen, load: loadavg()[0] };
}

/** Times in µs. Interrupts are left out: those of our own traffic count there too. */
function sample() {
  const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1).map(Number);
  return { at: performance.now(), busy: (user + nice + system) * 10_000, steal: steal * 10_000, own: cpuMicrosOf(withDescendants(process.pid)) };
}
