import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseInactiveFile } from '@slipway/metrics';
import { findGroupPlace } from '../supervising/group-place.js';

const levelsMax = 16;
/** Version 1 says "no limit" with the largest number of pages. */
const unlimitedBytes = 2 ** 60;

/**
 * Memory of the smallest group with a limit that this process is in, as orchestrators count it: without what can be dropped at once.
 * @returns undefined where nothing below the machine's own memory bounds us.
 */
export async function readContainerMemory(
  machineBytes: number,
  readText: (path: string) => Promise<string> = (path) => readFile(path, 'utf8').catch(() => ''),
): Promise<{ readonly memoryBytes: number; readonly memoryLimitBytes: number } | undefined> {
  const place = findGroupPlace(await readText('/proc/self/cgroup'), await readText('/proc/self/mountinfo'));
  if (place === undefined) return undefined;
  const names =
    place.version === 2 ? { limit: 'memory.max', used: 'memory.current' } : { limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes' };
  let smallest: { folder: string; limit: number } | undefined;
  let { folder } = place;
  for (let level = 0; level < levelsMax; level += 1) {
    const stat = await readText(join(folder, 'memory.stat'));
    if (stat === '') break;
    const limit = Number.parseInt(await readText(join(folder, names.limit)), 10);
    if (limit > 0 && limit < unlimitedBytes && limit < machineBytes && limit < (smallest?.limit ?? Number.POSITIVE_INFINITY))
      smallest = { folder, limit };
    folder = dirname(folder);
  }
  if (smallest === undefined) return undefined;
  const used = Number.parseInt(await readText(join(smallest.folder, names.used)), 10);
  const inactive = parseInactiveFile(await readText(join(smallest.folder, 'memory.stat'))) ?? 0;
  return { memoryBytes: Math.max(0, used - inactive), memoryLimitBytes: smallest.limit };
}
