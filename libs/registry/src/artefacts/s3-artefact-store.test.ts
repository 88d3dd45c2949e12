import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { S3Server } from '../testing/s3-server.js';
import { describeArtefactStore } from './artefact-store-conformance.js';
import { S3ArtefactStore, type S3ArtefactStoreOptions } from './s3-artefact-store.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const partBytes = 5 * 1024 * 1024;
const anySize = { maxBytes: 1e9 };

let server: S3Server;
let endpoint: string;
let staging: string;
async function begin(): Promise<void> {
  server = new S3Server();
  endpoint = await server.listen();
  staging = await mkdtemp(join(tmpdir(), 'slipway-s3-'));
}
async function end(): Promise<void> {
  await server.close();
  await rm(staging, { recursive: true, force: true });
}

function storeOf(change: Partial<S3ArtefactStoreOptions> = {}): S3ArtefactStore {
  return new S3ArtefactStore({
    place: { endpoint: new URL(endpoint), region: server.region, bucket: server.bucket, prefix: 'some/prefix/', pathStyle: true },
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
    staging,
    partBytes,
    backoffMs: 1,
    // Pages of one, so that every list of the tests has several.
    listRows: 1,
    ...change,
  });
}

describeArtefactStore('S3', async () => {
  await begin();
  return { store: storeOf(), reopened: () => storeOf(), close: end };
});

describe('large files', () => {
  beforeEach(begin);
  afterEach(end);
  const bytes = randomBytes(2 * partBytes + 12_345);
  const stage = (store: S3ArtefactStore) => store.stage(Readable.from([bytes]), anySize);

  it('are sent in parts before the commit, and seen by nobody until then', async () => {
    const store = storeOf();
    const staged = await stage(store);
    await store.prepare(staged);
    await store.prepare(staged);
    expect(server.seen.filter((one) => one.includes('partNumber'))).toHaveLength(3);
    expect(await store.exists(staged.digest)).toBe(false);
    await store.commit(staged);
    const opened = await storeOf().open(staged.digest);
    expect(opened.sizeBytes).toBe(bytes.length);
    expect(sha256(await buffer(opened.stream))).toBe(staged.digest);
    expect(server.uploads.size).toBe(0);
    expect(await readdir(staging)).toEqual([]);
  });

  it('leave no parts when they are discarded', async () => {
    const store = storeOf();
    const staged = await stage(store);
    await store.prepare(staged);
    expect(server.uploads.size).toBe(1);
    await store.discard(staged);
    expect(server.uploads.size).toBe(0);
    expect(server.objects.size).toBe(0);
    expect(await readdir(staging)).toEqual([]);
  });

  it('leave no parts when the service gives up in the middle', async () => {
    const store = storeOf();
    const staged = await stage(store);
    server.interfere = (request, response) => {
      if (!request.url?.includes('partNumber=2')) return false;
      response.writeHead(503).end();
      return true;
    };
    await expect(store.prepare(staged)).rejects.toMatchObject({ code: 'ARTEFACT_STORE_UNAVAILABLE', status: 503 });
    expect(server.seen.filter((one) => one.includes('partNumber=2'))).toHaveLength(4);
    expect(server.uploads.size).toBe(0);
    server.interfere = () => false;
    await store.commit(staged);
    expect(await store.exists(staged.digest)).toBe(true);
  });

  it('are cleared away when the process that sent them is gone, and only then', async () => {
    const dead = storeOf();
    const staged = await stage(dead);
    await dead.prepare(staged);
    const other = storeOf();
    expect(await other.listStale(60_000)).toEqual([]);
    expect(await other.removeStale(60_000)).toBe(0);
    // A part that came a moment ago keeps an upload that began long ago.
    const [upload] = server.uploads.values();
    Object.assign(upload ?? {}, { initiatedAt: new Date(0) });
    expect(await other.removeStale(60_000)).toBe(0);
    expect(await other.removeStale(-60_000)).toBe(2);
    expect(server.uploads.size).toBe(0);
    expect(await readdir(staging)).toEqual([]);
  });

  it('are there when only the answer to the last request was lost', async () => {
    const store = storeOf();
    const staged = await stage(store);
    let lost = 0;
    server.afterComplete = (response) => {
      lost += 1;
      response.destroy();
    };
    await store.commit(staged);
    expect(lost).toBe(1);
    expect(sha256(await buffer((await store.open(staged.digest)).stream))).toBe(staged.digest);
  });

  it('wait for their turn, so that few parts are in memory however many are sent', async () => {
    let now = 0;
    let most = 0;
    server.interfere = (request, response) => {
      if (!request.url?.includes('partNumber')) return false;
      now += 1;
      most = Math.max(most, now);
      response.once('close', () => {
        now -= 1;
      });
      return false;
    };
    const store = storeOf({ partsAtOnce: 2 });
    const staged = await Promise.all(Array.from({ length: 4 }, () => stage(store)));
    await Promise.all(staged.map((one) => store.commit(one)));
    expect(most).toBeLessThanOrEqual(2);
    expect(server.objects.size).toBe(1);
  });
});

