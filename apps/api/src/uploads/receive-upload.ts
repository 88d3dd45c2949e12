import { SlipwayError } from '@slipway/contracts';
import { type ArtefactStore, tooLarge } from '@slipway/registry';
import type { FastifyRequest } from 'fastify';
import { receiveForm } from './receive-form.js';
import { withStallLimit } from './stall-limit.js';
import type { Upload, UploadShape } from './upload.js';
import { cleanFileName, parseUploadFields } from './upload-fields.js';

/**
 * Streams the request's file to staging; its bytes are never whole in memory. Nothing stays in staging when it rejects.
 * @throws SlipwayError MEDIA_TYPE_UNSUPPORTED, ENCODING_UNSUPPORTED, REQUEST_INVALID, BODY_TIMEOUT, ARTEFACT_TOO_LARGE, ARTEFACT_STORE_FULL
 */
export async function receiveUpload<Fields>(request: FastifyRequest, store: ArtefactStore, shape: UploadShape<Fields>): Promise<Upload<Fields>> {
  refuseEncoding(request);
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'multipart/form-data') {
    if (queryOf(request).size > 0) throw new SlipwayError('REQUEST_INVALID', 'expected all fields in the form; given some in the query as well');
    return receiveForm(request, store, shape);
  }
  if (type === 'application/octet-stream') return receiveRaw(request, store, shape);
  throw new SlipwayError(
    'MEDIA_TYPE_UNSUPPORTED',
    `expected application/octet-stream (the file itself) or multipart/form-data (the part "file" and fields); given ${type === undefined ? 'no content type' : JSON.stringify(type.slice(0, 100))}`,
  );
}

async function receiveRaw<Fields>(request: FastifyRequest, store: ArtefactStore, shape: UploadShape<Fields>): Promise<Upload<Fields>> {
  const query = queryOf(request);
  const fileName = query.get('fileName');
  query.delete('fileName');
  if (Array.isArray(fileName)) throw new SlipwayError('REQUEST_INVALID', 'fileName: expected once; given several times');
  const fields = parseUploadFields(shape.fields, query);
  const announced = Number(request.headers['content-length']);
  if (announced > shape.maxBytes) throw tooLarge(shape.maxBytes, announced, shape.what);
  const staged = await store.stage(withStallLimit(request.raw, shape.stallMs), shape);
  return { staged, fields, further: [], fileName: cleanFileName(typeof fileName === 'string' ? fileName : undefined) };
}

/** The query as a map, so that no name in it means anything to JavaScript. */
function queryOf(request: FastifyRequest): Map<string, unknown> {
  const { query } = request;
  return new Map(typeof query === 'object' && query !== null ? Object.entries(query) : []);
}

function refuseEncoding(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase();
  if (encoding === undefined || encoding === 'identity') return;
  throw new SlipwayError(
    'ENCODING_UNSUPPORTED',
    `expected the file as it is, without Content-Encoding; given ${JSON.stringify(encoding.slice(0, 100))}`,
  );
}
