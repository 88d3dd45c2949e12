import { constants } from 'node:fs';
import { chmod, type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { invariant } from '@slipway/contracts';
import { type ArtefactStore, type Digest, isDigest, type StagedArtefact, type StageOptions, type StoredArtefact } from './artefact-store.js';
import { makeFolder, syncFolder } from './durable-file.js';
import { namesIn, removeFile, StagingFolder, statFile } from './staging-folder.js';
import { artefactNotFound, systemCode, toStoreError } from './store-errors.js';

export interface FileArtefactStoreOptions {
  /** Holds `sha256/ab/<digest>`. */
  readonly root: string;
  /** Uploads in progress; on the same file system as `root`, so that a rename moves a file. */
  readonly staging: string;
  /** How a staged file is created; a test puts a full device here. */
  readonly createFile?: (path: string) => Promise<FileHandle>;
}

/** Artefacts as read-only files in a folder of this host. */
export class FileArtefactStore implements ArtefactStore {
  private readonly root: string;
  private readonly staging: StagingFolder;

  constructor(options: FileArtefactStoreOptions) {
    this.root = options.root;
    this.staging = new StagingFolder(options.staging, options.createFile);
  }

  stage(source: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedArtefact> {
    return this.staging.stage(source, options);
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

  discard(staged: StagedArtefact): Promise<void> {
    return this.staging.discard(staged);
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

  listStale(olderThanMs: number): Promise<readonly string[]> {
    return this.staging.listStale(olderThanMs);
  }

  removeStale(olderThanMs: number): Promise<number> {
    return this.staging.removeStale(olderThanMs);
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
