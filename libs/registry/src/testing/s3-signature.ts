import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface SignedRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * The signature that a request should have, by AWS Signature Version 4 ("Authenticating Requests: Using the Authorization Header",
 * Amazon S3 API Reference), worked out from its headers alone. Written for tests, apart from the client's own signer.
 */
export function expectedSignature(request: SignedRequest, secretAccessKey: string): { readonly given: string; readonly expected: string } {
  const authorization = header(request, 'authorization');
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(authorization);
  const [, credential = '', signedHeaders = '', given = ''] = match ?? [];
  const [, date = '', region = '', service = ''] = credential.split('/');
  const [path = '', query = ''] = request.target.split('?', 2);
  const canonical = [
    request.method,
    canonicalPath(path),
    canonicalQuery(query),
    ...signedHeaders.split(';').map((name) => `${name}:${header(request, name).trim().replaceAll(/\s+/g, ' ')}`),
    '',
    signedHeaders,
    header(request, 'x-amz-content-sha256'),
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', header(request, 'x-amz-date'), scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<Buffer | string>((last, part) => hmac(last, part), `AWS4${secretAccessKey}`);
  return { given, expected: hmac(key, toSign).toString('hex') };
}

/** Whether the request was signed with this secret, and nothing of it that matters changed since. */
export function isSigned(request: SignedRequest, secretAccessKey: string): boolean {
  const { given, expected } = expectedSignature(request, secretAccessKey);
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

function canonicalPath(path: string): string {
  return path.split('/').map(decodeURIComponent).map(percentEncode).join('/');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const [name = '', value = ''] = pair.split('=', 2);
    return `${percentEncode(decode(name))}=${percentEncode(decode(value))}`;
  });
  return pairs.sort().join('&');
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** RFC 3986: everything but letters, digits, and -._~ is escaped. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function header({ headers }: SignedRequest, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}
