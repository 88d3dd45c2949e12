import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, signalProcess } from '@slipway/platform';

/**
 * Ends instances of this home that outlived their worker; used after an ordered shutdown only. At a start the worker decides: it takes live
 * instances over, so that predictions go on. The worker writes down which processes they are; a number that belongs to another
 * process by now is left alone.
 * @returns how many were ended.
 */
export async function endOrphanInstances(home: string): Promise<number> {
  const folder = join(home, 'run');
  const names = await readdir(folder).catch(() => []);
  let ended = 0;
  for (const name of names.filter((file) => file.endsWith('.process.json'))) {
    const identity = await readIdentity(join(folder, name));
    if (identity === undefined || !isRunning(identity)) continue;
    signalProcess(identity, 'SIGKILL');
    ended += 1;
  }
  return ended;
}

async function readIdentity(path: string): Promise<{ pid: number; startedAt: string } | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(path, 'utf8'));
    const pid: unknown = Object(record).pid;
    const startedAt: unknown = Object(record).startTime;
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}
