import { exactTens, type JsonReader, singleTolerance } from './json-reader.js';

const space = 0x20;
const minus = 0x2d;
const comma = 0x2c;
const dot = 0x2e;
const zero = 0x30;
const closer = 0x5d;

/** Nine digits always fit the engine's small integers, with which it counts fastest. */
const maxGroup = 9;

/** Reads the number that the reader stands before, in whatever way it is written; checks that the datatype can hold it. */
export type ReadOne = () => number;

/**
 * Reads up to `wanted` comma-separated numbers into a float array, the hot loop of JSON requests: what is written as plain decimals is
 * read here without a call, everything else by `readOne`.
 * @returns how many there were; the reader stands behind the last one.
 */
export function readFloats(reader: JsonReader, data: Float32Array | Float64Array, at: number, wanted: number, readOne: ReadOne): number {
  const { bytes } = reader;
  const isSingle = data instanceof Float32Array;
  const stop = at + wanted;
  let index = at;
  let pos = reader.pos;
  for (;;) {
    let byte = bytes[pos] ?? 0;
    if (byte === space) byte = bytes[++pos] ?? 0;
    const start = pos;
    const isNegative = byte === minus;
    if (isNegative) byte = bytes[++pos] ?? 0;
    const wholeStart = pos;
    let whole = 0;
    while (byte >= zero && byte <= zero + 9 && pos - wholeStart < maxGroup) {
      whole = whole * 10 + (byte - zero);
      byte = bytes[++pos] ?? 0;
    }
    const wholeDigits = pos - wholeStart;
    let value = whole;
    let isPlain = wholeDigits === 1 || (wholeDigits > 1 && bytes[wholeStart] !== zero);
    if (isPlain && byte === dot) {
      byte = bytes[++pos] ?? 0;
      const fractionStart = pos;
      let high = 0;
      while (byte >= zero && byte <= zero + 9 && pos - fractionStart < maxGroup) {
        high = high * 10 + (byte - zero);
        byte = bytes[++pos] ?? 0;
      }
      const highDigits = pos - fractionStart;
      let low = 0;
      while (byte >= zero && byte <= zero + 9 && pos - fractionStart < 2 * maxGroup) {
        low = low * 10 + (byte - zero);
        byte = bytes[++pos] ?? 0;
      }
      const scale = pos - fractionStart;
      const lowScale = exactTens[scale - highDigits] ?? 1;
      const mantissa = (whole * (exactTens[highDigits] ?? 1) + high) * lowScale + low;
      value = mantissa / (exactTens[scale] ?? 1);
      // Up to 15 digits all of this is exact but for the one division, which rounds once (Clinger 1990).
      isPlain = scale > 0 && (wholeDigits + scale <= 15 || (isSingle && roundsSurely(value)));
    }
    if (isPlain && (byte === comma || byte === closer || byte === space)) {
      data[index++] = isNegative ? -value : value;
      if (index === stop || byte === closer) break;
      if (byte === comma) {
        pos++;
        continue;
      }
    } else {
      reader.pos = start;
      data[index++] = readOne();
      if (index === stop) return index - at;
      pos = reader.pos;
    }
    reader.pos = pos;
    if (!reader.take(comma)) return index - at;
    pos = reader.pos;
  }
  reader.pos = pos;
  return index - at;
}

/** Beyond 15 digits the value may be off by a few units of 2^-53: enough for binary32 wherever all within a far larger distance rounds alike. */
function roundsSurely(value: number): boolean {
  return Math.fround(value * (1 - singleTolerance)) === Math.fround(value * (1 + singleTolerance));
}

/**
 * The same for integers within `low` to `high`.
 * @returns how many there were; the reader stands behind the last one.
 */
export function readIntegers(
  reader: JsonReader,
  data: Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array,
  at: number,
  wanted: number,
  range: { readonly low: number; readonly high: number },
  readOne: ReadOne,
): number {
  const { bytes } = reader;
  const { low, high } = range;
  const stop = at + wanted;
  let index = at;
  let pos = reader.pos;
  for (;;) {
    let byte = bytes[pos] ?? 0;
    if (byte === space) byte = bytes[++pos] ?? 0;
    const start = pos;
    const isNegative = byte === minus;
    if (isNegative) byte = bytes[++pos] ?? 0;
    const digitsStart = pos;
    let value = 0;
    while (byte >= zero && byte <= zero + 9 && pos - digitsStart < maxGroup) {
      value = value * 10 + (byte - zero);
      byte = bytes[++pos] ?? 0;
    }
    if (isNegative) value = -value;
    const digits = pos - digitsStart;
    const isPlain = (digits === 1 || (digits > 1 && bytes[digitsStart] !== zero)) && value >= low && value <= high;
    if (isPlain && (byte === comma || byte === closer)) {
      data[index++] = value;
      if (index === stop || byte === closer) break;
      pos++;
      continue;
    }
    reader.pos = start;
    data[index++] = readOne();
    if (index === stop || !reader.take(comma)) return index - at;
    pos = reader.pos;
  }
  reader.pos = pos;
  return index - at;
}
