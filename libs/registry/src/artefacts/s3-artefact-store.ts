import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { invariant, SlipwayError } from '@slipway/contracts';
import { type ArtefactStore, type Digest, isDigest, type StagedArtefact, type StageOptions, type StoredArtefact } from './artefact-store.js';
import { S3Client, type S3ClientOptions, S3Refusal } from './s3.client.js';
import { elements, encode, textOf } from './s3-xml.js';
import { StagingFolder } from './staging-folder.js';
import { artefactNotFound } from './store-errors.js';

export interface S3ArtefactStoreOptions extends S3ClientOptions {
  /** Uploads in progress on this host: a file is looked at before it is sent on. */
  readonly staging: string;
  /** Parts of large files; S3 takes none below 5 MiB but the last, and 10 000 of them. Default 8 MiB. */
  readonly partBytes?: number;
  /** Parts in memory at a time, of all uploads together. Default 4. */
  readonly partsAtOnce?: number;
  /** Rows that a list is asked for at a time; default 1 000, which is the most. */
  readonly listRows?: number;
}

/** A file that lies in the service in parts, unseen until they are put together. */
interface MultipartUpload {
  readonly uploadId: string;
  readonly etags: readonly string[];
}

interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
}

/**
 * Artefacts as objects `<prefix>sha256/ab/<digest>` in an S3-compatible service. An object appears whole or not at all: small files
 * are one PUT, larger ones are sent in parts that become an object with one request. Parts that a dead process left are
 * aborted by the sweep of staged files.
 */
export class S3ArtefactStore implements ArtefactStore {
  private readonly client: S3Client;
  private readonly staging: StagingFolder;
  private readonly prefix: string;
  private readonly partBytes: number;
  private readonly listRows: number;
  private readonly turns: Turns;
  private readonly prepared = new Map<string, MultipartUpload>();

  constructor(options: S3ArtefactStoreOptions) {
    this.client = new S3Client(options);
    this.staging = new StagingFolder(options.staging);
    this.prefix = options.place.prefix;
    this.partBytes = options.partBytes ?? 8 * 1024 * 1024;
    this.listRows = options.listRows ?? 1_000;
    this.turns = new Turns(options.partsAtOnce ?? 4);
  }

