import { Worker } from 'node:worker_threads';

/** Places in the shared words. */
export const word = { awake: 0, runs: 1 } as const;
/** While it is awake it looks this often; a hung run is ended this much after its limit at the latest. */
export const lookMs = 25;

/** What the two threads share. */
export interface WatchdogMemory {
  /** When the present run is over its limit (ms since the main thread's time origin); 0: no run. */
  readonly limit: Float64Array;
  /** See `word`. */
  readonly words: Int32Array;
}

/**
 * Ends the process when a run goes past its limit. A run blocks its thread and cannot be interrupted, so this is another thread, and its only
 * means is SIGKILL. It sleeps while there is nothing to watch.
 */
export class Watchdog {
  private readonly memory: WatchdogMemory = {
    limit: new Float64Array(new SharedArrayBuffer(8)),
    words: new Int32Array(new SharedArrayBuffer(8)),
  };

  constructor() {
    const thread = new Worker(new URL('./watchdog-thread.js', import.meta.url), {
      workerData: { ...this.memory, timeOrigin: performance.timeOrigin },
      env: {},
      // It keeps nothing: a small heap keeps many instances on one host affordable.
      resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, codeRangeSizeMb: 2, stackSizeMb: 1 },
    });
    thread.unref();
  }

  /** A run begins. Nothing is watched when it has no limit. */
  arm(limitAt: number): void {
    if (!Number.isFinite(limitAt)) return;
    const { limit, words } = this.memory;
    limit[0] = limitAt;
    Atomics.add(words, word.runs, 1);
    // The watchdog falls asleep by clearing this word and looking at the limit once more, so one of the two always sees the other.
    if (Atomics.exchange(words, word.awake, 1) === 0) Atomics.notify(words, word.awake);
  }

  /** The run is over. */
  disarm(): void {
    this.memory.limit[0] = 0;
  }
}
