import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { invariant } from '@slipway/contracts';
import { type ArtefactStore, type Digest, isDigest, type StagedArtefact, type StageOptions, type StoredArtefact } from './artefact-store.js';
import { makeFolder, syncFolder } from './durable-file.js';
import { artefactNotFound, systemCode, toStoreError } from './store-errors.js';
import { writeStaged } from './write-staged.js';

export interface FileArtefactStoreOptions {
  /** Holds `sha256/ab/<digest>`. */
  readonly root: string;
  /** Uploads in progress; on the same file system as `root`, so that a rename moves a file. */
  readonly staging: string;
  /** How a staged file is created; a test puts a full device here. */
  readonly createFile?: (path: string) => Promise<FileHandle>;
}

const createExclusive = (path: string) => open(path, 'wx', 0o600);

/** Artefacts as read-only files in a folder of this host. */
export class FileArtefactStore implements ArtefactStore {
  private readonly root: string;
  private readonly staging: string;
  private readonly createFile: (path: string) => Promise<FileHandle>;

  constructor(options: FileArtefactStoreOptions) {
    this.root = options.root;
    this.staging = options.staging;
    this.createFile = options.createFile ?? createExclusive;
  }

  async stage(source: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedArtefact> {
    const id = randomBytes(16).toString('hex');
    const path = join(this.staging, id);
    try {
      await makeFolder(this.staging);
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

  /** Nothing: a rename is quick. */
  async prepare(): Promise<void> {}

  async commit(staged: StagedArtefact): Promise<void> {
    const target = this.pathOf(staged.digest);
    const folder = join(target, '..');
    try {
      await makeFolder(folder);
      await chmod(staged.path, 0o444);
      // Over an existing file too: the bytes are the same, and a copy that a bad disk has damaged is healed.
      await rename(staged.path, target);
      await syncFolder(folder);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async discard(staged: StagedArtefact): Promise<void> {
    await removeFile(staged.path);
  }

  async open(digest: Digest): Promise<{ sizeBytes: number; stream: Readable }> {
    const file = await this.openFile(digest);
    const { size } = await file.stat();
    return { sizeBytes: size, stream: file.createReadStream({ highWaterMark: 1024 * 1024 }) };
  }

  async exists(digest: Digest): Promise<boolean> {
    return (await statFile(this.pathOf(digest))) !== undefined;
  }

  async localPath(digest: Digest): Promise<string | undefined> {
    const path = this.pathOf(digest);
    return (await statFile(path)) === undefined ? undefined : path;
  }

  async delete(digest: Digest): Promise<boolean> {
    return removeFile(this.pathOf(digest));
  }

  async *list(): AsyncIterable<StoredArtefact> {
    const base = join(this.root, 'sha256');
    for (const shard of await namesIn(base)) {
      for (const digest of await namesIn(join(base, shard))) {
        if (!isDigest(digest) || !digest.startsWith(shard)) continue;
        const found = await statFile(this.pathOf(digest));
        if (found !== undefined) yield { digest, sizeBytes: found.size, storedAt: found.ctime };
      }
    }
  }

  async listStale(olderThanMs: number): Promise<readonly string[]> {
    const before = Date.now() - olderThanMs;
    const stale: string[] = [];
    for (const name of await namesIn(this.staging)) {
      const found = await statFile(join(this.staging, name));
      if (found !== undefined && found.mtimeMs <= before) stale.push(name);
    }
    return stale;
  }

  async removeStale(olderThanMs: number): Promise<number> {
    let removed = 0;
    for (const name of await this.listStale(olderThanMs)) if (await removeFile(join(this.staging, name))) removed += 1;
    return removed;
  }

  private async openFile(digest: Digest): Promise<FileHandle> {
    try {
      // A link put into the store by somebody else is not followed.
      return await open(this.pathOf(digest), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ELOOP') throw artefactNotFound(digest);
      throw error;
    }
  }

  private pathOf(digest: Digest): string {
    invariant(isDigest(digest), 'an artefact is named by its SHA-256', { digest });
    return join(this.root, 'sha256', digest.slice(0, 2), digest);
  }
}

/** Facts of a regular file; undefined for everything else, links included. */
async function statFile(path: string) {
  try {
    const found = await lstat(path);
    return found.isFile() ? found : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
