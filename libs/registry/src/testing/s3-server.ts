import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { elements, encode, textOf } from '../artefacts/s3-xml.js';
import { isSigned } from './s3-signature.js';

const minPartBytes = 5 * 1024 * 1024;
const skewMs = 15 * 60_000;

interface StoredObject {
  readonly bytes: Buffer;
  readonly modifiedAt: Date;
}
interface Upload {
  readonly key: string;
  readonly initiatedAt: Date;
  readonly parts: Map<number, StoredObject & { readonly etag: string }>;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

/**
 * A server that speaks the part of S3's protocol that the store uses, as its reference describes it, with one bucket in memory: it checks
 * every signature and every body's hash, hides uploads in parts until they are complete, takes no part below 5 MiB but the last, and
 * gives lists in pages. For tests.
 */
export class S3Server {
  readonly bucket = 'slipway-test';
  readonly accessKeyId = 'AKIATEST';
  readonly secretAccessKey = randomBytes(20).toString('hex');
  readonly region = 'eu-test-1';
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, Upload>();
  /** Method and query of each request that came. */
  readonly seen: string[] = [];
  /** Called with every request before it is looked at: may answer itself (true), or end the connection. */
  interfere: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  /** Called when an upload in parts was completed, before the answer goes out. */
  afterComplete: (response: ServerResponse) => void = () => undefined;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      void this.answer(request, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.seen.push(`${request.method} ${(request.url ?? '').split('?')[1] ?? ''}`);
      if (this.interfere(request, response)) return;
      const body = await buffer(request);
      this.authenticate(request, body);
      this.handle(request, response, body);
    } catch (error) {
      if (response.destroyed || response.headersSent) return;
      const { status, code } = error instanceof Refusal ? error : new Refusal(500, 'InternalError');
      const text = request.method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>${encode(`refused: ${code}`)}</Message></Error>`;
      response.writeHead(status, { 'content-type': 'application/xml' }).end(text);
    }
  }

  private authenticate(request: IncomingMessage, body: Buffer): void {
    const signed = { method: request.method ?? '', target: request.url ?? '', headers: request.headers };
    if (!request.headers.authorization?.includes(`Credential=${this.accessKeyId}/`)) throw new Refusal(403, 'InvalidAccessKeyId');
    if (!request.headers.authorization.includes(`/${this.region}/s3/aws4_request`)) throw new Refusal(400, 'AuthorizationHeaderMalformed');
    if (!isSigned(signed, this.secretAccessKey)) throw new Refusal(403, 'SignatureDoesNotMatch');
    const date = String(request.headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
    if (Math.abs(Date.parse(date) - Date.now()) > skewMs) throw new Refusal(403, 'RequestTimeTooSkewed');
    if (request.method === 'PUT' && request.headers['content-length'] === undefined) throw new Refusal(411, 'MissingContentLength');
    const hash = createHash('sha256').update(body).digest('hex');
    if (request.headers['x-amz-content-sha256'] !== hash) throw new Refusal(400, 'XAmzContentSHA256Mismatch');
  }

  private handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '', 'http://s3');
    const [, bucket = '', ...rest] = url.pathname.split('/');
    if (bucket !== this.bucket) throw new Refusal(404, 'NoSuchBucket');
    const key = decodeURIComponent(rest.join('/'));
    const { method } = request;
    const query = url.searchParams;
    const uploadId = query.get('uploadId');
    if (key === '') this.list(query, response);
    else if (method === 'POST' && query.has('uploads')) this.begin(key, response);
    else if (uploadId !== null) this.handlePart({ method, key, uploadId, query, body }, response);
    else this.handleObject(method, key, body, response);
  }

  private handleObject(method: string | undefined, key: string, body: Buffer, response: ServerResponse): void {
    if (method === 'PUT') {
      this.objects.set(key, { bytes: body, modifiedAt: new Date() });
      response.writeHead(200, { etag: etagOf(body) }).end();
      return;
    }
    if (method === 'DELETE') {
      this.objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    const object = this.objects.get(key);
    if (object === undefined) throw new Refusal(404, 'NoSuchKey');
    response.writeHead(200, { 'content-length': object.bytes.length, etag: etagOf(object.bytes) });
    response.end(method === 'HEAD' ? undefined : object.bytes);
  }

  private begin(key: string, response: ServerResponse): void {
    const uploadId = randomBytes(12).toString('base64');
    this.uploads.set(uploadId, { key, initiatedAt: new Date(), parts: new Map() });
    sendXml(response, `<InitiateMultipartUploadResult><UploadId>${encode(uploadId)}</UploadId></InitiateMultipartUploadResult>`);
  }

  private handlePart(
    asked: { method: string | undefined; key: string; uploadId: string; query: URLSearchParams; body: Buffer },
    response: ServerResponse,
  ): void {
    const { method, key, uploadId, query, body } = asked;
    const upload = this.uploads.get(uploadId);
    if (upload === undefined || upload.key !== key) throw new Refusal(404, 'NoSuchUpload');
    if (method === 'PUT') {
      const number = Number(query.get('partNumber'));
      if (!(number >= 1 && number <= 10_000)) throw new Refusal(400, 'InvalidArgument');
      upload.parts.set(number, { bytes: body, modifiedAt: new Date(), etag: etagOf(body) });
      response.writeHead(200, { etag: etagOf(body) }).end();
    } else if (method === 'DELETE') {
      this.uploads.delete(uploadId);
      response.writeHead(204).end();
    } else if (method === 'GET') {
      const parts = [...upload.parts].map(
        ([number, part]) => `<Part><PartNumber>${number}</PartNumber><LastModified>${part.modifiedAt.toISOString()}</LastModified></Part>`,
      );
      sendXml(response, `<ListPartsResult>${parts.join('')}</ListPartsResult>`);
    } else this.complete(uploadId, upload, body, response);
  }

  private complete(uploadId: string, upload: Upload, body: Buffer, response: ServerResponse): void {
    const wanted = elements(body.toString(), 'Part').map((part) => ({ number: Number(textOf(part, 'PartNumber')), etag: textOf(part, 'ETag') }));
    const parts = wanted.map(({ number, etag }, index) => {
      const part = upload.parts.get(number);
      if (number !== index + 1) throw new Refusal(400, 'InvalidPartOrder');
      if (part === undefined || part.etag !== etag) throw new Refusal(400, 'InvalidPart');
      if (index < wanted.length - 1 && part.bytes.length < minPartBytes) throw new Refusal(400, 'EntityTooSmall');
      return part.bytes;
    });
    if (parts.length === 0) throw new Refusal(400, 'MalformedXML');
    this.uploads.delete(uploadId);
    this.objects.set(upload.key, { bytes: Buffer.concat(parts), modifiedAt: new Date() });
    this.afterComplete(response);
    if (!response.destroyed) sendXml(response, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
  }

  private list(query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get('prefix') ?? '';
    if (query.has('uploads')) {
      const after = query.get('upload-id-marker') ?? '';
      const rows = [...this.uploads].filter(([id, upload]) => upload.key.startsWith(prefix) && id > after).sort(byKey);
      const page = rows.slice(0, Number(query.get('max-uploads')));
      const text = page.map(
        ([id, { key, initiatedAt }]) =>
          `<Upload><Key>${encode(key)}</Key><UploadId>${encode(id)}</UploadId><Initiated>${initiatedAt.toISOString()}</Initiated></Upload>`,
      );
      const last = page.at(-1);
      const next =
        rows.length > page.length && last !== undefined
          ? `<NextKeyMarker>${encode(last[1].key)}</NextKeyMarker><NextUploadIdMarker>${encode(last[0])}</NextUploadIdMarker>`
          : '';
      sendXml(response, `<ListMultipartUploadsResult><IsTruncated>${next !== ''}</IsTruncated>${next}${text.join('')}</ListMultipartUploadsResult>`);
      return;
    }
    if (query.get('list-type') !== '2') throw new Refusal(501, 'NotImplemented');
    const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString();
    const rows = [...this.objects].filter(([key]) => key.startsWith(prefix) && key > after).sort(byKey);
    const page = rows.slice(0, Number(query.get('max-keys') ?? 1_000));
    const text = page.map(
      ([key, { bytes, modifiedAt }]) =>
        `<Contents><Key>${encode(key)}</Key><LastModified>${modifiedAt.toISOString()}</LastModified><ETag>&quot;x&quot;</ETag><Size>${bytes.length}</Size></Contents>`,
    );
    const isMore = rows.length > page.length;
    const token = isMore ? `<NextContinuationToken>${Buffer.from(page.at(-1)?.[0] ?? '').toString('base64')}</NextContinuationToken>` : '';
    sendXml(response, `<ListBucketResult><IsTruncated>${isMore}</IsTruncated>${token}${text.join('')}</ListBucketResult>`);
  }
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function sendXml(response: ServerResponse, xml: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`);
}
