import { workerData } from 'node:worker_threads';
import { endHungProcess, overdue } from './end-hung-process.js';
import { lookMs, type WatchdogMemory, word } from './watchdog.js';

/** After so many looks without a new run it goes to sleep. */
const looksUntilSleep = 40;

const { limit, words, timeOrigin }: WatchdogMemory & { readonly timeOrigin: number } = workerData;
/** From this thread's clock to that of the thread that runs the model. */
const offset = performance.timeOrigin - timeOrigin;
let lastRuns = 0;
let quietLooks = 0;

for (;;) {
  // The value never becomes 2: this is a pause that needs no timer and no event loop.
  Atomics.wait(words, word.awake, 1, lookMs);
  const limitAt = limit[0] ?? 0;
  if (limitAt !== 0 && performance.now() + offset > limitAt) endHungProcess(overdue);
  const runs = Atomics.load(words, word.runs);
  quietLooks = runs === lastRuns && limitAt === 0 ? quietLooks + 1 : 0;
  lastRuns = runs;
  if (quietLooks < looksUntilSleep) continue;
  quietLooks = 0;
  Atomics.store(words, word.awake, 0);
  if (limit[0] === 0) Atomics.wait(words, word.awake, 0);
  Atomics.store(words, word.awake, 1);
}
