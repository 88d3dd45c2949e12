import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TensorParts, writeModel } from '@slipway/inference/testing';
import { ValidationStore } from '@slipway/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminKey, startApi, type TestApi } from './start-api.js';

const maxBytes = 100_000;
let api: TestApi;
beforeAll(async () => {
  api = await startApi({ SLIPWAY_MAX_ARTEFACT_BYTES: String(maxBytes) });
});
afterAll(() => api.close());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const weights = Buffer.from(Float32Array.from([1, 2, 3, 4]).buffer);
const external = (location: string, more: Partial<TensorParts> = {}): TensorParts => ({ name: 'w', type: 1, dims: [4], external: location, ...more });
const modelOf = (...initializers: TensorParts[]) =>
  writeModel({
    graph: {
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: [{ name: 'x', dims: ['rows', 4] }],
      outputs: [{ name: 'y', dims: ['rows', 4] }],
      initializers,
    },
  });
const problem = (status: number, code: string) => ({ status, body: expect.objectContaining({ code, detail: expect.any(String) }) });

let models = 0;
async function newModel(): Promise<string> {
  models += 1;
  await api.call('POST', '/v1/models', { name: `files-${models}` });
  return `/v1/models/files-${models}/versions`;
}

interface Sent {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

type Part = readonly [name: string, content: Uint8Array | string, fileName?: string];

async function send(path: string, parts: readonly Part[], headers: Record<string, string> = {}): Promise<Sent> {
  const form = new FormData();
  for (const [name, content, fileName] of parts) {
    if (typeof content === 'string') form.append(name, content);
    else form.append(name, new Blob([new Uint8Array(content)]), fileName ?? 'model.onnx');
  }
  const answer = await fetch(`${api.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${adminKey}`, ...headers }, body: form });
  const body: unknown = await answer.json();
  return { status: answer.status, body: typeof body === 'object' && body !== null ? { ...body } : {} };
}

/** What lies in the store and in staging, by name. */
async function stored() {
  const files = (await readdir(join(api.home, 'artefacts'), { recursive: true }).catch(() => [])).filter((name) => name.length > 60);
  return { files: files.map((name) => name.slice(-64)).sort(), staged: await readdir(join(api.home, 'staging')).catch(() => []) };
}