  stage(source: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedArtefact> {
    return this.staging.stage(source, options);
  }

  async prepare(staged: StagedArtefact): Promise<void> {
    if (staged.sizeBytes <= this.partBytes || this.prepared.has(staged.id)) return;
    this.prepared.set(staged.id, await this.sendParts(staged));
  }

  async commit(staged: StagedArtefact): Promise<void> {
    await this.prepare(staged);
    const upload = this.prepared.get(staged.id);
    if (upload === undefined) await this.putWhole(staged);
    else await this.complete(staged, upload);
    this.prepared.delete(staged.id);
    await this.staging.discard(staged);
  }

  async discard(staged: StagedArtefact): Promise<void> {
    const upload = this.prepared.get(staged.id);
    this.prepared.delete(staged.id);
    await this.staging.discard(staged);
    if (upload !== undefined) await this.abort({ key: this.keyOf(staged.digest), uploadId: upload.uploadId });
  }

  async open(digest: Digest): Promise<{ sizeBytes: number; stream: Readable }> {
    try {
      const response = await this.client.send({ method: 'GET', key: this.keyOf(digest) });
      const { body } = response;
      if (body === null) throw new Error('the artefact store answered without a body');
      return { sizeBytes: Number(response.headers.get('content-length')), stream: Readable.from(body, { objectMode: false }) };
    } catch (error) {
      if (isRefusal(error, 404)) throw artefactNotFound(digest);
      throw toServiceError(error);
    }
  }

  async exists(digest: Digest): Promise<boolean> {
    try {
      await this.client.send({ method: 'HEAD', key: this.keyOf(digest) });
      return true;
    } catch (error) {
      if (isRefusal(error, 404)) return false;
      throw toServiceError(error);
    }
  }

  /** Never: hosts keep copies of their own, named and checked by digest. */
  async localPath(digest: Digest): Promise<undefined> {
    this.keyOf(digest);
    return undefined;
  }

  async delete(digest: Digest): Promise<boolean> {
    // Deleting an absent object is a success to S3, so what there was has to be asked first.
    if (!(await this.exists(digest))) return false;
    await this.ask({ method: 'DELETE', key: this.keyOf(digest) });
    return true;
  }

  async *list(): AsyncIterable<StoredArtefact> {
    let token: string | undefined;
    do {
      const page = await this.ask({
        method: 'GET',
        key: '',
        query: {
          'list-type': '2',
          prefix: `${this.prefix}sha256/`,
          'max-keys': String(this.listRows),
          ...(token === undefined ? {} : { 'continuation-token': token }),
        },
      });
      for (const row of elements(page, 'Contents')) {
        const key = textOf(row, 'Key') ?? '';
        const digest = key.slice(-64);
        if (!isDigest(digest) || key !== this.keyOf(digest)) continue;
        yield { digest, sizeBytes: Number(textOf(row, 'Size')), storedAt: new Date(textOf(row, 'LastModified') ?? 0) };
      }
      token = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextContinuationToken') : undefined;
    } while (token !== undefined);
  }

  async listStale(olderThanMs: number): Promise<readonly string[]> {
    const uploads = await this.unfinished(olderThanMs);
    return [...(await this.staging.listStale(olderThanMs)), ...uploads.map(({ key, uploadId }) => `${key}?uploadId=${uploadId}`)];
  }

  async removeStale(olderThanMs: number): Promise<number> {
    const uploads = await this.unfinished(olderThanMs);
    for (const upload of uploads) await this.abort(upload);
    return (await this.staging.removeStale(olderThanMs)) + uploads.length;
  }

  private async putWhole(staged: StagedArtefact): Promise<void> {
    await this.turns.take(async () => {
      const body = await readPart(staged.path, 0, staged.sizeBytes);
      await this.ask({ method: 'PUT', key: this.keyOf(staged.digest), body });
    });
  }

  private async sendParts(staged: StagedArtefact): Promise<MultipartUpload> {
    const key = this.keyOf(staged.digest);
    const uploadId = textOf(await this.ask({ method: 'POST', key, query: { uploads: '' } }), 'UploadId');
    if (uploadId === undefined) throw new Error('the artefact store began an upload without saying its id');
    try {
      const etags: string[] = [];
      for (let offset = 0; offset < staged.sizeBytes; offset += this.partBytes) {
        etags.push(await this.sendPart(staged, { key, uploadId, number: etags.length + 1, offset }));
      }
      return { uploadId, etags };
    } catch (error) {
      await this.abort({ key, uploadId }).catch(() => undefined);
      throw error;
    }
  }

  private sendPart(staged: StagedArtefact, part: UnfinishedUpload & { number: number; offset: number }): Promise<string> {
    return this.turns.take(async () => {
      const body = await readPart(staged.path, part.offset, Math.min(this.partBytes, staged.sizeBytes - part.offset));
      const query = { partNumber: String(part.number), uploadId: part.uploadId };
      try {
        const response = await this.client.send({ method: 'PUT', key: part.key, query, body });
        await response.body?.cancel();
        const etag = response.headers.get('etag');
        if (etag === null) throw new Error('the artefact store took a part without an ETag');
        return etag;
      } catch (error) {
        throw toServiceError(error);
      }
    });
  }

  private async complete(staged: StagedArtefact, { uploadId, etags }: MultipartUpload): Promise<void> {
    const parts = etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${encode(etag)}</ETag></Part>`);
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    try {
      const answer = await this.client.text({ method: 'POST', key: this.keyOf(staged.digest), query: { uploadId }, body });
      // A failure after the headers went out comes as 200 with an error in it.
      if (elements(answer, 'Error').length > 0) throw new S3Refusal(500, textOf(answer, 'Code') ?? 'unknown', textOf(answer, 'Message') ?? '');
    } catch (error) {
      // The answer of a first, successful try may have been lost; then the upload is gone and the object there.
      if (isRefusal(error, 404) && (await this.exists(staged.digest))) return;
      throw toServiceError(error);
    }
  }

  private async abort({ key, uploadId }: UnfinishedUpload): Promise<void> {
    try {
      await this.client.text({ method: 'DELETE', key, query: { uploadId } });
    } catch (error) {
      if (!isRefusal(error, 404)) throw toServiceError(error);
    }
  }

  /** Uploads in parts to which nobody has added one for that long. */
  private async unfinished(olderThanMs: number): Promise<readonly UnfinishedUpload[]> {
    const before = Date.now() - olderThanMs;
    const stale: UnfinishedUpload[] = [];
    let marker: { 'key-marker': string; 'upload-id-marker': string } | undefined;
    do {
      const query = { uploads: '', prefix: `${this.prefix}sha256/`, 'max-uploads': String(this.listRows), ...marker };
      const page = await this.ask({ method: 'GET', key: '', query });
      for (const row of elements(page, 'Upload')) {
        const upload = { key: textOf(row, 'Key') ?? '', uploadId: textOf(row, 'UploadId') ?? '' };
        if (Date.parse(textOf(row, 'Initiated') ?? '') > before) continue;
        if ((await this.lastPartAt(upload)) <= before) stale.push(upload);
      }
      const isMore = textOf(page, 'IsTruncated') === 'true';
      marker = isMore
        ? { 'key-marker': textOf(page, 'NextKeyMarker') ?? '', 'upload-id-marker': textOf(page, 'NextUploadIdMarker') ?? '' }
        : undefined;
    } while (marker !== undefined);
    return stale;
  }

  /** When the last part came, in milliseconds; 0 when there is none. The first thousand parts are looked at. */
  private async lastPartAt({ key, uploadId }: UnfinishedUpload): Promise<number> {
    try {
      const page = await this.client.text({ method: 'GET', key, query: { uploadId } });
      return Math.max(0, ...elements(page, 'Part').map((part) => Date.parse(textOf(part, 'LastModified') ?? '') || 0));
    } catch (error) {
      // Finished or aborted meanwhile: nothing to clear away.
      if (isRefusal(error, 404)) return Number.POSITIVE_INFINITY;
      throw toServiceError(error);
    }
  }

  private async ask(request: Parameters<S3Client['text']>[0]): Promise<string> {
    try {
      return await this.client.text(request);
    } catch (error) {
      throw toServiceError(error);
    }
  }

  private keyOf(digest: Digest): string {
    invariant(isDigest(digest), 'an artefact is named by its SHA-256', { digest });
    return `${this.prefix}sha256/${digest.slice(0, 2)}/${digest}`;
  }
}

/** Lets so many work at a time; the others wait in the order they came. */
class Turns {
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(private readonly atOnce: number) {}

  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.taken >= this.atOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.taken += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.taken -= 1;
      else next();
    }
  }
}

async function readPart(path: string, offset: number, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const part = Buffer.allocUnsafe(bytes);
    await fill(file, part, offset);
    return part;
  } finally {
    await file.close();
  }
}

async function fill(file: FileHandle, part: Buffer, offset: number): Promise<void> {
  for (let at = 0; at < part.length; ) {
    const { bytesRead } = await file.read(part, at, part.length - at, offset + at);
    if (bytesRead === 0) throw new Error('a staged file became shorter while it was sent');
    at += bytesRead;
  }
}

function isRefusal(error: unknown, status: number): boolean {
  return error instanceof S3Refusal && error.status === status;
}

/** A refusal that callers can do nothing about: wrong keys, no such bucket, a service that speaks another dialect. */
function toServiceError(error: unknown): unknown {
  if (!(error instanceof S3Refusal)) return error;
  return new SlipwayError(
    'ARTEFACT_STORE_UNAVAILABLE',
    'the artefact store refused what Slipway asked of it; its operator finds the reason in the log',
    { cause: error, details: { status: error.status, code: error.code } },
  );
}
