import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** What the operating system says of one process. Totals since the process started; null where the system does not tell. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Bytes that reached or came from storage. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  /** Read and write system calls: Linux counts per process no finer operations than these. */
  readonly readOperations: number | null;
  readonly writeOperations: number | null;
  readonly threads: number | null;
  readonly openFiles: number | null;
  /** Seconds since the process started. */
  readonly ageSeconds: number;
  /** Tells a process from a later one with the same pid. */
  readonly startedAt: string;
  /** True where the system gives less than /proc does. */
  readonly reduced: boolean;
}

/** Clock ticks per second as user space sees them: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const run = promisify(execFile);

/** Usage of a process, or undefined when there is no such process. */
export function readProcessUsage(pid: number, platform: NodeJS.Platform = process.platform): Promise<ProcessUsage | undefined> {
  return platform === 'linux' ? readLinux(pid) : readElsewhere(pid);
}

async function readLinux(pid: number): Promise<ProcessUsage | undefined> {
  try {
    const [stat, uptime, status, io, files] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/uptime', 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
      // Both need the same user; in a hardened container they may be refused.
      readFile(`/proc/${pid}/io`, 'utf8').catch(() => ''),
      readdir(`/proc/${pid}/fd`).catch(() => undefined),
    ]);
    const { cpuSeconds, startTicks, state } = parseStat(stat);
    // A zombie has ended; only its parent has not yet asked for the exit status.
    if (state === 'Z' || state === 'X') return undefined;
    const ageSeconds = Math.max(0, Number.parseFloat(uptime) - startTicks / ticksPerSecond);
    return {
      cpuSeconds,
      ageSeconds,
      startedAt: String(startTicks),
      ...parseStatus(status),
      ...parseIo(io),
      openFiles: files?.length ?? null,
      reduced: false,
    };
  } catch {
    return undefined;
  }
}

/** Fields 3, 14, 15 and 22 of /proc/<pid>/stat (proc(5)). The name in parentheses may hold spaces and parentheses itself. */
export function parseStat(text: string): { state: string; cpuSeconds: number; startTicks: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const cpuTicks = Number(fields[11]) + Number(fields[12]);
  return { state: fields[0] ?? '', cpuSeconds: cpuTicks / ticksPerSecond, startTicks: Number(fields[19]) };
}

function parseStatus(text: string): { rssBytes: number; threads: number | null } {
  return { rssBytes: (numberAfter(text, /^VmRSS:\s+(\d+) kB$/m) ?? 0) * 1024, threads: numberAfter(text, /^Threads:\s+(\d+)$/m) };
}

function parseIo(text: string): Pick<ProcessUsage, 'readBytes' | 'writtenBytes' | 'readOperations' | 'writeOperations'> {
  return {
    readBytes: numberAfter(text, /^read_bytes: (\d+)$/m),
    writtenBytes: numberAfter(text, /^write_bytes: (\d+)$/m),
    readOperations: numberAfter(text, /^syscr: (\d+)$/m),
    writeOperations: numberAfter(text, /^syscw: (\d+)$/m),
  };
}

function numberAfter(text: string, pattern: RegExp): number | null {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

async function readElsewhere(pid: number): Promise<ProcessUsage | undefined> {
  const args = ['-o', 'time=,etime=,rss=,lstart=', '-p', String(pid)];
  try {
    const { stdout } = await run('ps', args, { timeout: 2_000, env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } });
    return parsePs(stdout);
  } catch {
    return undefined;
  }
}

/** One line of `ps -o time=,etime=,rss=,lstart=`: two spans, kibibytes, start time. */
export function parsePs(text: string): ProcessUsage | undefined {
  const match = /^\s*(\S+)\s+(\S+)\s+(\d+)\s+(.+?)\s*$/.exec(text);
  const cpuSeconds = parseSpan(match?.[1] ?? '');
  const ageSeconds = parseSpan(match?.[2] ?? '');
  if (cpuSeconds === undefined || ageSeconds === undefined) return undefined;
  const untold = { readBytes: null, writtenBytes: null, readOperations: null, writeOperations: null, threads: null, openFiles: null };
  return { cpuSeconds, ageSeconds, rssBytes: Number(match?.[3]) * 1024, ...untold, startedAt: match?.[4] ?? '', reduced: true };
}

/** Seconds of `[[dd-]hh:]mm:ss[.cc]`. */
function parseSpan(text: string): number | undefined {
  const match = /^(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(text);
  if (match === null) return undefined;
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
}