async function download(path: string, key = adminKey) {
  const answer = await fetch(`${api.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

describe('a model with external data', () => {
  it('is kept with its files, shown, given back, and taken away with them', async () => {
    const path = await newModel();
    const model = modelOf(external('w.bin'));
    const before = await stored();
    const sent = await send(path, [
      ['data', weights, 'w.bin'],
      ['file', model, 'mine.onnx'],
      ['digest', sha256(model)],
      ['card', '# Adds'],
    ]);
    expect(sent).toMatchObject({ status: 201, body: { version: 1, status: 'VALIDATING' } });
    expect(sent.body['digest']).not.toBe(sha256(model));
    expect(await api.call('GET', `${path}/1`)).toMatchObject({
      status: 200,
      body: { fileName: 'mine.onnx', sizeBytes: model.length + weights.length, card: '# Adds', digest: sent.body['digest'] },
    });
    expect(await api.call('GET', `${path}/1/files`)).toMatchObject({
      status: 200,
      body: {
        items: [
          { name: 'model.onnx', sizeBytes: model.length, digest: sha256(model) },
          { name: 'w.bin', sizeBytes: weights.length, digest: sha256(weights) },
        ],
      },
    });
    const file = await download(`${path}/1/files/w.bin`);
    expect(file).toMatchObject({ status: 200, bytes: weights });
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="w.bin"');
    expect((await download(`${path}/1/files/model.onnx`)).bytes).toEqual(model);
    expect(await api.call('GET', `${path}/1/files/..%2f..%2fetc`)).toMatchObject(problem(404, 'ARTEFACT_NOT_FOUND'));
    // The same files again are the same artefacts.
    expect(
      (
        await send(path, [
          ['file', model],
          ['data', weights, 'w.bin'],
        ])
      ).body['digest'],
    ).toBe(sent.body['digest']);
    expect((await stored()).files.length).toBe(before.files.length + 3);
    expect(await api.call('DELETE', `${path}/1`)).toMatchObject({ status: 204 });
    expect((await stored()).files.length).toBe(before.files.length + 3);
    expect(await api.call('DELETE', `${path}/2`)).toMatchObject({ status: 204 });
    expect(await stored()).toEqual(before);
  });

  it('is one version per Idempotency-Key, and another one with other weights', async () => {
    const path = await newModel();
    const parts: Part[] = [
      ['file', modelOf(external('w.bin'))],
      ['data', weights, 'w.bin'],
    ];
    const headers = { 'idempotency-key': `files-${models}` };
    const first = await send(path, parts, headers);
    expect(await send(path, parts, headers)).toEqual(first);
    const others: Part[] = [parts[0] ?? ['file', ''], ['data', Buffer.alloc(16), 'w.bin']];
    expect(await send(path, others, headers)).toMatchObject(problem(422, 'IDEMPOTENCY_KEY_REUSED'));
    expect((await send(path, others)).body['digest']).not.toBe(first.body['digest']);
  });

  const cases: { name: string; parts: readonly Part[]; status: number; code: string; says: RegExp }[] = [
    {
      name: 'without its weights',
      parts: [['file', modelOf(external('w.bin'))]],
      status: 422,
      code: 'ARTEFACT_REFUSED',
      says: /"w.bin" did not come/,
    },
    {
      name: 'with weights of another name',
      parts: [
        ['file', modelOf(external('w.bin'))],
        ['data', weights, 'v.bin'],
      ],
      status: 422,
      code: 'ARTEFACT_REFUSED',
      says: /"w.bin" did not come/,
    },
    {
      name: 'with a file that it does not refer to',
      parts: [
        ['file', modelOf(external('w.bin'))],
        ['data', weights, 'w.bin'],
        ['data', weights, 'extra.bin'],
      ],
      status: 422,
      code: 'ARTEFACT_REFUSED',
      says: /does not refer to "extra.bin"/,
    },
    {
      name: 'with weights that are too short',
      parts: [
        ['file', modelOf(external('w.bin'))],
        ['data', weights.subarray(1), 'w.bin'],
      ],
      status: 422,
      code: 'ARTEFACT_REFUSED',
      says: /reads 16 bytes of "w.bin"; the file that came with it has 15/,
    },
    {
      name: 'with one file twice but for case',
      parts: [
        ['file', modelOf(external('w.bin'))],
        ['data', weights, 'w.bin'],
        ['data', weights, 'W.bin'],
      ],
      status: 422,
      code: 'ARTEFACT_REFUSED',
      says: /twice/,
    },
    {
      name: 'that has all weights inside and a file beside it',
      parts: [
        ['file', modelOf({ name: 'w', type: 1, dims: [4], raw: weights })],
        ['data', weights, 'w.bin'],
      ],
      status: 422,
      code: 'ARTEFACT_REFUSED',
      says: /does not refer to "w.bin"/,
    },
    { name: 'that is missing', parts: [['data', weights, 'w.bin']], status: 400, code: 'REQUEST_INVALID', says: /part named "file"/ },
    {
      name: 'in two parts',
      parts: [
        ['file', modelOf(external('w.bin'))],
        ['file', modelOf(external('w.bin'))],
      ],
      status: 400,
      code: 'REQUEST_INVALID',
      says: /others in parts named "data"/,
    },
    {
      name: 'whose files are too large together',
      parts: [
        ['file', modelOf(external('w.bin'))],
        ['data', Buffer.alloc(maxBytes - 10), 'w.bin'],
      ],
      status: 413,
      code: 'ARTEFACT_TOO_LARGE',
      says: /with its other files/,
    },
    {
      name: 'with more files than the limit',
      parts: [['file', modelOf(external('w.bin'))], ...Array.from({ length: 257 }, (_, index): Part => ['data', weights, `w${index}`])],
      status: 400,
      code: 'REQUEST_INVALID',
      says: /at most 256 parts "data"/,
    },
    ...['../../w.bin', '/etc/passwd', 'a/w.bin', 'a\\w.bin', '..%2fw.bin', '.w', 'model.onnx', 'http://host/w'].map((name) => ({
      name: `whose weights are called ${name}`,
      parts: [
        ['file', modelOf(external(name))],
        ['data', weights, name],
      ] as const,
      status: 422,
      code: 'ARTEFACT_REFUSED',
      says: /plain name/,
    })),
  ];
  it.each(cases)('is refused $name, and nothing stays', async ({ parts, status, code, says }) => {
    const path = await newModel();
    const before = await stored();
    const sent = await send(path, parts);
    expect(sent).toMatchObject({ status, body: { code, detail: expect.stringMatching(says) } });
    expect(await stored()).toEqual(before);
    expect(await api.call('GET', path)).toMatchObject({ body: { items: [] } });
  });
});

describe('versions', () => {
  async function ready(path: string, dims: readonly (number | string)[], sent: readonly Part[] = []): Promise<void> {
    const model = writeModel({
      graph: { nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }], inputs: [{ name: 'x', dims }], outputs: [{ name: 'y', dims }] },
    });
    const { body } = await send(path, [['file', model], ...sent]);
    const row = await api.database.db.version.findFirstOrThrow({ where: { digest: String(body['digest']) }, orderBy: { createdAt: 'desc' } });
    const shape = dims.map((dim) => (typeof dim === 'number' ? dim : -1));
    const signature = { inputs: [{ name: 'x', datatype: 'FP32' as const, shape }], outputs: [{ name: 'y', datatype: 'FP32' as const, shape }] };
    const footprint = { loadMs: 1, runMs: 1, rssBytes: 1, latencies: [{ rows: 1, medianMs: 1 }] };
    await new ValidationStore(api.database.db).markReady(row.id, { signature, task: undefined, footprint, notes: [] });
  }

  it('are archived and taken out again', async () => {
    const path = await newModel();
    await ready(path, ['rows', 2]);
    expect(await api.call('POST', `${path}/1/archive`, { reason: 'old' })).toMatchObject({
      status: 200,
      body: { status: 'READY', archivedBy: 'key:bootstrap' },
    });
    expect(await api.call('GET', path)).toMatchObject({ body: { items: [] } });
    expect(await api.call('GET', `${path}?archived=true`)).toMatchObject({ body: { items: [{ version: 1 }] } });
    expect(await api.call('PUT', path.replace('versions', 'aliases/champion'), { version: 1 })).toMatchObject(problem(409, 'VERSION_ARCHIVED'));
    expect(await api.call('POST', `${path}/1/unarchive`, {})).toMatchObject({ status: 200, body: { archivedAt: null } });
    expect(await api.call('GET', `${path}?archived=1`)).toMatchObject(problem(400, 'REQUEST_INVALID'));
    expect(await api.call('GET', `${path}?sort=digest`)).toMatchObject(problem(400, 'REQUEST_INVALID'));
  });

  it('have a card in Markdown and provenance with meaning', async () => {
    const path = await newModel();
    await ready(path, ['rows', 2]);
    const provenance = {
      framework: 'torch 2.5',
      gitCommit: 'abc',
      parameters: { depth: 4 },
      metrics: { f1: 0.9 },
      tags: ['a'],
      derivedFrom: 1,
      own: 'kept',
    };
    await ready(path, ['rows', 2], [['provenance', JSON.stringify(provenance)]]);
    expect(await api.call('GET', `${path}/2`)).toMatchObject({ body: { provenance, footprint: { latencies: [{ rows: 1, medianMs: 1 }] } } });
    const card = '# <script>alert(1)</script>';
    expect(await api.call('PATCH', `${path}/2`, { card })).toMatchObject({ status: 200, body: { card } });
    const shown = await download(`${path}/2/card`);
    expect(shown.bytes.toString()).toBe(card);
    expect(shown.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await api.call('PATCH', `${path}/2`, { card: 'ü'.repeat(32_768) })).toMatchObject({ status: 200 });
    expect(await api.call('PATCH', `${path}/2`, { card: `ü${'ü'.repeat(32_768)}` })).toMatchObject(problem(400, 'REQUEST_INVALID'));
    for (const wrong of [{ derivedFrom: 9 }, { derivedFrom: '1' }, { metrics: { f1: 'high' } }, { tags: 'a' }]) {
      const refused = await send(path, [
        ['file', modelOf({ name: 'w', type: 1, dims: [4], raw: weights })],
        ['provenance', JSON.stringify(wrong)],
      ]);
      expect(refused).toMatchObject(problem(400, 'REQUEST_INVALID'));
    }
  });

  it('are compared by number, alias and deployment', async () => {
    const path = await newModel();
    const model = path.split('/')[3] ?? '';
    await ready(path, ['rows', 2]);
    await ready(path, ['rows', 3]);
    await ready(path, ['rows', 'columns']);
    const compare = (version: number, other: string) => api.call('GET', `${path}/${version}/compatibility?with=${other}`);
    expect(await compare(2, '1')).toMatchObject({
      status: 200,
      body: {
        model,
        version: 2,
        with: { version: 1 },
        kind: 'breaking',
        differences: [expect.stringContaining('dimension 1 was 2 and is 3'), expect.any(String)],
      },
    });
    await api.call('PUT', path.replace('versions', 'aliases/champion'), { version: 1 });
    expect(await compare(3, 'champion')).toMatchObject({ body: { with: { version: 1, alias: 'champion' }, kind: 'compatible' } });
    expect(await compare(1, 'alias:Champion')).toMatchObject({ body: { kind: 'same', differences: [] } });
    await api.call('POST', '/v1/deployments', { name: `on-${model}`, model, version: 1 });
    expect(await compare(3, `on-${model}`)).toMatchObject(problem(503, 'DEPLOYMENT_NOT_READY'));
    const { db } = api.database;
    const revision = await db.revision.findFirstOrThrow({ where: { deployment: { name: `on-${model}` } } });
    await db.deployment.update({ where: { id: revision.deploymentId }, data: { activeRevisionId: revision.id } });
    expect(await compare(3, `on-${model}`)).toMatchObject({ body: { with: { version: 1, deployment: `on-${model}` }, kind: 'compatible' } });
    expect(await compare(2, `deployment:on-${model}`)).toMatchObject({ body: { with: { version: 1 }, kind: 'breaking' } });
    expect(await compare(3, 'nothing')).toMatchObject(problem(404, 'DEPLOYMENT_NOT_FOUND'));
    expect(await compare(3, 'alias:nothing')).toMatchObject(problem(404, 'ALIAS_NOT_FOUND'));
    expect(await compare(3, '99')).toMatchObject(problem(404, 'VERSION_NOT_FOUND'));
    expect(await compare(3, '..%2f')).toMatchObject(problem(400, 'REQUEST_INVALID'));
    // In use: the deployment's revision keeps it.
    expect(await api.call('DELETE', `${path}/1`)).toMatchObject(problem(409, 'VERSION_IN_USE'));
    expect(await api.call('POST', `${path}/1/archive`, {})).toMatchObject(problem(409, 'VERSION_IN_USE'));
  });
});
