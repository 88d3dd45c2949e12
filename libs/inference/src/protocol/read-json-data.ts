import { SlipwayError } from '@slipway/contracts';
import { makeNumericData, type NumericData, type TensorData } from '../tensors/datatypes.js';
import { toFloat16 } from '../tensors/float16.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type TensorHead } from '../tensors/tensor.js';
import type { JsonReader } from './json-reader.js';

const opener = 0x5b;
const closer = 0x5d;
const comma = 0x2c;

/** The midpoint between the largest binary32 and 2^128: from here on rounding gives infinity. */
const float32Overflow = 2 ** 128 - 2 ** 103;

/** A text element costs far more memory than its bytes in JSON, so there is a bound of its own. */
export const maxTextElements = 500_000;

/**
 * Reads the `data` of one input, nested as its shape or flat, straight into its typed array.
 * @param reader stands before the data
 * @throws SlipwayError INFER_INVALID when a value does not fit the datatype or the values do not fit the shape.
 */
export function readJsonData(reader: JsonReader, head: TensorHead): TensorData {
  const count = elementCount(head.shape);
  reader.place = `input ${quote(head.name)}`;
  // A value needs a digit and a comma, so a shape that the remaining bytes cannot fill allocates nothing.
  if (count > reader.end - reader.pos) throw tooFew(head, count);
  const sink = makeSink(reader, head, count);
  if (head.shape.length === 0 && reader.peek() !== opener) sink.read(1);
  else if (isNested(reader)) readNested(reader, head, 0, sink.read);
  else readFlat(reader, head, count, sink.read);
  return sink.data;
}

interface Sink {
  readonly data: TensorData;
  /** Reads up to `wanted` comma-separated values; returns how many there were. */
  readonly read: (wanted: number) => number;
}

function isNested(reader: JsonReader): boolean {
  if (reader.peek() !== opener) throw reader.unexpected('data must be an array');
  const start = reader.pos;
  reader.pos++;
  const nested = reader.peek() === opener;
  reader.pos = start;
  return nested;
}

function readFlat(reader: JsonReader, head: TensorHead, count: number, read: Sink['read']): void {
  reader.expect(opener);
  if (reader.take(closer)) {
    if (count > 0) throw tooFew(head, count, 0);
    return;
  }
  if (count === 0) throw tooMany(head, count);
  const given = read(count);
  if (given < count) throw tooFew(head, count, given);
  if (!reader.take(closer)) throw reader.peek() === comma ? tooMany(head, count) : reader.unexpected('expected "," or "]"');
}

function readNested(reader: JsonReader, head: TensorHead, depth: number, read: Sink['read']): void {
  const length = head.shape[depth];
  if (length === undefined) throw invalid(head, `data is nested deeper than its shape ${JSON.stringify(head.shape)}`);
  if (reader.peek() !== opener) throw reader.unexpected(`expected an array at depth ${depth + 1} of data`);
  reader.pos++;
  if (reader.take(closer)) {
    if (length > 0) throw ragged(head, depth, length, 0);
    return;
  }
  if (length === 0) throw ragged(head, depth, length, 'more');
  const isInnermost = depth === head.shape.length - 1;
  let given = 0;
  if (isInnermost) given = read(length);
  else {
    do {
      if (given === length) throw ragged(head, depth, length, 'more');
      readNested(reader, head, depth + 1, read);
      given++;
    } while (reader.take(comma));
  }
  if (given < length) throw ragged(head, depth, length, given);
  if (!reader.take(closer)) throw reader.peek() === comma ? ragged(head, depth, length, 'more') : reader.unexpected('expected "," or "]"');
}

function makeSink(reader: JsonReader, head: TensorHead, count: number): Sink {
  if (head.datatype === 'BYTES') return textSink(reader, head, count);
  const data = makeNumericData(head.datatype, count);
  if (data instanceof BigInt64Array) return bigSink(reader, head, data, -(2n ** 63n), 2n ** 63n - 1n);
  if (data instanceof BigUint64Array) return bigSink(reader, head, data, 0n, 2n ** 64n - 1n);
  if (head.datatype === 'BOOL') return numericSink(reader, data, () => readBool(reader, head));
  if (data instanceof Float32Array) return float32Sink(reader, head, data);
  if (data instanceof Float64Array) return numericSink(reader, data, () => readFinite(reader, head));
  if (head.datatype === 'FP16' && data instanceof Uint16Array) return numericSink(reader, data, () => readHalf(reader, head));
  const bits = data.BYTES_PER_ELEMENT * 8;
  const isSigned = head.datatype.startsWith('INT');
  const low = isSigned ? -(2 ** (bits - 1)) : 0;
  const high = isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  return numericSink(reader, data, () => readInteger(reader, head, low, high));
}

function numericSink(reader: JsonReader, data: Exclude<NumericData, BigInt64Array | BigUint64Array>, readValue: () => number): Sink {
  let at = 0;
  const read = (wanted: number): number => {
    const start = at;
    do data[at++] = readValue();
    while (at - start < wanted && reader.take(comma));
    return at - start;
  };
  return { data, read };
}

/** The one hot case has its own loop: no call through a closure per value. */
function float32Sink(reader: JsonReader, head: TensorHead, data: Float32Array): Sink {
  let at = 0;
  const read = (wanted: number): number => {
    const start = at;
    do {
      const value = reader.readSingle();
      if (value - value !== 0 || value >= float32Overflow || value <= -float32Overflow) checkRange(reader, head, value);
      data[at++] = value;
    } while (at - start < wanted && reader.take(comma));
    return at - start;
  };
  return { data, read };
}

