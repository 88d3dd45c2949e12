import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Task, VersionView } from '@slipway/contracts';
import { floats, writeModel } from '@slipway/inference/testing';
import { newId } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { findModel, lockDigest, ModelStore, modelsFolderOf, openArtefactStore, VersionStore, writeManifest } from '@slipway/registry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { by, RunningWorker } from './running-worker.js';

const example = (path: string) => readFile(fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url)));
const metadata = { irVersion: 8, producer: null, producerVersion: null, opsets: {}, docString: null, properties: {}, nodeCount: 1, operators: {} };

let worker: RunningWorker;
let versions: VersionStore;
let diagnosis: Buffer;
beforeAll(async () => {
  worker = await RunningWorker.open();
  versions = new VersionStore(worker.database.db);
  await new ModelStore(worker.database.db).create(by, { name: 'm', description: '', tags: {} });
  diagnosis = await example('medicine/diagnosis-v1.onnx');
  await worker.start();
});
afterAll(() => worker.close());

/** File, row and job as the API writes them after an upload. */
async function upload(bytes: Buffer, task?: Task): Promise<VersionView> {
  const artefacts = openArtefactStore({ home: worker.home });
  const staged = await artefacts.stage(Readable.from([bytes]), { maxBytes: 1e9 });
  return worker.database.db.$transaction(async (tx) => {
    await lockDigest(tx, staged.digest);
    const { digest, sizeBytes } = staged;
    const given = { fileName: undefined, description: undefined, tags: undefined, provenance: undefined };
    const view = await versions.create(tx, by, await findModel(tx, by.projectId, 'm'), { digest, sizeBytes, task, metadata, ...given });
    await artefacts.commit(staged);
    return view;
  });
}

/** A model with its weights beside it, past the look that the API has at them. */
async function uploadFiles(model: Buffer, weights: Buffer): Promise<VersionView> {
  const artefacts = openArtefactStore({ home: worker.home });
  const store = async (name: string, bytes: Buffer) => {
    const staged = await artefacts.stage(Readable.from([bytes]), { maxBytes: 1e9 });
    await artefacts.commit(staged);
    return { name, digest: staged.digest, sizeBytes: staged.sizeBytes };
  };
  const files = [await store('model.onnx', model), await store('weights.bin', weights)];
  const { digest } = await store('manifest', Buffer.from(writeManifest(files)));
  const given = { fileName: undefined, description: undefined, tags: undefined, provenance: undefined, task: undefined };
  return worker.database.db.$transaction(async (tx) =>
    versions.create(tx, by, await findModel(tx, by.projectId, 'm'), { digest, sizeBytes: 10, files, metadata, ...given }),
  );
}

const read = (version: VersionView) => versions.get(by.projectId, 'm', version.version);
const settled = (version: VersionView) =>
  waitFor(
    async () => {
      const view = await read(version);
      return view.status === 'VALIDATING' ? undefined : view;
    },
    { what: `version ${version.version} to be validated`, timeoutMs: 60_000 },
  );
const outcomesOf = (version: VersionView) =>
  worker.database.db.event.findMany({ where: { subjectId: version.id, actor: 'system:worker' }, orderBy: { sequence: 'asc' } });
const folders = async () => (await readdir(join(worker.home, 'hosts'))).flatMap((host) => modelsFolderOf(worker.home, host));
const cachedIds = async () => (await Promise.all((await folders()).map((folder) => readdir(folder)))).flat();

it('makes a good model READY with signature, task and footprint, and says so once', async () => {
  const view = await settled(await upload(diagnosis));
  expect(view).toMatchObject({
    status: 'READY',
    task: { kind: 'binary', rowAxis: 0 },
    footprint: { loadMs: expect.any(Number), rssBytes: expect.any(Number) },
  });
  expect(view.signature?.inputs.length).toBeGreaterThan(0);
  expect(view.signature?.outputs.length).toBeGreaterThan(0);
  expect(view.validatedAt).not.toBeNull();
  expect(await outcomesOf(view)).toMatchObject([{ action: 'version.validated', subjectName: `m/${view.version}`, after: { status: 'READY' } }]);
  expect(await cachedIds()).toContain(view.id);
});

