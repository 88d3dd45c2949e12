import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { describeArtefactStore } from './artefact-store-conformance.js';
import { FileArtefactStore } from './file-artefact-store.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-store-'));
  folders.push(folder);
  return folder;
}
const storeIn = (folder: string) => new FileArtefactStore({ root: join(folder, 'artefacts'), staging: join(folder, 'staging') });

describeArtefactStore('folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-store-'));
  return { store: storeIn(folder), reopened: () => storeIn(folder), close: () => rm(folder, { recursive: true, force: true }) };
});

it('names files sha256/ab/<digest> and makes them read-only', async () => {
  const folder = await newFolder();
  const store = storeIn(folder);
  const staged = await store.stage(Readable.from([randomBytes(10)]), { maxBytes: 10 });
  await store.commit(staged);
  const path = join(folder, 'artefacts', 'sha256', staged.digest.slice(0, 2), staged.digest);
  expect(await store.localPath(staged.digest)).toBe(path);
  expect((await stat(path)).mode & 0o777).toBe(0o444);
});

it('does not take a link in the store for an artefact', async () => {
  const folder = await newFolder();
  const store = storeIn(folder);
  const digest = 'ab'.repeat(32);
  await mkdir(join(folder, 'artefacts', 'sha256', 'ab'), { recursive: true });
  await writeFile(join(folder, 'secret'), 'secret');
  await symlink(join(folder, 'secret'), join(folder, 'artefacts', 'sha256', 'ab', digest));
  expect(await store.exists(digest)).toBe(false);
  await expect(store.open(digest)).rejects.toMatchObject({ code: 'ARTEFACT_NOT_FOUND' });
});

it('lists nothing but artefacts, whatever else lies in the folder', async () => {
  const folder = await newFolder();
  await mkdir(join(folder, 'artefacts', 'sha256', 'ab'), { recursive: true });
  await writeFile(join(folder, 'artefacts', 'sha256', 'ab', 'notes.txt'), 'x');
  await writeFile(join(folder, 'artefacts', 'sha256', 'ab', 'cd'.repeat(32)), 'in the wrong folder');
  await writeFile(join(folder, 'artefacts', 'sha256', '.DS_Store'), 'x');
  for await (const stored of storeIn(folder).list()) expect.unreachable(`listed ${stored.digest}`);
});

it.runIf(existsSync('/dev/full'))('answers ARTEFACT_STORE_FULL on a full disk and leaves nothing', async () => {
  const folder = await newFolder();
  const options = { root: join(folder, 'artefacts'), staging: join(folder, 'staging') };
  const full = new FileArtefactStore({ ...options, createFile: () => open('/dev/full', 'w') });
  await expect(full.stage(Readable.from([randomBytes(2_000_000)]), { maxBytes: 1e9 })).rejects.toMatchObject({
    code: 'ARTEFACT_STORE_FULL',
    status: 507,
  });
  expect(await readdir(join(folder, 'staging'))).toEqual([]);
});

it('clears the staged file of a killed process once it is old, and touches no committed one', async () => {
  const folder = await newFolder();
  const store = storeIn(folder);
  const kept = await store.stage(Readable.from([randomBytes(10)]), { maxBytes: 10 });
  await store.commit(kept);
  const left = await leaveHalfAnUpload(folder);
  expect(await store.removeStale(600_000)).toBe(0);
  const longAgo = new Date(Date.now() - 601_000);
  await utimes(left, longAgo, longAgo);
  expect(await store.removeStale(600_000)).toBe(1);
  expect(await readdir(join(folder, 'staging'))).toEqual([]);
  expect(await store.exists(kept.digest)).toBe(true);
});

/** A real process that is killed in the middle of `stage`; answers the path it left. */
async function leaveHalfAnUpload(folder: string): Promise<string> {
  const staging = join(folder, 'staging');
  const program = `const fs = require('node:fs'); fs.mkdirSync(process.argv[1], { recursive: true });
    const fd = fs.openSync(process.argv[1] + '/half', 'wx'); fs.writeSync(fd, Buffer.alloc(5000)); process.stdout.write('half'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', program, staging], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  return join(staging, 'half');
}