function bigSink(reader: JsonReader, head: TensorHead, data: BigInt64Array | BigUint64Array, low: bigint, high: bigint): Sink {
  let at = 0;
  const read = (wanted: number): number => {
    const start = at;
    do data[at++] = readBigInteger(reader, head, low, high);
    while (at - start < wanted && reader.take(comma));
    return at - start;
  };
  return { data, read };
}

function textSink(reader: JsonReader, head: TensorHead, count: number): Sink {
  if (count > maxTextElements) {
    throw new SlipwayError('INFER_TOO_LARGE', `input ${quote(head.name)}: ${count} texts are over the limit of ${maxTextElements} in one request`);
  }
  const data: string[] = [];
  const read = (wanted: number): number => {
    const start = data.length;
    do data.push(checkText(readText(reader), head));
    while (data.length - start < wanted && reader.take(comma));
    return data.length - start;
  };
  return { data, read };
}

function readText(reader: JsonReader): string {
  if (reader.peek() !== 0x22) throw reader.unexpected('expected a string');
  return reader.readString();
}

/** The runtime's strings end at the first NUL and are UTF-8: what it would change unnoticed is refused. */
export function checkText(text: string, head: TensorHead): string {
  if (text.includes('\u0000')) throw invalid(head, 'a text with the character U+0000 cannot be given to the runtime, which would cut it there');
  if (!isWellFormed(text)) throw invalid(head, 'a text with half a surrogate pair has no UTF-8 form');
  return text;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function readValue(reader: JsonReader, expected: string): number {
  const next = reader.peek();
  const isNumber = (next >= 0x30 && next <= 0x39) || next === 0x2d || next === 0x4e || next === 0x49;
  if (!isNumber) throw reader.unexpected(`expected ${expected}`);
  return reader.readNumber();
}

function readFinite(reader: JsonReader, head: TensorHead): number {
  const value = readValue(reader, 'a number');
  if (value - value !== 0) checkRange(reader, head, value);
  return value;
}

function readHalf(reader: JsonReader, head: TensorHead): number {
  const value = readFinite(reader, head);
  const half = toFloat16(value);
  if ((half & 0x7fff) === 0x7c00 && Number.isFinite(value)) throw outOfRange(reader, head);
  return half;
}

/** Infinity is a value when it was written as such, and a mistake when a finite number became it. */
function checkRange(reader: JsonReader, head: TensorHead, value: number): void {
  const first = reader.bytes[reader.numberStart + (value < 0 ? 1 : 0)];
  if (Number.isNaN(value) || first === 0x49) return;
  throw outOfRange(reader, head);
}

function readBool(reader: JsonReader, head: TensorHead): number {
  const next = reader.peek();
  if (next === 0x74 || next === 0x66) return reader.readBoolean() ? 1 : 0;
  const value = readValue(reader, 'true or false (or 1 or 0)');
  if (value !== 0 && value !== 1) throw invalid(head, `expected true or false (or 1 or 0), given ${reader.numberText}`);
  return value === 1 ? 1 : 0;
}

function readInteger(reader: JsonReader, head: TensorHead, low: number, high: number): number {
  const value = readValue(reader, 'an integer');
  if (!Number.isInteger(value)) throw invalid(head, `expected an integer for ${head.datatype}, given ${reader.numberText.slice(0, 40)}`);
  if (value < low || value > high) throw outOfRange(reader, head);
  return value;
}

function readBigInteger(reader: JsonReader, head: TensorHead, low: bigint, high: bigint): bigint {
  const value = readValue(reader, 'an integer');
  if (Number.isSafeInteger(value)) return inRange(BigInt(value), reader, head, low, high);
  if (!reader.isInteger) throw invalid(head, `expected an integer for ${head.datatype}, given ${reader.numberText.slice(0, 40)}`);
  // Longer than any 64-bit integer: not worth the cost of making a big one.
  if (reader.pos - reader.numberStart > 21) throw outOfRange(reader, head);
  return inRange(BigInt(reader.numberText), reader, head, low, high);
}

function inRange(value: bigint, reader: JsonReader, head: TensorHead, low: bigint, high: bigint): bigint {
  if (value < low || value > high) throw outOfRange(reader, head);
  return value;
}

function outOfRange(reader: JsonReader, head: TensorHead): SlipwayError {
  return invalid(head, `${reader.numberText.slice(0, 40)} is outside the range of ${head.datatype}`);
}

function tooFew(head: TensorHead, count: number, given?: number): SlipwayError {
  const shown = given === undefined ? 'fewer' : String(given);
  return invalid(head, `expected ${count} values for shape ${showJson(head.shape)}, given ${shown}`);
}

function tooMany(head: TensorHead, count: number): SlipwayError {
  return invalid(head, `expected ${count} values for shape ${showJson(head.shape)}, given more`);
}

function ragged(head: TensorHead, depth: number, expected: number, given: number | string): SlipwayError {
  return invalid(head, `data does not follow shape ${showJson(head.shape)}: expected ${expected} items at depth ${depth + 1}, given ${given}`);
}

function showJson(shape: readonly number[]): string {
  return JSON.stringify(shape.slice(0, 16));
}

function invalid(head: TensorHead, message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', `input ${quote(head.name)}: ${message}`);
}
