import { randomUUID } from 'node:crypto';
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SlipwayError } from '@slipway/contracts';
import { readIdentity } from './pid-files.js';
import { identify, isRunning } from './process-identity.js';

/**
 * Takes the home for this process; the answer gives it back. Made by linking a complete file, so that a half-written lock cannot be read.
 * @throws SlipwayError START_REFUSED when another supervisor runs on the home.
 */
export async function lockHome(file: string): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true });
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, JSON.stringify(identify(process.pid)));
  try {
    while (!(await tryLink(own, file))) await removeIfStale(file);
  } finally {
    await rm(own, { force: true });
  }
  return () => rm(file, { force: true });
}

async function tryLink(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfStale(file: string): Promise<void> {
  const holder = await readIdentity(file);
  if (holder !== undefined && isRunning(holder)) {
    throw new SlipwayError(
      'START_REFUSED',
      `Slipway already runs on ${dirname(dirname(file))} (process ${holder.pid}); stop it first, or set SLIPWAY_HOME to another folder.`,
    );
  }
  // Moved away first: of two that find the same stale lock only one can move it, and the loser looks again.
  const aside = `${file}.${randomUUID()}`;
  await rename(file, aside).catch(() => undefined);
  await rm(aside, { force: true });
}
