import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

const everyMs = 50;
/** Where there is no /proc, asking costs a process. */
const everyMsWithoutProc = 500;

/** Watches the resident memory of a process and calls `onOver` once when it is above the limit. Returns what stops the watch. */
export function watchRss(pid: number | undefined, limitBytes: number, onOver: () => void): () => void {
  if (pid === undefined) return () => undefined;
  const hasProc = process.platform === 'linux';
  const check = (bytes: number): void => {
    if (bytes > limitBytes) {
      clearInterval(timer);
      onOver();
    }
  };
  const timer = setInterval(() => (hasProc ? check(rssFromProc(pid)) : rssFromPs(pid, check)), hasProc ? everyMs : everyMsWithoutProc);
  return () => clearInterval(timer);
}

/** VmRSS in /proc/<pid>/status is in KiB (proc(5)); 0 when the process is gone. */
function rssFromProc(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function rssFromPs(pid: number, done: (bytes: number) => void): void {
  execFile('ps', ['-o', 'rss=', '-p', String(pid)], (error, stdout) => done(error === null ? Number(stdout.trim()) * 1024 : 0));
}