it('makes a model READY that keeps its weights in another file, and rejects it with other weights', async () => {
  const weights = { name: 'w', type: 1, dims: [2, 1], external: 'weights.bin' };
  const model = writeModel({
    graph: {
      nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: [{ name: 'x', dims: ['rows', 2] }],
      outputs: [{ name: 'y', dims: ['rows', 1] }],
      initializers: [weights],
    },
  });
  const good = await settled(await uploadFiles(model, Buffer.from(Float32Array.from([2, 3]).buffer)));
  expect(good).toMatchObject({ status: 'READY', footprint: { latencies: expect.arrayContaining([{ rows: 1, medianMs: expect.any(Number) }]) } });
  const [folder = ''] = await folders();
  expect((await readdir(join(folder, good.id))).sort()).toEqual(['.manifest', 'model.onnx', 'weights.bin']);
  expect(await settled(await uploadFiles(model, Buffer.alloc(4)))).toMatchObject({
    status: 'REJECTED',
    reasons: [expect.stringContaining('reads 8 bytes of "weights.bin"')],
  });
});

it('keeps a stated task that fits and rejects one that does not', async () => {
  const guessed = (await settled(await upload(diagnosis))).task;
  expect(guessed).not.toBeNull();
  const stated: Task = { kind: 'other', rowAxis: 0 };
  expect(await settled(await upload(diagnosis, stated))).toMatchObject({ status: 'READY', task: stated });
  const wrong: Task = { kind: 'regression', predictionOutput: 'nope', rowAxis: 0 };
  expect(await settled(await upload(diagnosis, wrong))).toMatchObject({ status: 'REJECTED', reasons: [expect.stringContaining('no output "nope"')] });
});

it('rejects with a reason what the runtime cannot load, and keeps no copy on the host', async () => {
  const view = await settled(await upload(Buffer.from('\x08\x08 not a model')));
  expect(view).toMatchObject({ status: 'REJECTED', signature: null, reasons: [expect.any(String)] });
  expect(await outcomesOf(view)).toMatchObject([{ action: 'version.rejected', before: { status: 'VALIDATING' } }]);
  await waitFor(async () => !(await cachedIds()).includes(view.id), { what: 'the copy to be removed' });
});

it('rejects a version whose stored file was damaged', async () => {
  const bytes = await example('medicine/diagnosis-v2.onnx');
  await worker.end('SIGKILL');
  const version = await upload(bytes);
  const path = (await openArtefactStore({ home: worker.home }).localPath(version.digest)) ?? '';
  await chmod(path, 0o600);
  await writeFile(path, Buffer.concat([bytes.subarray(0, -1), Buffer.from([0])]));
  await worker.start();
  expect(await settled(version)).toMatchObject({ status: 'REJECTED', reasons: [expect.stringContaining('does not have this digest any more')] });
});

it('validates what was uploaded while no worker ran, and what one was killed over, once each', async () => {
  await worker.end('SIGKILL');
  const waiting = [await upload(diagnosis), await upload(diagnosis), await upload(diagnosis)];
  await worker.start();
  await waitFor(async () => (await cachedIds()).some((id) => waiting.some((version) => version.id === id)), { what: 'a validation to begin' });
  await worker.end('SIGKILL');
  await worker.start();
  for (const version of waiting) {
    expect(await settled(version)).toMatchObject({ status: 'READY' });
    expect(await outcomesOf(version)).toHaveLength(1);
  }
});

it('finds a version again whose message was lost', async () => {
  const version = await upload(diagnosis);
  await settled(version);
  const { db } = worker.database;
  await db.version.update({ where: { id: version.id }, data: { status: 'VALIDATING', createdAt: new Date(Date.now() - 60_000) } });
  await db.outboxMessage.deleteMany({ where: { jobId: `validate.${version.id}` } });
  expect(await settled(version)).toMatchObject({ status: 'READY' });
});