describe('a service that is not well', () => {
  beforeEach(begin);
  afterEach(end);
  const small = () => Readable.from([Buffer.from('small')]);

  it.each([
    { name: 'says 500', answer: 500 },
    { name: 'says slow down', answer: 429 },
    { name: 'cuts the connection', answer: 0 },
  ])('is asked again when it $name', async ({ answer }) => {
    const store = storeOf();
    let failures = 3;
    server.interfere = (request, response) => {
      if (failures === 0) return false;
      failures -= 1;
      if (answer === 0) request.socket.destroy();
      else response.writeHead(answer).end();
      return true;
    };
    await store.commit(await store.stage(small(), anySize));
    expect(await store.exists(sha256(Buffer.from('small')))).toBe(true);
  });

  it('is given up after four tries', async () => {
    server.interfere = (_, response) => {
      response.writeHead(500).end();
      return true;
    };
    await expect(storeOf().exists('ab'.repeat(32))).rejects.toMatchObject({ code: 'ARTEFACT_STORE_UNAVAILABLE' });
    expect(server.seen).toHaveLength(4);
  });

  it('is given up when it does not answer in time', async () => {
    server.interfere = () => true;
    await expect(storeOf({ answerMs: 20 }).exists('ab'.repeat(32))).rejects.toMatchObject({ code: 'ARTEFACT_STORE_UNAVAILABLE' });
  });

  it('that is full says so, once', async () => {
    const store = storeOf();
    const staged = await store.stage(small(), anySize);
    server.interfere = (_, response) => {
      response.writeHead(507).end('<Error><Code>XMinioStorageFull</Code></Error>');
      return true;
    };
    await expect(store.commit(staged)).rejects.toMatchObject({ code: 'ARTEFACT_STORE_FULL', status: 507 });
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    { name: 'a wrong secret', change: { credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'wrong' } }, code: 'SignatureDoesNotMatch' },
    { name: 'an unknown key', change: { credentials: { accessKeyId: 'AKIAOTHER', secretAccessKey: 'x' } }, code: 'InvalidAccessKeyId' },
  ])('refuses $name at once, and nobody outside sees the details', async ({ change, code }) => {
    const store = storeOf(change);
    const staged = await store.stage(small(), anySize);
    const refusal: unknown = await store.commit(staged).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'ARTEFACT_STORE_UNAVAILABLE', details: { code } });
    expect(String(refusal)).not.toContain(code);
    expect(server.seen).toHaveLength(1);
  });

  it('follows nobody to another place', async () => {
    server.interfere = (_, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
      return true;
    };
    await expect(storeOf().open('ab'.repeat(32))).rejects.toMatchObject({ code: 'ARTEFACT_STORE_UNAVAILABLE' });
  });
});
