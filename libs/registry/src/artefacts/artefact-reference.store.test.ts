import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ChangeBy } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { findModel } from '../models/find-model.store.js';
import { ModelStore } from '../models/model.store.js';
import { newProject, newVersion } from '../testing/registry-fixture.js';
import { VersionStore } from '../versions/version.store.js';
import { collectArtefact, collectArtefacts, lockDigest } from './artefact-reference.store.js';
import { FileArtefactStore } from './file-artefact-store.js';

let database: TestDatabase;
let home: string;
let store: FileArtefactStore;
let by: ChangeBy;
beforeAll(async () => {
  database = await testDatabase({ max: 10 });
});
afterAll(() => database.close());
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-reference-'));
  store = new FileArtefactStore({ root: join(home, 'artefacts'), staging: join(home, 'staging') });
  by = await newProject(database.db);
  await new ModelStore(database.db).create(by, { name: 'm', description: '', tags: {} });
});
afterEach(() => rm(home, { recursive: true, force: true }));

const stage = (bytes: Uint8Array = randomBytes(100)) => store.stage(Readable.from([bytes]), { maxBytes: 1000 });

/** File and row as an upload writes them. */
async function upload(bytes: Buffer): Promise<{ digest: string; number: number }> {
  const staged = await stage(bytes);
  return database.db.$transaction(async (tx) => {
    await lockDigest(tx, staged.digest);
    const model = await findModel(tx, by.projectId, 'm');
    const view = await new VersionStore(database.db).create(tx, by, model, newVersion({ digest: staged.digest }));
    await store.commit(staged);
    return { digest: staged.digest, number: view.version };
  });
}

it('removes an artefact without a version and keeps one with', async () => {
  const orphan = await stage();
  await store.commit(orphan);
  const { digest } = await upload(randomBytes(100));
  expect(await collectArtefact(database.db, store, digest)).toBe(false);
  expect(await collectArtefacts(database.db, store, 60_000)).toBe(0);
  expect(await collectArtefacts(database.db, store, -60_000)).toBe(1);
  expect(await store.exists(orphan.digest)).toBe(false);
  expect(await store.exists(digest)).toBe(true);
});

it('never leaves a version without its file while the same bytes come and go', async () => {
  const bytes = randomBytes(100);
  const versions = new VersionStore(database.db);
  const comeAndGo = async () => {
    for (let round = 0; round < 6; round += 1) {
      const { digest, number } = await upload(bytes);
      expect(await store.exists(digest)).toBe(true);
      await versions.remove(by, 'm', number);
      await collectArtefact(database.db, store, digest);
    }
  };
  await Promise.all([comeAndGo(), comeAndGo(), comeAndGo(), comeAndGo()]);
  expect(await collectArtefacts(database.db, store, -60_000)).toBe(0);
  for await (const left of store.list()) expect.unreachable(`left ${left.digest}`);
});
