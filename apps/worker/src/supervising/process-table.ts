import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { identify } from '@slipway/platform';

const onLinux = process.platform === 'linux';

/** How often a process that is not a child of this one is looked at: cheap on Linux, a program call elsewhere. */
export const processPollMs = onLinux ? 100 : 1_000;

/**
 * When a process started, in the system's own words: together with its number this names it for good, since numbers are used again.
 * Undefined when it is gone or only waits to be buried.
 */
export function startTimeOf(pid: number): string | undefined {
  return identify(pid)?.startedAt;
}

/** Whether the very process that was started then still runs. */
export function isAlive(pid: number, startTime: string): boolean {
  return startTimeOf(pid) === startTime;
}

/** Memory resident in RAM, in bytes; undefined when the process is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    if (!onLinux) return Number.parseInt(ps(pid, 'rss='), 10) * 1024 || undefined;
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Sends a signal; false when the process is gone or not ours. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Puts a loading process behind those that serve, and a ready one back among them. Only the super-user may raise a priority again, so
 * without that right nothing is lowered either.
 */
export function setLoadingPriority(pid: number, isLoading: boolean): void {
  if (process.getuid?.() !== 0) return;
  const priority = isLoading ? constants.priority.PRIORITY_BELOW_NORMAL : constants.priority.PRIORITY_NORMAL;
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, priority);
    } catch {
      // The thread has ended in between.
    }
  }
}

/** On Linux a priority belongs to a thread, and the runtime's threads inherit the one they were started under. */
function threadsOf(pid: number): readonly number[] {
  if (!onLinux) return [pid];
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

function ps(pid: number, columns: string): string {
  return execFileSync('ps', ['-o', columns, '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
