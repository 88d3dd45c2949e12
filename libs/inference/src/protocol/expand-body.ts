import { gunzipSync, inflateSync } from 'node:zlib';
import { SlipwayError } from '@slipway/contracts';

/**
 * Undoes a request's Content-Encoding (`gzip`, or `deflate` with its zlib wrapping) within a bound on the expanded size.
 * @throws SlipwayError ENCODING_UNSUPPORTED, INFER_TOO_LARGE, or INFER_INVALID when the stream is broken.
 */
export function expandBody(body: Buffer, contentEncoding: string | undefined, maxBytes: number): Buffer {
  const encoding = contentEncoding?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return withinBound(body, maxBytes);
  if (encoding === 'gzip' || encoding === 'x-gzip') return expand(gunzipSync, body, encoding, maxBytes);
  if (encoding === 'deflate') return expand(inflateSync, body, encoding, maxBytes);
  throw new SlipwayError(
    'ENCODING_UNSUPPORTED',
    `Content-Encoding ${JSON.stringify(encoding.slice(0, 40))} is not supported: use gzip, deflate or none`,
  );
}

function withinBound(body: Buffer, maxBytes: number): Buffer {
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}

function expand(unzip: (body: Buffer, options: { maxOutputLength: number }) => Buffer, body: Buffer, encoding: string, maxBytes: number): Buffer {
  try {
    return unzip(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new SlipwayError('INFER_INVALID', `the body is not valid ${encoding}`, { cause: error });
  }
}

function tooLarge(maxBytes: number): SlipwayError {
  return new SlipwayError('INFER_TOO_LARGE', `the request body is larger than the limit of ${maxBytes} bytes after expansion`);
}
