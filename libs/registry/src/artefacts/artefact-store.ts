import type { Readable } from 'node:stream';

/** SHA-256 of the whole file, 64 lower-case hexadecimal digits: the name of an artefact. */
export type Digest = string;

/** A file that has arrived whole and is on disk, but has no name in the store yet. */
export interface StagedArtefact {
  readonly id: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The file on this host, for reading only; gone after `commit` or `discard`. */
  readonly path: string;
}

export interface StoredArtefact {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it was last committed; a sweep leaves young ones alone. */
  readonly storedAt: Date;
}

export interface StageOptions {
  /** One byte more is ARTEFACT_TOO_LARGE. */
  readonly maxBytes: number;
}

/**
 * Immutable files named by their content. Every store passes `describeArtefactStore`.
 * All methods throw ARTEFACT_STORE_FULL when the disk is full and leave nothing half-made behind.
 */
export interface ArtefactStore {
  /**
   * Streams the source to a staged file, counting and hashing on the way; the bytes are durable when it resolves.
   * Whatever goes wrong (also in the source), the staged file is removed before it rejects.
   * @throws SlipwayError ARTEFACT_TOO_LARGE, ARTEFACT_STORE_FULL; or the source's own error.
   */
  stage(source: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedArtefact>;
  /**
   * Does the slow part of `commit` ahead, so that the commit itself can be a short moment in a transaction: a store on the network sends
   * the bytes here. Nobody sees the artefact yet. Not needed before a commit, and harmless twice.
   */
  prepare(staged: StagedArtefact): Promise<void>;
  /** Gives a staged file its name, atomically and durably; an artefact that is there already is replaced by the same bytes. */
  commit(staged: StagedArtefact): Promise<void>;
  /** Removes a staged file; harmless when it is gone. */
  discard(staged: StagedArtefact): Promise<void>;
  /** @throws SlipwayError ARTEFACT_NOT_FOUND */
  open(digest: Digest): Promise<{ readonly sizeBytes: number; readonly stream: Readable }>;
  exists(digest: Digest): Promise<boolean>;
  /** The file itself when the store is on this host, for a hard link; undefined when it is elsewhere. */
  localPath(digest: Digest): Promise<string | undefined>;
  /** Whether there was one to remove. */
  delete(digest: Digest): Promise<boolean>;
  list(): AsyncIterable<StoredArtefact>;
  /** Names of staged files that nothing has written to for `olderThanMs`: left by a process that died. */
  listStale(olderThanMs: number): Promise<readonly string[]>;
  /** Removes them; answers how many. */
  removeStale(olderThanMs: number): Promise<number>;
}

const digestPattern = /^[0-9a-f]{64}$/;

/** Whether a text can be the name of an artefact; everything that becomes a path passes through here. */
export function isDigest(text: string): text is Digest {
  return digestPattern.test(text);
}
