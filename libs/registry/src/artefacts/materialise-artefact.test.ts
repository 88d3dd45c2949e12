import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtefactStore } from './artefact-store.js';
import { FileArtefactStore } from './file-artefact-store.js';
import { writeManifest } from './file-manifest.js';
import { digestOf, materialiseArtefact } from './materialise-artefact.js';

let home: string;
let store: FileArtefactStore;
let folder: string;
const bytes = randomBytes(100_000);
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-materialise-'));
  store = new FileArtefactStore({ root: join(home, 'artefacts'), staging: join(home, 'staging') });
  folder = join(home, 'hosts', 'here', 'models', 'ver_1');
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function stored(): Promise<string> {
  const staged = await store.stage(Readable.from([bytes]), { maxBytes: 1e9 });
  await store.commit(staged);
  return staged.digest;
}

/** The same files behind a store on another host: no path to link to. */
function remote(): ArtefactStore {
  return new Proxy(store, { get: (target, key) => (key === 'localPath' ? async () => undefined : Reflect.get(target, key).bind(target)) });
}

it('links the file of a store on this host, so that it costs no space', async () => {
  const digest = await stored();
  const path = await materialiseArtefact(store, digest, folder);
  expect(path).toBe(join(folder, 'model.onnx'));
  expect((await stat(path)).ino).toBe((await stat((await store.localPath(digest)) ?? '')).ino);
});

it('copies from a store elsewhere and leaves only the model', async () => {
  const digest = await stored();
  const path = await materialiseArtefact(remote(), digest, folder);
  expect(await readFile(path)).toEqual(bytes);
  expect(await readdir(folder)).toEqual(['model.onnx']);
});

it('gives one file to many at a time', async () => {
  const digest = await stored();
  const paths = await Promise.all(Array.from({ length: 8 }, () => materialiseArtefact(store, digest, folder)));
  expect(new Set(paths).size).toBe(1);
  expect(await digestOf(join(folder, 'model.onnx'))).toBe(digest);
  expect(await readdir(folder)).toEqual(['model.onnx']);
});

it('fetches a damaged cached file again', async () => {
  const digest = await stored();
  const path = await materialiseArtefact(remote(), digest, folder);
  await chmod(path, 0o600);
  await writeFile(path, 'damaged');
  expect(await digestOf(await materialiseArtefact(remote(), digest, folder))).toBe(digest);
});

it('does not follow a link that lies in place of the model', async () => {
  const digest = await stored();
  const path = await materialiseArtefact(remote(), digest, folder);
  await rm(path);
  await symlink('/etc/passwd', path);
  await materialiseArtefact(remote(), digest, folder);
  expect(await readFile(path)).toEqual(bytes);
});

it.each([{ kind: 'linked' }, { kind: 'copied' }])('refuses a bit flip in the store ($kind) and leaves nothing', async ({ kind }) => {
  const digest = await stored();
  const path = (await store.localPath(digest)) ?? '';
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(50_000) ^ 1, 50_000);
  await chmod(path, 0o600);
  await writeFile(path, flipped);
  await expect(materialiseArtefact(kind === 'linked' ? store : remote(), digest, folder)).rejects.toMatchObject({ code: 'ARTEFACT_CORRUPT' });
  expect(await readdir(folder)).toEqual([]);
});

it('says that an artefact is not there', async () => {
  await expect(materialiseArtefact(store, 'ab'.repeat(32), folder)).rejects.toMatchObject({ code: 'ARTEFACT_NOT_FOUND' });
});

describe('a version of several files', () => {
  const weights = randomBytes(50_000);
  async function storedWithWeights(): Promise<{ digest: string; weightsDigest: string }> {
    const files = [];
    for (const [name, content] of [['model.onnx', bytes] as const, ['w.bin', weights] as const]) {
      const staged = await store.stage(Readable.from([content]), { maxBytes: 1e9 });
      await store.commit(staged);
      files.push({ name, digest: staged.digest, sizeBytes: staged.sizeBytes });
    }
    const manifest = await store.stage(Readable.from([Buffer.from(writeManifest(files))]), { maxBytes: 1e9 });
    await store.commit(manifest);
    return { digest: manifest.digest, weightsDigest: files[1]?.digest ?? '' };
  }

  it.each([{ kind: 'linked' }, { kind: 'copied' }])('lies in one folder under the names that the model uses ($kind)', async ({ kind }) => {
    const { digest } = await storedWithWeights();
    const from = kind === 'linked' ? store : remote();
    const paths = await Promise.all(Array.from({ length: 4 }, () => materialiseArtefact(from, digest, folder)));
    expect(new Set(paths)).toEqual(new Set([join(folder, 'model.onnx')]));
    expect((await readdir(folder)).sort()).toEqual(['.manifest', 'model.onnx', 'w.bin']);
    expect(await readFile(join(folder, 'w.bin'))).toEqual(weights);
  });

  it('fetches again whichever file was damaged or lost', async () => {
    const { digest } = await storedWithWeights();
    await materialiseArtefact(remote(), digest, folder);
    await chmod(join(folder, 'w.bin'), 0o600);
    await writeFile(join(folder, 'w.bin'), 'damaged');
    await rm(join(folder, 'model.onnx'));
    const path = await materialiseArtefact(remote(), digest, folder);
    expect(await readFile(path)).toEqual(bytes);
    expect(await readFile(join(folder, 'w.bin'))).toEqual(weights);
  });

  it('is not there while one of its files is not', async () => {
    const { digest, weightsDigest } = await storedWithWeights();
    await store.delete(weightsDigest);
    await expect(materialiseArtefact(store, digest, folder)).rejects.toMatchObject({ code: 'ARTEFACT_NOT_FOUND' });
  });
});
