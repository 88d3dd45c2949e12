import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '@slipway/contracts';
import { isReachable, type RunAs } from './run-as.js';

/** Folders outside the home that survive a restart of the machine; used when the server's account cannot reach the home. */
const outsideFolders = ['/var/lib/slipway', '/srv/slipway'];

/**
 * The folder that holds the data directory (and a copy of the binaries when needed): the home itself, or, for root with a home below a
 * closed folder such as /root, a folder outside that the home remembers in `postgres-folder`.
 */
export async function serverFolder(home: string, runAs: RunAs | undefined, outside: readonly string[] = outsideFolders): Promise<string> {
  await mkdir(home, { recursive: true });
  const note = join(home, 'postgres-folder');
  const remembered = (await readFile(note, 'utf8').catch(() => '')).trim();
  if (remembered !== '') return checkRemembered(remembered, note);
  if (runAs === undefined || (await hasData(home)) || (await openHome(home, runAs))) return home;
  const chosen = await makeOutside(home, runAs, outside);
  await writeFile(note, `${chosen}\n`);
  return chosen;
}

async function checkRemembered(folder: string, note: string): Promise<string> {
  if ((await stat(folder).catch(() => undefined)) !== undefined) return folder;
  throw new SlipwayError(
    'START_REFUSED',
    `The database folder ${folder} is gone, but ${note} says that it holds this home's data; put it back, or remove the home to start empty.`,
  );
}

async function hasData(home: string): Promise<boolean> {
  return (await stat(join(home, 'postgres', 'PG_VERSION')).catch(() => undefined)) !== undefined;
}

/** The home only needs to be passed through; its secrets have folders of their own that stay closed. */
async function openHome(home: string, runAs: RunAs): Promise<boolean> {
  const { mode } = await stat(home);
  await chmod(home, (mode & 0o777) | 0o011);
  return isReachable(home, runAs);
}

async function makeOutside(home: string, runAs: RunAs, outside: readonly string[]): Promise<string> {
  // A new name each time: a home that was removed and made again must not find the old data, and a moved home keeps its own.
  const name = `${createHash('sha256')
    .update(await realpath(home))
    .digest('hex')
    .slice(0, 12)}-${randomBytes(3).toString('hex')}`;
  for (const parent of outside) {
    const folder = join(parent, name);
    const made = await mkdir(folder, { recursive: true, mode: 0o755 }).then(
      () => true,
      () => false,
    );
    if (!made) continue;
    await chmod(parent, 0o755).catch(() => undefined);
    await chmod(folder, 0o755);
    if (await isReachable(folder, runAs)) return folder;
  }
  throw new SlipwayError(
    'START_REFUSED',
    `PostgreSQL runs as another user because it refuses root, and that user can reach neither ${home} nor ${outside.join(' nor ')}; set SLIPWAY_HOME to a folder below one that all users may enter.`,
  );
}
