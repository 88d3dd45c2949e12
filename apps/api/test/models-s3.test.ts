import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { floats, writeModel } from '@slipway/inference/testing';
import { S3Server } from '@slipway/registry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminKey, startApi, type TestApi } from './start-api.js';

let server: S3Server;
let api: TestApi;
beforeAll(async () => {
  server = new S3Server();
  const endpoint = encodeURIComponent(await server.listen());
  api = await startApi({
    ARTEFACT_URL: `s3://${server.bucket}/models?endpoint=${endpoint}&region=${server.region}`,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  });
});
afterAll(async () => {
  await api.close();
  await server.close();
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
// Above a part of 8 MiB, so that it goes as several.
const weights = randomBytes(9 * 1024 * 1024);
const graph = (inside: boolean) => ({
  nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
  inputs: [{ name: 'x', dims: ['rows', weights.length / 4] }],
  outputs: [{ name: 'y', dims: ['rows', weights.length / 4] }],
  initializers: [inside ? floats('w', [1], [1]) : { name: 'w', type: 1, dims: [weights.length / 4], external: 'w.bin' }],
});
const staged = () => readdir(join(api.home, 'staging')).catch(() => []);

async function send(files: Readonly<Record<string, Uint8Array>>) {
  const form = new FormData();
  for (const [name, bytes] of Object.entries(files)) form.append(name === 'file' ? 'file' : 'data', new Blob([new Uint8Array(bytes)]), name);
  const headers = { authorization: `Bearer ${adminKey}` };
  const answer = await fetch(`${api.url}/v1/models/far/versions`, { method: 'POST', headers, body: form });
  return { status: answer.status, body: await answer.json() };
}

it('keeps versions in an S3-compatible store, gives them back, and takes them away', async () => {
  await api.call('POST', '/v1/models', { name: 'far' });
  const model = writeModel({ graph: graph(false) });
  const sent = await send({ file: model, 'w.bin': weights });
  expect(sent).toMatchObject({ status: 201, body: { version: 1, status: 'VALIDATING' } });
  expect([...server.objects.keys()].every((key) => key.startsWith('models/sha256/'))).toBe(true);
  expect(server.objects.size).toBe(3);
  expect(server.uploads.size).toBe(0);
  expect(await staged()).toEqual([]);
  const answer = await fetch(`${api.url}/v1/models/far/versions/1/files/w.bin`, { headers: { authorization: `Bearer ${adminKey}` } });
  expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(sha256(weights));
  expect(await api.call('DELETE', '/v1/models/far/versions/1')).toMatchObject({ status: 204 });
  expect(server.objects.size).toBe(0);
});

it('answers 503 and keeps nothing while the store is away', async () => {
  server.interfere = (request) => {
    request.socket.destroy();
    return true;
  };
  const sent = await send({ file: writeModel({ graph: graph(true) }) });
  expect(sent).toMatchObject({ status: 503, body: { code: 'ARTEFACT_STORE_UNAVAILABLE' } });
  server.interfere = () => false;
  expect(await staged()).toEqual([]);
  expect(server.objects.size).toBe(0);
  expect(await api.call('GET', '/v1/models/far/versions')).toMatchObject({ body: { items: [] } });
  expect(await send({ file: writeModel({ graph: graph(true) }) })).toMatchObject({ status: 201 });
});
