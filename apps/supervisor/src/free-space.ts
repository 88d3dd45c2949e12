import { mkdir, statfs } from 'node:fs/promises';
import { messageOf, SlipwayError } from '@slipway/contracts';

/** Less than this and the first model upload or the database's log would fill the disk. */
export const freeBytesMin = 300 * 1024 * 1024;

/**
 * Makes the home and checks that its disk has room.
 * @throws SlipwayError DISK_FULL or START_REFUSED with one sentence.
 */
export async function prepareHome(home: string, minBytes = freeBytesMin): Promise<void> {
  try {
    await mkdir(home, { recursive: true });
  } catch (error) {
    throw (
      asDiskFull(error, home) ?? new SlipwayError('START_REFUSED', `The state folder ${home} cannot be made: ${messageOf(error)}; set SLIPWAY_HOME.`)
    );
  }
  const { bavail, bsize } = await statfs(home);
  if (bavail * bsize >= minBytes) return;
  throw new SlipwayError('DISK_FULL', diskSentence(home, bavail * bsize));
}

/** The sentence for an error that means a full disk; undefined for any other error. */
export function asDiskFull(error: unknown, home: string): SlipwayError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth += 1) {
    const isFull = ('code' in at && (at.code === 'ENOSPC' || at.code === 'EDQUOT')) || /No space left on device/i.test(at.message);
    if (isFull) return new SlipwayError('DISK_FULL', diskSentence(home, 0), { cause: error });
  }
  return undefined;
}

function diskSentence(home: string, freeBytes: number): string {
  const free = Math.floor(freeBytes / 1024 / 1024);
  return `The disk that holds ${home} is full (${free} MB free, ${freeBytesMin / 1024 / 1024} MB needed); free some space, or set SLIPWAY_HOME to another disk.`;
}
