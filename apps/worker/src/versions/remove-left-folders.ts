import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { modelsFolderOf, type ValidationStore } from '@slipway/registry';

const batch = 500;

/** Removes this host's model folders of versions that are not in the registry any more. @returns how many. */
export async function removeLeftFolders(versions: ValidationStore, home: string, host: string): Promise<number> {
  const folder = modelsFolderOf(home, host);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('ver_'));
  let removed = 0;
  for (let at = 0; at < names.length; at += batch) {
    const some = names.slice(at, at + batch);
    const existing = await versions.existing(some);
    for (const name of some) {
      if (existing.has(name)) continue;
      await rm(join(folder, name), { recursive: true, force: true });
      removed += 1;
    }
  }
  return removed;
}
