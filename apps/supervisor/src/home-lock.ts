import { randomUUID } from 'node:crypto';
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SlipwayError } from '@slipway/contracts';
import { identify, isRunning } from '@slipway/platform';
import { readIdentity } from './pid-files.js';

/** The hold on a home. */
export interface HomeLock {
  /** Says that this process is about to end, so that a new start waits instead of being refused. */
  leaving(): Promise<void>;
  release(): Promise<void>;
}

/** An ordered stop takes at most 5 s. */
const leaveWithinMs = 8_000;

/**
 * Takes the home for this process. Made by linking a complete file, so that a half-written lock cannot be read.
 * @throws SlipwayError START_REFUSED when another supervisor runs on the home and is not about to end.
 */
export async function lockHome(file: string): Promise<HomeLock> {
  await mkdir(dirname(file), { recursive: true });
  const own = `${file}.${randomUUID()}`;
  const leaving = `${file}.leaving`;
  await writeFile(own, JSON.stringify(identify(process.pid)));
  const deadline = Date.now() + leaveWithinMs;
  try {
    while (!(await tryLink(own, file))) {
      const mayWait = Date.now() < deadline && (await isLeaving(leaving));
      if (mayWait) await new Promise((resolve) => setTimeout(resolve, 100));
      else await removeIfStale(file);
    }
    await rm(leaving, { force: true });
  } finally {
    await rm(own, { force: true });
  }
  return {
    leaving: () => writeFile(leaving, JSON.stringify(identify(process.pid))),
    release: async () => {
      await rm(leaving, { force: true });
      await rm(file, { force: true });
    },
  };
}

async function isLeaving(file: string): Promise<boolean> {
  const who = await readIdentity(file);
  return who !== undefined && isRunning(who);
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
