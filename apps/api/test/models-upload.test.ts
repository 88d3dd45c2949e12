import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { VersionCreated } from '@slipway/contracts';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adminKey, startApi, type TestApi } from './start-api.js';

const example = (path: string) => readFile(fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url)));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const binary = { 'content-type': 'application/octet-stream' };
const maxBytes = 2 * 1024 * 1024;

let api: TestApi;
let diagnosis: Buffer;
let path: string;
let models = 0;
beforeAll(async () => {
  api = await startApi({ SLIPWAY_MAX_ARTEFACT_BYTES: String(maxBytes) });
  diagnosis = await example('medicine/diagnosis-v1.onnx');
});
afterAll(() => api.close());
beforeEach(async () => {
  models += 1;
  path = `/v1/models/model-${models}/versions`;
  await api.call('POST', '/v1/models', { name: `model-${models}` });
});

const send = (body: Uint8Array, query = '', headers: Record<string, string> = {}) =>
  api.call('POST', `${path}${query}`, body, { ...binary, ...headers });
const sendForm = (parts: readonly [string, string | Blob, string?][], headers: Record<string, string> = {}) => {
  const form = new FormData();
  for (const [name, value, fileName] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, fileName);
  }
  return fetch(`${api.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${adminKey}`, ...headers }, body: form }).then(
    async (answer) => ({
      status: answer.status,
      body: (await answer.json()) as Record<string, unknown>,
    }),
  );
};
const problem = (status: number, code: string) => ({ status, body: expect.objectContaining({ code, detail: expect.any(String) }) });

/** All that an upload can leave: rows, jobs, events, staged files, named files. */
async function everything() {
  const { db } = api.database;
  return {
    versions: await db.version.count(),
    jobs: await db.outboxMessage.count(),
    events: await db.event.count({ where: { subjectKind: 'version' } }),
    staged: await readdir(join(api.home, 'staging')).catch(() => []),
    files: (await readdir(join(api.home, 'artefacts'), { recursive: true }).catch(() => [])).filter((name) => name.length > 60).sort(),
  };
}

describe('a good file', () => {
  it('becomes a version in VALIDATING with its digest, its facts and its job', async () => {
    const sent = await send(diagnosis, '?fileName=diagnosis.onnx&description=first&tags=%7B%22stage%22%3A%22test%22%7D');
    const digest = sha256(diagnosis);
    expect(sent).toMatchObject({ status: 201, body: { model: `model-${models}`, version: 1, status: 'VALIDATING', digest } });
    expect(await api.call('GET', `${path}/1`)).toMatchObject({
      status: 200,
      body: {
        digest,
        status: 'VALIDATING',
        reasons: [],
        signature: null,
        sizeBytes: diagnosis.length,
        fileName: 'diagnosis.onnx',
        description: 'first',
        tags: { stage: 'test' },
        createdBy: 'key:bootstrap',
        metadata: { irVersion: expect.any(Number), opsets: expect.any(Object), nodeCount: expect.any(Number) },
      },
    });
    expect(await readFile(join(api.home, 'artefacts', 'sha256', digest.slice(0, 2), digest))).toEqual(diagnosis);
    expect((await everything()).staged).toEqual([]);
  });

  it('comes as a form with fields before and after it', async () => {
    const task = { kind: 'other', rowAxis: null };
    const sent = await sendForm([
      ['description', 'by form'],
      ['digest', sha256(diagnosis)],
      ['file', new Blob([diagnosis]), '../../evil\u202e/dia.onnx'],
      ['tags', '{"a":"b"}'],
      ['provenance', '{"gitCommit":"abc","metrics":{"f1":0.9}}'],
      ['task', JSON.stringify(task)],
    ]);
    expect(sent).toMatchObject({ status: 201, body: { version: 1 } });
    expect(await api.call('GET', `${path}/1`)).toMatchObject({
      body: { description: 'by form', fileName: 'dia.onnx', tags: { a: 'b' }, provenance: { gitCommit: 'abc', metrics: { f1: 0.9 } }, task },
    });
  });

  it('sent again makes another version of the same file', async () => {
    await send(diagnosis);
    const before = await everything();
    expect(await send(diagnosis)).toMatchObject({ status: 201, body: { version: 2, digest: sha256(diagnosis) } });
    expect((await everything()).files).toEqual(before.files);
  });

  it('with an Idempotency-Key makes one version however often it is sent, also at a time', async () => {
    const key = { 'idempotency-key': `once-${models}` };
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(diagnosis, '', key)));
    for (const answer of answers) expect(answer).toMatchObject({ status: 201, body: { version: 1 } });
    expect(await api.call('GET', path)).toMatchObject({ body: { items: [{ version: 1 }] } });
    const before = await everything();
    expect(await send(await example('medicine/diagnosis-v2.onnx'), '', key)).toMatchObject(problem(422, 'IDEMPOTENCY_KEY_REUSED'));
    expect(await everything()).toEqual(before);
  });

  it('is removed with the last version that refers to it, and not before', async () => {
    const bytes = await example('medicine/diagnosis-v3.onnx');
    await send(bytes);
    await send(bytes);
    const file = sha256(bytes);
    expect((await api.call('DELETE', `${path}/1`)).status).toBe(204);
    expect((await everything()).files.some((name) => name.endsWith(file))).toBe(true);
    expect((await api.call('DELETE', `/v1/models/model-${models}`)).status).toBe(204);
    expect((await everything()).files.some((name) => name.endsWith(file))).toBe(false);
  });

  it('gets consecutive numbers when twenty come at a time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? send(diagnosis) : sendForm([['file', new Blob([diagnosis]), 'd.onnx']]))),
    );
    for (const answer of answers) expect(answer.status).toBe(201);
    const numbers = answers.map((answer) => (answer.body as VersionCreated).version).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect((await everything()).staged).toEqual([]);
  });

  it('may have an alias, and a rejected version may not', async () => {
    await send(diagnosis);
    const alias = path.replace('/versions', '/aliases/champion');
    expect(await api.call('PUT', alias, { version: 1, reason: 'first' })).toMatchObject({ status: 200, body: { name: 'champion', version: 1 } });
    expect(await api.call('DELETE', `${path}/1`)).toMatchObject(problem(409, 'VERSION_IN_USE'));
    expect((await api.call('DELETE', alias)).status).toBe(204);
    await api.database.db.version.updateMany({ where: { model: { name: `model-${models}` } }, data: { status: 'REJECTED' } });
    expect(await api.call('PUT', alias, { version: 1 })).toMatchObject(problem(409, 'VERSION_NOT_READY'));
  });
});

