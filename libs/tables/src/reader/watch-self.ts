import { Worker } from 'node:worker_threads';

const everyMs = 100;

/**
 * Ends this process when its parent is gone, or when it holds more memory than it may. From a thread of its own, because a hostile file
 * may keep the main one busy for good.
 */
export function watchSelf(memoryBytes: number): void {
  const watch = `const { workerData } = require('node:worker_threads');
    setInterval(() => {
      if (process.ppid !== workerData.parent || process.memoryUsage.rss() > workerData.memoryBytes) process.kill(process.pid, 'SIGKILL');
    }, ${everyMs});`;
  new Worker(watch, { eval: true, execArgv: [], workerData: { parent: process.ppid, memoryBytes } }).unref();
}
