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
  /** Of a request: 1 asks for an `ObservedAnswer` beside the answer. */
  observe: 24,
  /** Of an answer: so many bytes at the end of its body are the `ObservedAnswer`, as JSON. */
  observedBytes: 25,
  /** Of a request of kind `probe`: what it measures, by its number in `probeFrames`; an instance that does not know it answers as usual. */
  probe: 26,
  /** Runs that a probe is made of. */
  probeRuns: 27,
  /** Of an answer: 1 says that its body is the report of a probe. */
  probed: 28,
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
  'observedBytes',
] as const;
const u16Keys = ['status'] as const;
const u8Keys = ['priority', 'kind', 'contentKind', 'invalidOutput', 'alone', 'runs', 'observe', 'probe', 'probeRuns', 'probed'] as const;

type TextKey = (typeof textKeys)[number];
type NumberKey = (typeof u32Keys)[number] | (typeof u16Keys)[number] | (typeof u8Keys)[number];
type HeaderKey = TextKey | NumberKey;

/** The facts that travel beside a body. */
export type FrameHeader = { [key in TextKey]?: string } & { [key in NumberKey]?: number };

/** What `invalidOutput` may be. */
export const nanOutput = 1;
export const outOfRange = 2;

/**
 * What a probe asks of an instance, by its number in a frame header: the spread of answers to the same input, and to inputs disturbed a little; the
 * answer to one input, as numbers; and what was counted of inputs that came more than once.
 */
export const probeFrames = ['none', 'repeat', 'jitter', 'answer', 'natural'] as const;
export type ProbeFrame = (typeof probeFrames)[number];

const version = 1;
const widths = new Map<number, { readonly name: HeaderKey; readonly bytes: 0 | 1 | 2 | 4 }>();
for (const name of textKeys) widths.set(headerKeys[name], { name, bytes: 0 });
for (const name of u32Keys) widths.set(headerKeys[name], { name, bytes: 4 });
for (const name of u16Keys) widths.set(headerKeys[name], { name, bytes: 2 });
for (const name of u8Keys) widths.set(headerKeys[name], { name, bytes: 1 });

const fields = [...widths].map(([key, { name, bytes }]) => ({ key, name, bytes }));
const byKey = Array.from({ length: 256 }, (_, key) => widths.get(key));

/** Above this a text is cut: a header is bounded by its 16-bit length, and no field of ours needs more. */
const maxTextBytes = 1024;
/** No header is longer; who writes one must have so much room. */
export const maxHeaderBytes = 1 + textKeys.length * (3 + maxTextBytes) + (u32Keys.length + u16Keys.length + u8Keys.length) * 7;

/**
 * Writes a header map: u8 version, then entries of u8 key, u16 length, bytes. Numbers are unsigned little-endian and saturate at their width.
 * @returns where it ends
 */
export function writeHeader(target: Buffer, start: number, header: FrameHeader): number {
  target[start] = version;
  let at = start + 1;
  // By index: this runs for every request and answer, and an iterator over a map took a twentieth of a gateway's time.
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index];
    const value = field === undefined ? undefined : header[field.name];
    if (field === undefined || value === undefined) continue;
    target[at] = field.key;
    const length = typeof value === 'number' ? writeNumber(target, at + 3, value, field.bytes) : writeText(target, at + 3, value);
    target[at + 1] = length & 0xff;
    target[at + 2] = length >>> 8;
    at += 3 + length;
  }
  return at;
}

/** Character by character: most texts are short and plain, and a call into the engine's encoder costs more than they do. */
function writeText(target: Buffer, at: number, value: string): number {
  if (value.length > maxTextBytes) return target.write(value, at, maxTextBytes, 'utf8');
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code > 0x7f) return target.write(value, at, maxTextBytes, 'utf8');
    target[at + index] = code;
  }
  return value.length;
}

function writeNumber(target: Buffer, at: number, value: number, bytes: number): number {
  const top = bytes === 1 ? 0xff : bytes === 2 ? 0xffff : 0xffffffff;
  // Not a number becomes 0 here, which every comparison below would let through.
  const whole = value > 0 ? Math.min(top, Math.trunc(value)) : 0;
  target[at] = whole & 0xff;
  if (bytes === 1) return 1;
  target[at + 1] = (whole >>> 8) & 0xff;
  if (bytes === 2) return 2;
  target[at + 2] = (whole >>> 16) & 0xff;
  target[at + 3] = whole >>> 24;
  return 4;
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
    const key = bytes[at] ?? 0;
    const length = (bytes[at + 1] ?? 0) | ((bytes[at + 2] ?? 0) << 8);
    const start = at + 3;
    at = start + length;
    if (at > bytes.length) throw malformed();
    const known = byKey[key];
    if (known === undefined) continue;
    readEntry(header, known, bytes, start, length);
  }
  return header;
}

function readEntry(header: FrameHeader, known: { name: HeaderKey; bytes: number }, bytes: Buffer, start: number, length: number): void {
  if (isTextKey(known.name)) header[known.name] = bytes.toString('utf8', start, start + length);
  else if (length === known.bytes) header[known.name] = readNumber(bytes, start, length);
  else throw malformed();
}

/** Little-endian; multiplied, since shifting the fourth byte would make it signed. */
function readNumber(bytes: Buffer, start: number, length: number): number {
  const low = bytes[start] ?? 0;
  if (length === 1) return low;
  const two = low | ((bytes[start + 1] ?? 0) << 8);
  if (length === 2) return two;
  return two + (bytes[start + 2] ?? 0) * 0x10000 + (bytes[start + 3] ?? 0) * 0x1000000;
}

const textKeySet: ReadonlySet<string> = new Set(textKeys);

function isTextKey(name: HeaderKey): name is TextKey {
  return textKeySet.has(name);
}

function malformed(): SlipwayError {
  return new SlipwayError('INTERNAL', 'a frame header is malformed');
}
