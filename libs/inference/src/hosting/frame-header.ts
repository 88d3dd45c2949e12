import { SlipwayError } from '@slipway/contracts';

/** Header keys of version 1. Keys are never reused; unknown ones are skipped, so both sides may be a release apart. */
export const headerKeys = {
  predictionId: 1,
  deadlineMs: 2,
  priority: 3,
  kind: 4,
  traceparent: 5,
  contentType: 6,
  contentEncoding: 7,
  inferenceHeaderContentLength: 8,
  acceptEncoding: 9,
  status: 10,
  errorCode: 11,
  queueMicros: 12,
  computeMicros: 13,
  rows: 14,
  modelName: 15,
  contentKind: 16,
  batchRows: 17,
  clientId: 18,
  invalidOutput: 19,
  alone: 20,
  runs: 21,
  decodeMicros: 22,
  encodeMicros: 23,
} as const;

const textKeys = ['predictionId', 'traceparent', 'contentType', 'contentEncoding', 'acceptEncoding', 'errorCode', 'modelName', 'clientId'] as const;
const u32Keys = [
  'deadlineMs',
  'inferenceHeaderContentLength',
  'queueMicros',
  'computeMicros',
  'rows',
  'batchRows',
  'decodeMicros',
  'encodeMicros',
] as const;
const u16Keys = ['status'] as const;
const u8Keys = ['priority', 'kind', 'contentKind', 'invalidOutput', 'alone', 'runs'] as const;

type TextKey = (typeof textKeys)[number];
type NumberKey = (typeof u32Keys)[number] | (typeof u16Keys)[number] | (typeof u8Keys)[number];
type HeaderKey = TextKey | NumberKey;

/** The facts that travel beside a body. */
export type FrameHeader = { [key in TextKey]?: string } & { [key in NumberKey]?: number };

const version = 1;
const widths = new Map<number, { readonly name: HeaderKey; readonly bytes: 0 | 1 | 2 | 4 }>();
for (const name of textKeys) widths.set(headerKeys[name], { name, bytes: 0 });
for (const name of u32Keys) widths.set(headerKeys[name], { name, bytes: 4 });
for (const name of u16Keys) widths.set(headerKeys[name], { name, bytes: 2 });
for (const name of u8Keys) widths.set(headerKeys[name], { name, bytes: 1 });

const fields = [...widths].map(([key, { name, bytes }]) => ({ key, name, bytes }));

/** Above this a text is cut: a header is bounded by its 16-bit length, and no field of ours needs more. */
const maxTextBytes = 4096;
const scratch = Buffer.allocUnsafe(64 * 1024);

/** Encodes a header map: u8 version, then entries of u8 key, u16 length, bytes. Numbers are unsigned little-endian and saturate at their width. */
export function encodeHeader(header: FrameHeader): Buffer {
  scratch[0] = version;
  let at = 1;
  // By index: this runs for every request and answer, and an iterator over a map took a twentieth of a gateway's time.
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index];
    const value = field === undefined ? undefined : header[field.name];
    if (field === undefined || value === undefined) continue;
    at = typeof value === 'number' ? writeNumber(at, field.key, value, field.bytes) : writeText(at, field.key, value);
  }
  const encoded = Buffer.allocUnsafe(at);
  scratch.copy(encoded, 0, 0, at);
  return encoded;
}

function writeText(at: number, key: number, value: string): number {
  const length = scratch.write(value, at + 3, maxTextBytes, 'utf8');
  scratch[at] = key;
  scratch.writeUInt16LE(length, at + 1);
  return at + 3 + length;
}

function writeNumber(at: number, key: number, value: number, bytes: number): number {
  scratch[at] = key;
  scratch.writeUInt16LE(bytes, at + 1);
  const top = 2 ** (8 * bytes) - 1;
  scratch.writeUIntLE(Math.min(top, Math.max(0, Math.trunc(value) || 0)), at + 3, bytes);
  return at + 3 + bytes;
}

/**
 * Decodes a header map. Unknown keys are skipped.
 * @throws SlipwayError INTERNAL when an entry reaches past the end.
 */
export function decodeHeader(bytes: Buffer): FrameHeader {
  const header: FrameHeader = {};
  if (bytes.length === 0) return header;
  let at = 1;
  while (at < bytes.length) {
    if (at + 3 > bytes.length) throw malformed();
    const key = bytes.readUInt8(at);
    const length = bytes.readUInt16LE(at + 1);
    const start = at + 3;
    at = start + length;
    if (at > bytes.length) throw malformed();
    const known = widths.get(key);
    if (known === undefined) continue;
    readEntry(header, known, bytes, start, length);
  }
  return header;
}

function readEntry(header: FrameHeader, known: { name: HeaderKey; bytes: number }, bytes: Buffer, start: number, length: number): void {
  if (isTextKey(known.name)) header[known.name] = bytes.toString('utf8', start, start + length);
  else if (length === known.bytes) header[known.name] = bytes.readUIntLE(start, known.bytes);
  else throw malformed();
}

const textKeySet: ReadonlySet<string> = new Set(textKeys);

function isTextKey(name: HeaderKey): name is TextKey {
  return textKeySet.has(name);
}

function malformed(): SlipwayError {
  return new SlipwayError('INTERNAL', 'a frame header is malformed');
}
