import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Ends instance programs of this home that outlived their worker; used after an ordered shutdown only. At a start the worker decides:
 * it takes live instances over, so that predictions go on.
 */
export async function endOrphanInstances(home: string): Promise<number> {
  let ended = 0;
  for (const { pid, command } of await listProcesses()) {
    if (!isInstanceOf(command, home)) continue;
    try {
      process.kill(pid, 'SIGKILL');
      ended += 1;
    } catch {
      // Ended by itself, or another user's.
    }
  }
  return ended;
}

/** Whether a command line is an instance program with its specification below this home. */
export function isInstanceOf(command: readonly string[], home: string): boolean {
  const script = command.findIndex((part) => /[\\/]instance[\\/]main\.js$/.test(part));
  const specification = command[script + 1];
  return script > 0 && specification !== undefined && specification.startsWith(`${home.replace(/\/$/, '')}/`);
}

async function listProcesses(): Promise<{ pid: number; command: string[] }[]> {
  if (process.platform !== 'linux') return listWithPs();
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  return Promise.all(
    pids.map(async (pid) => ({ pid, command: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').filter(Boolean) })),
  );
}

async function listWithPs(): Promise<{ pid: number; command: string[] }[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,command='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const [pid, ...command] = line.trim().split(/\s+/);
    return pid === undefined || pid === '' ? [] : [{ pid: Number(pid), command }];
  });
}
