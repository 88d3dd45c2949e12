import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { identify } from '@slipway/platform';

const onLinux = process.platform === 'linux';

/** How often a process that is not a child of this one is looked at: cheap on Linux, a program call elsewhere. */
export const processPollMs = onLinux ? 100 : 1_000;
/** How often memory may be looked at, likewise. */
export const memoryPollMinMs = onLinux ? 0 : 1_000;

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

/** Whether looking for a stop costs next to nothing, or a program call. */
export const isStopCheap = onLinux;

/** Whether a process is stopped (SIGSTOP) and does nothing until somebody continues it; one that a debugger holds is not. */
export function isStopped(pid: number): boolean {
  try {
    if (!onLinux) return ps(pid, 'stat=').trim().startsWith('T');
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).startsWith('T');
  } catch {
    return false;
  }
}

/** Beside the highest score of all, which somebody may have given to something they need even less. */
const victimScore = 900;

/** Makes a process the one that the kernel ends first when the host has no memory left: it is started again, a database is not. */
export function preferAsVictim(pid: number): void {
  try {
    const file = `/proc/${pid}/oom_score_adj`;
    const score = Number.parseInt(readFileSync(file, 'utf8'), 10);
    if (score < victimScore) writeFileSync(file, String(victimScore), { flag: 'r+' });
  } catch {
    // Not on this system, or the process is gone.
  }
}

/**
 * Puts a loading process behind those that serve, and a ready one back among them. The process must lead a session of its own.
 * @returns false when the system wants to be asked again a little later.
 */
export function setLoadingPriority(pid: number, isLoading: boolean): boolean {
  const priority = isLoading ? constants.priority.PRIORITY_BELOW_NORMAL : constants.priority.PRIORITY_NORMAL;
  const isDone = setSessionPriority(pid, priority);
  // Only the super-user may raise a thread's priority again, so without that right none is lowered either.
  if (process.getuid?.() === 0) setThreadPriorities(pid, priority);
  return isDone;
}

/** For how long a process's threads have had a processor, and for how long they waited for one; undefined where that is not counted. */
export function processorTimes(pid: number): { readonly runMs: number; readonly waitMs: number } | undefined {
  let runMs = 0;
  let waitMs = 0;
  try {
    for (const thread of threadsOf(pid)) {
      const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ').map(Number);
      runMs += ran / 1e6;
      waitMs += waited / 1e6;
    }
    return { runMs, waitMs };
  } catch {
    // Not counted here; or a thread has ended in between, and the next look counts the others.
    return undefined;
  }
}

/**
 * Where Linux shares the processor out among sessions first (sched(7), autogroup), a thread's own priority counts inside its session only, and
 * the session's is what matters. Everybody may lower and raise the one of their own sessions, ten times a second.
 */
function setSessionPriority(pid: number, priority: number): boolean {
  if (!onLinux) return true;
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(priority), { flag: 'r+' });
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'EAGAIN');
  }
}

/** A thread inherits the priority of the one that starts it, so those that start while this looks around are found in the next round. */
function setThreadPriorities(pid: number, priority: number): void {
  const done = new Set<number>();
  for (let found = [pid]; found.length > 0; found = threadsOf(pid).filter((thread) => !done.has(thread))) {
    for (const thread of found) {
      done.add(thread);
      try {
        setPriority(thread, priority);
      } catch {
        // The thread has ended in between.
      }
    }
  }
}

/** On Linux a priority belongs to a thread. */
function threadsOf(pid: number): readonly number[] {
  if (!onLinux) return [];
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

function ps(pid: number, columns: string): string {
  return execFileSync('ps', ['-o', columns, '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
