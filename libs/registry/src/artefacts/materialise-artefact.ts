import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SlipwayError } from '@slipway/contracts';
import type { ArtefactStore, Digest } from './artefact-store.js';
import { makeFolder, syncFolder } from './durable-file.js';
import { manifestBytes, modelFileName, readManifest } from './file-manifest.js';
import { systemCode, toStoreError } from './store-errors.js';

/** Where a folder keeps the manifest of its files; no external-data file can have this name. */
const manifestName = '.manifest';

/** Where a host keeps what it needs to load a version: a folder of that version's own. */
export function modelFolderOf(home: string, host: string, versionId: string): string {
  return join(modelsFolderOf(home, host), versionId);
}

/** The folder of those folders. A host's name becomes part of a path, so only plain characters stay. */
export function modelsFolderOf(home: string, host: string): string {
  return join(home, 'hosts', host.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '_') || '_', 'models');
}

/**
 * Puts a version into a folder of its own: the model as `model.onnx` and, when the digest is that of a manifest, its external data beside
 * it. Digests are checked on the files that will be loaded, also when they lie there already; a damaged one is fetched again once.
 * Safe to run twice at a time. @returns the path of the model.
 * @throws SlipwayError ARTEFACT_NOT_FOUND, ARTEFACT_CORRUPT (the store's own copy does not have its digest), ARTEFACT_STORE_FULL.
 */
export async function materialiseArtefact(store: ArtefactStore, digest: Digest, folder: string): Promise<string> {
  const model = join(folder, modelFileName);
  if ((await digestOf(model)) === digest) return model;
  const manifest = join(folder, manifestName);
  if ((await digestOf(manifest)) !== digest) {
    const nameOf = async (path: string) => ((await filesOf(path)) === undefined ? modelFileName : manifestName);
    if ((await fetchFile(store, digest, folder, nameOf)) === model) return model;
  }
  for (const file of (await filesOf(manifest)) ?? []) await materialiseFile(store, file.digest, folder, file.name);
  return model;
}

/**
 * Puts one artefact into a folder under a name: as a hard link when the store is on this host and file system, else as a copy. Its bytes mean
 * nothing here. @returns the path of the file. @throws as `materialiseArtefact`
 */
export async function materialiseFile(store: ArtefactStore, digest: Digest, folder: string, name: string): Promise<string> {
  const target = join(folder, name);
  return (await digestOf(target)) === digest ? target : fetchFile(store, digest, folder, async () => name);
}

/** Fetches, checks, and only then gives the file its name, which may depend on what is in it. @returns its path. */
async function fetchFile(store: ArtefactStore, digest: Digest, folder: string, nameOf: (path: string) => Promise<string>): Promise<string> {
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}.part`);
  try {
    await makeFolder(folder);
    await removeOthers(folder);
    await linkOrCopy(store, digest, temporary);
    const found = await digestOf(temporary);
    if (found !== digest) throw corrupt(digest, found);
    const target = join(folder, await nameOf(temporary));
    await rename(temporary, target);
    await syncFolder(folder);
    return target;
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The files that a manifest names; undefined when the file is none. Its digest was checked. */
async function filesOf(path: string): Promise<ReturnType<typeof readManifest>> {
  const { size } = await stat(path);
  return size > manifestBytes ? undefined : readManifest(await readFile(path));
}

/** Whether a link cannot be made here although the file exists: another file system, or one without links. */
const linkRefusals = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EACCES', 'ENOSYS']);

async function linkOrCopy(store: ArtefactStore, digest: Digest, temporary: string): Promise<void> {
  const local = await store.localPath(digest);
  if (local !== undefined) {
    try {
      await link(local, temporary);
      return;
    } catch (error) {
      if (!linkRefusals.has(systemCode(error) ?? '')) throw error;
    }
  }
  const { stream } = await store.open(digest);
  const file = await open(temporary, 'wx', 0o400).catch((error: unknown) => {
    stream.destroy();
    throw error;
  });
  await pipeline(stream, file.createWriteStream({ flush: true }));
}

/** SHA-256 of a regular file; undefined when there is none. A link in its place is not followed. */
export async function digestOf(path: string): Promise<Digest | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const hash = createHash('sha256');
    await pipeline(file.createReadStream({ highWaterMark: 1024 * 1024 }), hash);
    return hash.digest('hex');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ELOOP') return undefined;
    throw error;
  }
}

/** Parts left by a process that died; the folder belongs to one version, so they are nobody else's unless they are being written now. */
async function removeOthers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith('.part')) await removeWhenOld(join(folder, name));
  }
}

async function removeWhenOld(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  if (file === undefined) return;
  try {
    const { ctimeMs } = await file.stat();
    if (Date.now() - ctimeMs > 600_000) await rm(path, { force: true });
  } finally {
    await file.close();
  }
}

function corrupt(digest: Digest, found: string | undefined): SlipwayError {
  return new SlipwayError('ARTEFACT_CORRUPT', `the stored file of artefact ${digest} does not have this digest any more; upload the version again`, {
    details: { digest, found },
  });
}