describe('a bad file leaves nothing behind', () => {
  const lfs = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n';
  it.each<{ name: string; bytes: (good: Buffer) => Uint8Array; status: number; code: string }>([
    { name: 'an empty file', bytes: () => new Uint8Array(), status: 400, code: 'ARTEFACT_EMPTY' },
    { name: 'an HTML page', bytes: () => Buffer.from('<!DOCTYPE html><html><body>Not found</body></html>'), status: 422, code: 'ARTEFACT_REFUSED' },
    { name: 'a Git LFS pointer', bytes: () => Buffer.from(lfs), status: 422, code: 'ARTEFACT_REFUSED' },
    { name: 'JSON', bytes: () => Buffer.from('{"model":"fraud"}'), status: 422, code: 'ARTEFACT_REFUSED' },
    { name: 'random bytes', bytes: () => randomBytes(4_096), status: 422, code: 'ARTEFACT_REFUSED' },
    { name: 'a file cut in the middle', bytes: (good) => good.subarray(0, good.length / 2), status: 422, code: 'ARTEFACT_REFUSED' },
    { name: 'a file without its last byte', bytes: (good) => good.subarray(0, -1), status: 422, code: 'ARTEFACT_REFUSED' },
    {
      name: 'a field that announces 4 GB',
      bytes: () => Buffer.from([0x08, 0x08, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      status: 422,
      code: 'ARTEFACT_REFUSED',
    },
    { name: 'one byte over the limit', bytes: () => Buffer.alloc(maxBytes + 1), status: 413, code: 'ARTEFACT_TOO_LARGE' },
  ])('$name', async ({ bytes, status, code }) => {
    const before = await everything();
    expect(await send(bytes(diagnosis))).toMatchObject(problem(status, code));
    expect(await sendForm([['file', new Blob([bytes(diagnosis)]), 'x.onnx']])).toMatchObject(problem(status, code));
    expect(await everything()).toEqual(before);
  });

  it('cut at every 4 %', async () => {
    const before = await everything();
    const answers = await Promise.all(Array.from({ length: 25 }, (_, at) => send(diagnosis.subarray(0, Math.floor((diagnosis.length * at) / 25)))));
    for (const answer of answers) expect([400, 422]).toContain(answer.status);
    expect(await everything()).toEqual(before);
  });

  it.each<{ name: string; query: string; status: number; code: string }>([
    { name: 'another digest', query: `?digest=${'0'.repeat(64)}`, status: 422, code: 'ARTEFACT_DIGEST_MISMATCH' },
    { name: 'a digest that is none', query: '?digest=abc', status: 400, code: 'REQUEST_INVALID' },
    { name: 'a digest given twice', query: `?digest=${'0'.repeat(64)}&digest=${'1'.repeat(64)}`, status: 400, code: 'REQUEST_INVALID' },
    { name: 'an unknown field', query: '?status=READY', status: 400, code: 'REQUEST_INVALID' },
    { name: 'a task that is not JSON', query: '?task=binary', status: 400, code: 'REQUEST_INVALID' },
    { name: 'a task of an unknown kind', query: `?task=${encodeURIComponent('{"kind":"magic","rowAxis":0}')}`, status: 400, code: 'REQUEST_INVALID' },
    {
      name: 'a task with an output that the model does not have',
      query: `?task=${encodeURIComponent('{"kind":"regression","predictionOutput":"nope","rowAxis":0}')}`,
      status: 422,
      code: 'TASK_REFUSED',
    },
    { name: 'a tag named __proto__', query: `?tags=${encodeURIComponent('{"__proto__":"x"}')}`, status: 400, code: 'REQUEST_INVALID' },
    { name: 'a NUL in the description', query: '?description=a%00b', status: 400, code: 'REQUEST_INVALID' },
  ])('with $name', async ({ query, status, code }) => {
    const before = await everything();
    expect(await send(diagnosis, query)).toMatchObject(problem(status, code));
    expect(await everything()).toEqual(before);
  });

  it('for a model that is not there, before its bytes are read', async () => {
    path = '/v1/models/nobody/versions';
    const before = await everything();
    expect(await send(diagnosis)).toMatchObject(problem(404, 'MODEL_NOT_FOUND'));
    expect(await everything()).toEqual(before);
  });

  it('with a type, encoding or key that is not taken', async () => {
    const before = await everything();
    expect(await send(diagnosis, '', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
    expect(await send(diagnosis, '', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({ status: 415 });
    expect(await api.call('POST', path, { file: 'x' })).toMatchObject(problem(415, 'MEDIA_TYPE_UNSUPPORTED'));
    expect(await send(diagnosis, '', { 'content-encoding': 'gzip' })).toMatchObject(problem(415, 'ENCODING_UNSUPPORTED'));
    expect(await send(diagnosis, '', { 'idempotency-key': 'x'.repeat(300) })).toMatchObject(problem(400, 'REQUEST_INVALID'));
    expect(await send(diagnosis, '', { authorization: 'Bearer nothing' })).toMatchObject({ status: 401 });
    expect(await everything()).toEqual(before);
  });

  it('when the database refuses it at the last moment', async () => {
    await api.database.pool.query(`create function refuse_version() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
      create constraint trigger refuse after insert on "Version" deferrable initially deferred for each row execute function refuse_version()`);
    try {
      const before = await everything();
      const bytes = await example('logistics/bike-demand-v1.onnx');
      expect(await send(bytes)).toMatchObject({ status: 500 });
      expect(await everything()).toEqual(before);
    } finally {
      await api.database.pool.query('drop trigger refuse on "Version"; drop function refuse_version()');
    }
  });
});

describe('a form', () => {
  const file = (): [string, Blob, string] => ['file', new Blob([diagnosis]), 'd.onnx'];
  it.each<{ name: string; parts: () => [string, string | Blob, string?][] }>([
    { name: 'without a file', parts: () => [['description', 'x']] },
    { name: 'with the file as text', parts: () => [['file', 'text']] },
    { name: 'with two files', parts: () => [file(), file()] },
    { name: 'with the file under another name', parts: () => [['model', new Blob([diagnosis]), 'd.onnx']] },
    { name: 'with an unknown field', parts: () => [['colour', 'red'], file()] },
    { name: 'with an unknown field after the file', parts: () => [file(), ['colour', 'red']] },
    { name: 'with a field twice', parts: () => [file(), ['description', 'a'], ['description', 'b']] },
    { name: 'with __proto__ for a field', parts: () => [file(), ['__proto__', 'x']] },
    { name: 'with __proto__[x] for a field', parts: () => [['__proto__[x]', 'x'], file()] },
    { name: 'with a name nested deep', parts: () => [['a'.concat('[b]'.repeat(1_000)), 'x'], file()] },
    { name: 'with many fields', parts: () => [...Array.from({ length: 50 }, (_, at): [string, string] => [`f${at}`, 'x']), file()] },
    { name: 'with a large field', parts: () => [['description', 'x'.repeat(300_000)], file()] },
    { name: 'with broken JSON', parts: () => [file(), ['tags', '{']] },
    { name: 'with another digest', parts: () => [file(), ['digest', '0'.repeat(64)]] },
  ])('$name is refused and leaves nothing', async ({ parts }) => {
    const before = await everything();
    const answer = await sendForm(parts());
    expect([400, 422]).toContain(answer.status);
    expect(answer.body).toMatchObject({ detail: expect.any(String) });
    expect(await everything()).toEqual(before);
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
  });

  it.each([
    { name: 'without a boundary', type: 'multipart/form-data', body: 'x' },
    { name: 'with a boundary of 100 characters', type: `multipart/form-data; boundary=${'b'.repeat(100)}`, body: `--${'b'.repeat(100)}--\r\n` },
    { name: 'that is empty', type: 'multipart/form-data; boundary=b', body: '' },
    {
      name: 'that never ends',
      type: 'multipart/form-data; boundary=b',
      body: '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nbytes',
    },
    { name: 'with a long preamble', type: 'multipart/form-data; boundary=b', body: `${'p'.repeat(1_500_000)}\r\n--b--\r\n` },
    { name: 'that is not one', type: 'multipart/form-data; boundary=b', body: 'nothing of the kind' },
  ])('$name is refused and leaves nothing', async ({ type, body }) => {
    const before = await everything();
    expect(await api.call('POST', path, body, { 'content-type': type })).toMatchObject(problem(400, 'REQUEST_INVALID'));
    expect(await everything()).toEqual(before);
  });
});

describe('a sender that goes away', () => {
  it.each([
    { name: 'in the middle of a raw file', type: 'application/octet-stream', start: '' },
    {
      name: 'in the middle of a form',
      type: 'multipart/form-data; boundary=b',
      start: '--b\r\nContent-Disposition: form-data; name="file"; filename="a.onnx"\r\n\r\n',
    },
  ])('$name leaves nothing, fifty times over', async ({ type, start }) => {
    const before = await everything();
    for (let round = 0; round < 50; round += 10) {
      await Promise.all(Array.from({ length: 10 }, () => breakOff(type, start)));
    }
    await waitFor(async () => (await everything()).staged.length === 0, { what: 'staging to be empty' });
    expect(await everything()).toEqual(before);
    expect(await send(diagnosis)).toMatchObject({ status: 201 });
  });

  it('says less than it promised', async () => {
    const before = await everything();
    const socket = await openUpload({ 'content-type': 'application/octet-stream', 'content-length': String(diagnosis.length + 100) });
    socket.end(diagnosis);
    const answer = await readAll(socket);
    expect(answer).toMatch(/^(HTTP\/1\.1 400 |$)/);
    await waitFor(async () => (await everything()).staged.length === 0, { what: 'staging to be empty' });
    expect(await everything()).toEqual(before);
  });

  it('hears that it promised too much before it sends it', async () => {
    const socket = await openUpload({ 'content-type': 'application/octet-stream', 'content-length': '5000000000', expect: '100-continue' });
    expect(String(await new Promise((resolve) => socket.on('data', (piece) => /413/.test(String(piece)) && resolve(piece))))).toContain(
      'ARTEFACT_TOO_LARGE',
    );
    socket.destroy();
  });
});

it('clears away at its start what a killed process left in staging, and no upload in progress', async () => {
  const home = await mkdtemp(join(tmpdir(), 'slipway-left-'));
  const staging = join(home, 'staging');
  await mkdir(staging);
  for (const name of ['left', 'running']) await writeFile(join(staging, name), 'half a model');
  const longAgo = new Date(Date.now() - 11 * 60_000);
  await utimes(join(staging, 'left'), longAgo, longAgo);
  const restarted = await startApi({ SLIPWAY_HOME: home });
  try {
    expect(await readdir(staging)).toEqual(['running']);
  } finally {
    await restarted.close();
    await rm(home, { recursive: true, force: true });
  }
});

it('takes bytes for models at no other route', async () => {
  expect(await api.call('POST', '/v1/models', Buffer.from('{"name":"sneaky"}'), binary)).toMatchObject({ status: 415 });
  expect(await api.call('GET', '/v1/models/sneaky')).toMatchObject({ status: 404 });
});

async function breakOff(type: string, start: string): Promise<void> {
  const socket = await openUpload({ 'content-type': type, 'content-length': '1000000' });
  socket.write(start);
  socket.write(randomBytes(200_000));
  await waitFor(async () => (await everything()).staged.length > 0, { what: 'the upload to begin' });
  socket.destroy();
}

async function openUpload(headers: Record<string, string>): Promise<Socket> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  const lines = Object.entries({ host: `${hostname}:${port}`, authorization: `Bearer ${adminKey}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  return socket;
}

function readAll(socket: Socket): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    socket.on('data', (piece) => {
      text += String(piece);
    });
    socket.on('close', () => resolve(text));
    socket.on('end', () => resolve(text));
  });
}
