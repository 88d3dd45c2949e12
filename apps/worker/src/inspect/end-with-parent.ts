import { Worker } from 'node:worker_threads';

const watchMs = 1_000;

/**
 * Ends this process when its parent is gone. From a thread of its own, because the runtime blocks the main one, for good when a model
 * never ends; nobody would be left to end it then.
 */
export function endWithParent(): void {
  const watch = `const { workerData } = require('node:worker_threads');
    setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL'); }, ${watchMs});`;
  new Worker(watch, { eval: true, execArgv: [], workerData: process.ppid }).unref();
}
