import { type NumericData, viewNumericData } from '../tensors/datatypes.js';
import { fromFloat16 } from '../tensors/float16.js';
import type { Tensor } from '../tensors/tensor.js';
import type { JsonWriter } from './json-writer.js';

const comma = 0x2c;
const opener = 0x5b;
const closer = 0x5d;
/** Elements per string, where strings are made: strings have an upper length. */
const chunkElements = 1024;
const trueBytes = Buffer.from('true', 'latin1');
const falseBytes = Buffer.from('false', 'latin1');

/**
 * Writes a tensor's elements as a flat JSON array. NaN and the infinities are written bare, as the protocol's clients read
 * them; negative zero keeps its sign; 64-bit integers are exact; FP16 and FP32 have as few digits as give the same value back.
 */
export function writeJsonData(writer: JsonWriter, { data, datatype }: Tensor): void {
  writer.byte(opener);
  if (isTexts(data)) writeTexts(writer, data);
  else if (data instanceof Float32Array) writer.singles(data);
  else if (data instanceof Float64Array) writeDoubles(writer, data);
  else if (data instanceof BigInt64Array || data instanceof BigUint64Array) writeBigIntegers(writer, data);
  else if (datatype === 'BOOL') writeBooleans(writer, data);
  else if (datatype === 'FP16') writer.singles(Float32Array.from(data, (half) => fromFloat16(Number(half))));
  else writeIntegers(writer, data);
  writer.byte(closer);
}

/** The engine's own join is the fastest, and right for all but negative zero. */
function writeDoubles(writer: JsonWriter, data: Float64Array): void {
  for (let start = 0; start < data.length; start += chunkElements) {
    const chunk = data.subarray(start, start + chunkElements);
    if (start > 0) writer.byte(comma);
    writer.ascii(chunk.some((value) => Object.is(value, -0)) ? Array.from(chunk, doubleText).join(',') : chunk.join(','));
  }
}

/** Python reads `-0` as an integer and loses the sign, so negative zero is written as a float. */
function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

function writeIntegers(writer: JsonWriter, data: Exclude<NumericData, BigInt64Array | BigUint64Array>): void {
  for (let index = 0; index < data.length; index++) {
    if (index > 0) writer.byte(comma);
    const value = data[index] ?? 0;
    if (value >= 0 && value <= 0x7fffffff) writer.smallInteger(value);
    else writer.ascii(String(value));
  }
}

/** Most 64-bit integers are small: those are written from their halves, without a big integer in between. The machine is little-endian. */
function writeBigIntegers(writer: JsonWriter, data: BigInt64Array | BigUint64Array): void {
  const halves = viewNumericData('INT32', data.buffer, data.byteOffset, data.length * 2);
  for (let index = 0; index < data.length; index++) {
    if (index > 0) writer.byte(comma);
    const low = Number(halves[2 * index]);
    if (low >= 0 && halves[2 * index + 1] === 0) writer.smallInteger(low);
    else writer.ascii(String(data[index]));
  }
}

function writeBooleans(writer: JsonWriter, data: NumericData): void {
  for (let index = 0; index < data.length; index++) {
    if (index > 0) writer.byte(comma);
    writer.raw(data[index] === 0 ? falseBytes : trueBytes);
  }
}

function writeTexts(writer: JsonWriter, data: readonly string[]): void {
  for (let index = 0; index < data.length; index++) {
    if (index > 0) writer.byte(comma);
    writer.utf8(JSON.stringify(data[index]));
  }
}

function isTexts(data: Tensor['data']): data is readonly string[] {
  return Array.isArray(data);
}
