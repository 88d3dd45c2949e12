import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import type { InstancePaths } from './instance-paths.js';

const logBytesMax = 1024 * 1024;
/**
 * Bodies that wait outlive the small collections; with a little room for them the full ones, which cost most with images, become rare. What is new is
 * soon dropped, so a small space for it costs nothing and saves memory per instance (docs/decisions/007).
 */
const nodeFlags = ['--initial-old-space-size=64', '--max-semi-space-size=2'];

export interface SpawnedInstance {
  readonly child: ChildProcess;
  /** Where in the log this process begins. */
  readonly logFrom: number;
}

/**
 * Starts an instance program apart from this process: in a group of its own, with its output in a file, so that it outlives its worker. It gets
 * no environment: it needs none, and the worker's holds secrets.
 */
export function spawnInstance(program: string, paths: InstancePaths): SpawnedInstance {
  rmSync(paths.socket, { force: true });
  const output = openSync(paths.log, 'a', 0o600);
  try {
    if (fstatSync(output).size > logBytesMax) ftruncateSync(output);
    const logFrom = fstatSync(output).size;
    const child = spawn(process.execPath, [...nodeFlags, program, paths.spec], { detached: true, stdio: ['ignore', output, output], env: {} });
    child.unref();
    return { child, logFrom };
  } finally {
    closeSync(output);
  }
}