it('takes a job for a version that is gone, or done, as done', async () => {
  const version = await upload(diagnosis);
  const before = await settled(version);
  const { db } = worker.database;
  const enqueue = (versionId: string) =>
    db.outboxMessage.create({ data: { queue: 'validation', name: 'validate-version', jobId: `validate.${versionId}`, payload: { versionId } } });
  await enqueue(version.id);
  await enqueue('ver_gone');
  const after = await upload(diagnosis);
  await settled(after);
  expect(await read(version)).toEqual(before);
  expect(await outcomesOf(version)).toHaveLength(1);
});

it('cleans folders of versions that are gone at the next start, and no other', async () => {
  const kept = await settled(await upload(diagnosis));
  const [folder] = await folders();
  const left = newId('ver');
  await mkdir(join(folder ?? '', left));
  await worker.end('SIGTERM');
  await worker.start();
  await waitFor(async () => !(await cachedIds()).includes(left), { what: 'the left folder to be removed' });
  expect(await cachedIds()).toContain(kept.id);
});

it('ends within seconds while a model loads that never ends, and rejects that model after its time', async () => {
  const version = await upload(endlessModel());
  await waitFor(async () => (await cachedIds()).includes(version.id), { what: 'the validation to begin' });
  expect(await worker.end('SIGTERM')).toBeLessThan(5_000);
  expect(await read(version)).toMatchObject({ status: 'VALIDATING' });
  await worker.start({ SLIPWAY_VALIDATION_SECONDS: '2' });
  expect(await settled(version)).toMatchObject({ status: 'REJECTED', reasons: [expect.stringMatching(/did not (load|end) within/)] });
});

it('ends a blocked validation soon after its worker was killed', async () => {
  const watched = new URL('../dist/inspect/end-with-parent.js', import.meta.url);
  const blocked = `import { endWithParent } from ${JSON.stringify(watched.href)}; endWithParent();
    setTimeout(() => { process.stdout.write(String(process.pid)); for (;;) {} }, 100);`;
  const parent = `require('node:child_process').spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(blocked)}], { stdio: ['ignore', 'inherit', 'ignore'] });`;
  const killed = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  killed.stdout.on('data', (piece) => {
    said += String(piece);
  });
  const pid = Number(await waitFor(() => said, { what: 'the blocked process to start' }));
  expect(isAlive(pid)).toBe(true);
  killed.kill('SIGKILL');
  await waitFor(() => !isAlive(pid), { what: 'the blocked process to end' });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Turns for ever, in the runtime's own code: no signal but SIGKILL ends it. */
function endlessModel(): Buffer {
  const turns = Buffer.alloc(8);
  turns.writeBigInt64LE(2n ** 62n);
  const body = {
    nodes: [
      { op: 'Identity', inputs: ['cond'], outputs: ['cond_out'] },
      { op: 'Add', inputs: ['sum', 'one'], outputs: ['sum_out'] },
    ],
    inputs: [
      { name: 'i', type: 7, dims: [] },
      { name: 'cond', type: 9, dims: [] },
      { name: 'sum', type: 1, dims: [] },
    ],
    outputs: [
      { name: 'cond_out', type: 9, dims: [] },
      { name: 'sum_out', type: 1, dims: [] },
    ],
  };
  return writeModel({
    graph: {
      nodes: [{ op: 'Loop', inputs: ['turns', 'go', 'x'], outputs: ['y'], attributes: { body: { graph: body } } }],
      initializers: [
        floats('one', [], [1]),
        { name: 'turns', type: 7, dims: [], raw: turns },
        { name: 'go', type: 9, dims: [], raw: Buffer.from([1]) },
      ],
      inputs: [{ name: 'x', type: 1, dims: [] }],
      outputs: [{ name: 'y', type: 1, dims: [] }],
    },
  });
}
