import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { StagedArtefact, StageOptions } from './artefact-store.js';
import { makeFolder } from './durable-file.js';
import { systemCode, toStoreError } from './store-errors.js';
import { writeStaged } from './write-staged.js';

const createExclusive = (path: string) => open(path, 'wx', 0o600);

/** The folder of this host where uploads in progress are, before they have a name in a store. */
export class StagingFolder {
  constructor(
    private readonly folder: string,
    private readonly createFile: (path: string) => Promise<FileHandle> = createExclusive,
  ) {}

  /** As `ArtefactStore.stage`. */
  async stage(source: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedArtefact> {
    const id = randomBytes(16).toString('hex');
    const path = join(this.folder, id);
    try {
      await makeFolder(this.folder);
      const file = await this.createFile(path);
      try {
        const { digest, sizeBytes } = await writeStaged(file, source, options.maxBytes);
        return { id, digest, sizeBytes, path };
      } finally {
        await file.close();
      }
    } catch (error) {
      await removeFile(path);
      throw toStoreError(error);
    }
  }

  async discard(staged: StagedArtefact): Promise<void> {
    await removeFile(staged.path);
  }

  async listStale(olderThanMs: number): Promise<readonly string[]> {
    const before = Date.now() - olderThanMs;
    const stale: string[] = [];
    for (const name of await namesIn(this.folder)) {
      const found = await statFile(join(this.folder, name));
      if (found !== undefined && found.mtimeMs <= before) stale.push(name);
    }
    return stale;
  }

  async removeStale(olderThanMs: number): Promise<number> {
    let removed = 0;
    for (const name of await this.listStale(olderThanMs)) if (await removeFile(join(this.folder, name))) removed += 1;
    return removed;
  }
}

/** Facts of a regular file; undefined for everything else, links included. */
export async function statFile(path: string) {
  try {
    const found = await lstat(path);
    return found.isFile() ? found : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether there was one to remove. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The names in a folder; none when there is no such folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
