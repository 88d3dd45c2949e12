import { createHmac } from 'node:crypto';
import type { Datatype, redactions } from '@slipway/contracts';
import { datatypeFacts, makeNumericData, type TensorData } from './datatypes.js';
import { toFloat16 } from './float16.js';
import type { Tensor } from './tensor.js';

export type Redaction = (typeof redactions)[number];

const maskText = '***';
const knownMost = 65_536;

/**
 * A tensor with its values kept, hashed, masked or dropped; name, datatype and shape stay, so that it can still be given to a model.
 * - `hash`: each value becomes a keyed hash of itself, reduced to its datatype: a whole number without sign below the datatype's positive
 *   range, a fraction from 0 to 1, a truth, or a text of 22 characters. Equal values of one input stay equal.
 * - `mask`: 1, true or "***". `drop`: 0, false or the empty text.
 * @param key of the project; without it nobody can tell what was hashed by trying.
 */
export function redactTensor(tensor: Tensor, how: Redaction, key: Uint8Array): Tensor {
  if (how === 'keep') return tensor;
  return { ...tensor, data: isTexts(tensor.data) ? redactTexts(tensor.data, how, tensor.name, key) : redactNumbers(tensor, how, key) };
}

function redactTexts(texts: readonly string[], how: Exclude<Redaction, 'keep'>, name: string, key: Uint8Array): string[] {
  if (how === 'hash') return texts.map((text) => digestOf(key, name, Buffer.from(text, 'utf8')).subarray(0, 16).toString('base64url'));
  return texts.map(() => (how === 'mask' ? maskText : ''));
}

function redactNumbers({ name, datatype, data }: Tensor, how: Exclude<Redaction, 'keep'>, key: Uint8Array): TensorData {
  if (datatype === 'BYTES' || isTexts(data)) throw new Error(`input "${name}" of ${datatype} does not hold what its datatype says`);
  const redacted = makeNumericData(datatype, data.length);
  if (how === 'drop') return redacted;
  const { bytes } = datatypeFacts[datatype];
  const target = Buffer.from(redacted.buffer, redacted.byteOffset, redacted.byteLength);
  const source = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const one = how === 'mask' ? oneOf(datatype) : undefined;
  const known = new Map<string, Buffer>();
  for (let at = 0; at < source.length; at += bytes) (one ?? hashed(datatype, name, source.subarray(at, at + bytes), key, known)).copy(target, at);
  return redacted;
}

/** Values often come again (pixels, categories), and a hash costs far more than a look at those known already. */
function hashed(datatype: Exclude<Datatype, 'BYTES'>, name: string, bytes: Buffer, key: Uint8Array, known: Map<string, Buffer>): Buffer {
  const text = bytes.toString('latin1');
  const before = known.get(text);
  if (before !== undefined) return before;
  const value = reduced(datatype, digestOf(key, name, bytes));
  if (known.size < knownMost) known.set(text, value);
  return value;
}

function digestOf(key: Uint8Array, name: string, bytes: Buffer): Buffer {
  return createHmac('sha256', key).update(`${name}\0`).update(bytes).digest();
}

function oneOf(datatype: Exclude<Datatype, 'BYTES'>): Buffer {
  const value = Buffer.alloc(datatypeFacts[datatype].bytes);
  if (datatype === 'FP16') value.writeUInt16LE(toFloat16(1));
  else if (datatype === 'FP32') value.writeFloatLE(1);
  else if (datatype === 'FP64') value.writeDoubleLE(1);
  else value[0] = 1;
  return value;
}

/** As many bits of the hash as the datatype holds exactly: the significand of a float (IEEE 754), the positive range of an integer. */
function reduced(datatype: Exclude<Datatype, 'BYTES'>, digest: Buffer): Buffer {
  const { bytes } = datatypeFacts[datatype];
  const value = Buffer.alloc(bytes);
  if (datatype === 'BOOL') value[0] = (digest[0] ?? 0) & 1;
  else if (datatype === 'FP16') value.writeUInt16LE(toFloat16((digest.readUInt16LE(0) >>> 5) / 2 ** 11));
  else if (datatype === 'FP32') value.writeFloatLE((digest.readUInt32LE(0) >>> 8) / 2 ** 24);
  else if (datatype === 'FP64') value.writeDoubleLE(Number(digest.readBigUInt64LE(0) >> 11n) / 2 ** 53);
  else {
    digest.copy(value, 0, 0, bytes);
    if (datatype.startsWith('INT')) value[bytes - 1] = (value[bytes - 1] ?? 0) & 0x7f;
  }
  return value;
}

function isTexts(data: TensorData): data is readonly string[] {
  return Array.isArray(data);
}
