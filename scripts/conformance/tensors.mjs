import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberText } from './exact-json.mjs';

/**
 * Tensors of the material and of answers: {name, datatype, shape, values, bytes?}. `values` is flat and row-major; booleans for BOOL, BigInt
 * for 64-bit integers, strings for BYTES, numbers for the others. `bytes` is there where the tensor was bytes already. Written apart from the
 * product's codecs on purpose: it judges them.
 */
const kinds = {
  BOOL: { size: 1, read: (view, at) => view.getUint8(at) !== 0, write: (view, at, value) => view.setUint8(at, value ? 1 : 0) },
  UINT8: { size: 1, read: (view, at) => view.getUint8(at), write: (view, at, value) => view.setUint8(at, value) },
  UINT16: { size: 2, read: (view, at) => view.getUint16(at, true), write: (view, at, value) => view.setUint16(at, value, true) },
  UINT32: { size: 4, read: (view, at) => view.getUint32(at, true), write: (view, at, value) => view.setUint32(at, value, true) },
  UINT64: { size: 8, read: (view, at) => view.getBigUint64(at, true), write: (view, at, value) => view.setBigUint64(at, value, true) },
  INT8: { size: 1, read: (view, at) => view.getInt8(at), write: (view, at, value) => view.setInt8(at, value) },
  INT16: { size: 2, read: (view, at) => view.getInt16(at, true), write: (view, at, value) => view.setInt16(at, value, true) },
  INT32: { size: 4, read: (view, at) => view.getInt32(at, true), write: (view, at, value) => view.setInt32(at, value, true) },
  INT64: { size: 8, read: (view, at) => view.getBigInt64(at, true), write: (view, at, value) => view.setBigInt64(at, value, true) },
  FP16: { size: 2, read: (view, at) => fromHalf(view.getUint16(at, true)), write: (view, at, value) => view.setUint16(at, toHalf(value), true) },
  FP32: { size: 4, read: (view, at) => view.getFloat32(at, true), write: (view, at, value) => view.setFloat32(at, value, true) },
  FP64: { size: 8, read: (view, at) => view.getFloat64(at, true), write: (view, at, value) => view.setFloat64(at, value, true) },
};

export function isFloat(datatype) {
  return datatype.startsWith('FP');
}

/** A tensor of a case file: `data`, `file` (beside the case), or, in the operator suite, `raw` (base64) and `strings`. */
export function tensorOfCase(entry, folder) {
  const head = { name: entry.name, datatype: entry.datatype, shape: entry.shape };
  if (entry.strings !== undefined) return { ...head, values: entry.strings };
  if (entry.raw !== undefined) return tensorOfBytes(head, Buffer.from(entry.raw, 'base64'));
  if (entry.file !== undefined) return tensorOfBytes(head, readFileSync(join(folder, entry.file)));
  return { ...head, values: valuesOfJson(entry.datatype, entry.data) };
}

export function tensorOfBytes({ name, datatype, shape }, bytes) {
  return { name, datatype, shape, values: valuesOfBytes(datatype, bytes), bytes };
}

/** Values of a JSON array, nested or flat, as the datatype keeps them. NaN and infinities may be words in quotes. */
export function valuesOfJson(datatype, data) {
  const flat = [data].flat(Number.POSITIVE_INFINITY);
  if (datatype === 'BYTES') return flat;
  if (datatype === 'BOOL') return flat.map((value) => value === true || value === 1);
  if (datatype.endsWith('64') && !isFloat(datatype)) return flat.map(BigInt);
  if (datatype === 'FP32') return flat.map((value) => Math.fround(Number(value)));
  if (datatype === 'FP16') return flat.map((value) => fromHalf(toHalf(Number(value))));
  return flat.map(Number);
}

export function valuesOfBytes(datatype, bytes) {
  if (datatype === 'BYTES') return textsOf(bytes);
  const { size, read } = kinds[datatype];
  if (bytes.length % size !== 0) throw new Error(`${bytes.length} bytes are no whole number of ${datatype}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / size }, (_, index) => read(view, index * size));
}

/** @param {{datatype: string, values: readonly unknown[], bytes?: Buffer}} tensor */
export function bytesOf({ datatype, values, bytes: given }) {
  if (given !== undefined) return given;
  if (datatype === 'BYTES') return Buffer.concat(values.map(lengthPrefixed));
  const { size, write } = kinds[datatype];
  const bytes = Buffer.alloc(values.length * size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const [index, value] of values.entries()) write(view, index * size, value);
  return bytes;
}

/** The JSON text of the values as a flat array. */
export function jsonOf({ datatype, values }) {
  const write = datatype === 'BYTES' || datatype === 'BOOL' ? JSON.stringify : numberText;
  return `[${values.map((value) => write(value)).join(',')}]`;
}

/** Lists of `InferTensorContents` by datatype; 8- and 16-bit integers travel in the 32-bit ones. */
const typedLists = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

/** The values as a typed gRPC message carries them; undefined where the protocol has no such list (FP16). */
export function typedContents({ datatype, values }) {
  const list = typedLists[datatype];
  if (list === undefined) return undefined;
  const write = { BYTES: (text) => Buffer.from(text, 'utf8'), INT64: String, UINT64: String }[datatype];
  return { [list]: write === undefined ? values : values.map(write) };
}

/** A tensor that a signature takes: `value` everywhere, 1 for each open dimension. */
export function filledTensor({ name, datatype, shape }, value) {
  const fixed = shape.map((dimension) => (Number.isInteger(dimension) && dimension >= 0 ? dimension : 1));
  const count = fixed.reduce((product, dimension) => product * dimension, 1);
  const fill = datatype === 'BYTES' ? String(value) : value;
  return { name, datatype, shape: fixed, values: valuesOfJson(datatype, new Array(count).fill(fill)) };
}

function lengthPrefixed(text) {
  const body = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

function textsOf(bytes) {
  const texts = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (at + 4 + length > bytes.length) throw new Error('a BYTES element ends behind its tensor');
    texts.push(bytes.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** IEEE 754 binary16, round to nearest, ties to even. */
function toHalf(value) {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65_520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -14)));
  const fraction = roundToEven(size / 2 ** (exponent - 10));
  // A fraction that rounds up to the next power of two carries into the exponent by itself.
  return sign | (fraction < 1024 ? fraction : ((exponent + 14) << 10) + fraction);
}

function roundToEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
