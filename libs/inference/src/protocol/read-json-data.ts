import { SlipwayError } from '@slipway/contracts';
import type { NumericData, TensorData } from '../tensors/datatypes.js';
import { toFloat16 } from '../tensors/float16.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type TensorHead } from '../tensors/tensor.js';
import { takeMemory } from './input-memory.js';
import type { JsonReader } from './json-reader.js';
import { readFloats, readIntegers } from './read-numbers.js';

const opener = 0x5b;
const closer = 0x5d;
const comma = 0x2c;

/** A text element costs far more memory than its bytes in JSON, so there is a bound of its own. */
export const maxTextElements = 500_000;

/**
 * Reads the `data` of one input, nested as its shape or flat, straight into its typed array.
 * @param reader stands before the data
 * @throws SlipwayError INFER_INVALID when a value does not fit the datatype or the values do not fit the shape.
 */
export function readJsonData(reader: JsonReader, head: TensorHead): TensorData {
  const count = elementCount(head.shape);
  reader.input = head.name;
  // A value needs a digit and a comma, so a shape that the remaining bytes cannot fill allocates nothing.
  if (count > reader.end - reader.pos) throw tooFew(head, count);
  const run = makeRun(reader, head, count);
  if (head.shape.length === 0 && reader.peek() !== opener) run.read(0, 1);
  else if (isNested(reader)) readNested(reader, head, { depth: 0, at: 0, size: count }, run);
  else readFlat(reader, head, count, run);
  reader.input = undefined;
  return run.data;
}

/** Reads runs of values into the array of one input. */
interface Run {
  readonly data: TensorData;
  /** Reads up to `wanted` comma-separated values to the places from `at` on; returns how many there were. */
  read(at: number, wanted: number): number;
}

function isNested(reader: JsonReader): boolean {
  if (reader.peek() !== opener) throw reader.unexpected('data must be an array');
  const start = reader.pos;
  reader.pos++;
  const nested = reader.peek() === opener;
  reader.pos = start;
  return nested;
}

function readFlat(reader: JsonReader, head: TensorHead, count: number, run: Run): void {
  reader.expect(opener);
  if (reader.take(closer)) {
    if (count > 0) throw tooFew(head, count, 0);
    return;
  }
  if (count === 0) throw tooMany(head, count);
  const given = run.read(0, count);
  if (given < count) throw tooFew(head, count, given);
  if (!reader.take(closer)) throw reader.peek() === comma ? tooMany(head, count) : reader.unexpected('expected "," or "]"');
}

/** A part of nested data: how deep, from which place on, and how many values. */
interface Part {
  readonly depth: number;
  readonly at: number;
  readonly size: number;
}

function readNested(reader: JsonReader, head: TensorHead, part: Part, run: Run): void {
  const { depth } = part;
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
  if (isInnermost) given = run.read(part.at, length);
  else {
    const size = part.size / length;
    do {
      if (given === length) throw ragged(head, depth, length, 'more');
      readNested(reader, head, { depth: depth + 1, at: part.at + given * size, size }, run);
      given++;
    } while (reader.take(comma));
  }
  if (given < length) throw ragged(head, depth, length, given);
  if (!reader.take(closer)) throw reader.peek() === comma ? ragged(head, depth, length, 'more') : reader.unexpected('expected "," or "]"');
}

function makeRun(reader: JsonReader, head: TensorHead, count: number): Run {
  if (head.datatype === 'BYTES') return textRun(reader, head, count);
  const data = takeMemory(head.datatype, count);
  if (data instanceof BigInt64Array) return bigRun(reader, head, data, -(2n ** 63n), 2n ** 63n - 1n);
  if (data instanceof BigUint64Array) return bigRun(reader, head, data, 0n, 2n ** 64n - 1n);
  if (data instanceof Float32Array) return floatRun(reader, data, () => readSingle(reader, head));
  if (data instanceof Float64Array) return floatRun(reader, data, () => readFinite(reader, head));
  if (head.datatype === 'BOOL') return oneByOne(reader, data, () => readBool(reader, head));
  if (head.datatype === 'FP16') return oneByOne(reader, data, () => readHalf(reader, head));
  const bits = data.BYTES_PER_ELEMENT * 8;
  const isSigned = head.datatype.startsWith('INT');
  const low = isSigned ? -(2 ** (bits - 1)) : 0;
  const high = isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const range = { low, high };
  const readOne = () => readInteger(reader, head, low, high);
  return { data, read: (at, wanted) => readIntegers(reader, data, at, wanted, range, readOne) };
}

function floatRun(reader: JsonReader, data: Float32Array | Float64Array, readOne: () => number): Run {
  return { data, read: (at, wanted) => readFloats(reader, data, at, wanted, readOne) };
}

function oneByOne(reader: JsonReader, data: Exclude<NumericData, BigInt64Array | BigUint64Array>, readOne: () => number): Run {
  const read = (at: number, wanted: number): number => {
    let given = 0;
    do data[at + given++] = readOne();
    while (given < wanted && reader.take(comma));
    return given;
  };
  return { data, read };
}

/** Most 64-bit integers are small; those are set by their halves, without a big integer in between. The machine is little-endian. */
function bigRun(reader: JsonReader, head: TensorHead, data: BigInt64Array | BigUint64Array, low: bigint, high: bigint): Run {
  const halves = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
  const read = (at: number, wanted: number): number => {
    let given = 0;
    do {
      const place = at + given++;
      const small = reader.takeSmallInteger();
      if (small >= 0) halves[2 * place] = small;
      else data[place] = readBigInteger(reader, head, low, high);
    } while (given < wanted && reader.take(comma));
    return given;
  };
  return { data, read };
}

function textRun(reader: JsonReader, head: TensorHead, count: number): Run {
  if (count > maxTextElements) {
    throw new SlipwayError('INFER_TOO_LARGE', `input ${quote(head.name)}: ${count} texts are over the limit of ${maxTextElements} in one request`);
  }
  const data: string[] = [];
  const read = (at: number, wanted: number): number => {
    do data.push(checkText(readText(reader), head));
    while (data.length - at < wanted && reader.take(comma));
    return data.length - at;
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
  if (!startsNumber(reader.peek())) throw reader.unexpected(`expected ${expected}`);
  return reader.readNumber();
}

/** A digit, a sign, or the first letter of NaN or Infinity. */
function startsNumber(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x4e || byte === 0x49;
}

/** The midpoint between the largest binary32 and 2^128: from here on rounding gives infinity. */
const float32Overflow = 2 ** 128 - 2 ** 103;

function readSingle(reader: JsonReader, head: TensorHead): number {
  const next = reader.peek();
  if (!startsNumber(next)) throw reader.unexpected('expected a number');
  const value = reader.readSingle();
  if (value - value !== 0 || value >= float32Overflow || value <= -float32Overflow) checkRange(reader, head, value);
  return value;
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
